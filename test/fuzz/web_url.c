/*
 * web_url.c
 *		URLs of df_http, addresses that answers lead to, Retry-After.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_url.h"

#include "fuzz.h"

FUZZ_TARGET(web_url)
{
	char	   *text = fuzz_text(data, size);
	WebUrl		url = {0};
	WebUrl		again = {0};
	WebUrl		base = {0};
	const char *problem = NULL;
	int64_t		delay_ms;

	if (web_url_parse(text, &url, &problem))
	{
		FUZZ_HOLDS(url.host[0] != '\0' && url.port > 0 && url.port < 65536);
		/* libcurl makes some names that it does not take again, such as "." */
		if (web_url_parse(url.text, &again, &problem))
			FUZZ_HOLDS(web_url_same_origin(&url, &again));
		web_url_free(&again);
	}
	else
		FUZZ_HOLDS(problem != NULL && url.text == NULL);
	FUZZ_HOLDS(web_url_parse("https://example.org/a/b?c", &base, &problem));
	if (web_url_resolve(&base, text, &again, &problem))
		FUZZ_HOLDS(again.host[0] != '\0');
	if (web_retry_after(text, 1700000000, &delay_ms))
		FUZZ_HOLDS(delay_ms >= 0 && delay_ms <= WEB_RETRY_AFTER_MAX_MS);
	web_url_free(&url);
	web_url_free(&again);
	web_url_free(&base);
	free(text);
}

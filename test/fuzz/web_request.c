/*
 * web_request.c
 *		Inputs of df_http; settings of a registration of kind http.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_request.h"

#include "fuzz.h"
#include "json.h"

static const char settings[] = "{\"url\":\"https://example.org/x\",\"method\":\"POST\",\"headers\":{\"A\":\"b\"}}";

static void
try_input(const char *input, const char *with)
{
	WebRequest	request = {0};
	char	   *problem = NULL;

	if (web_request_read(&request, input, with, &problem))
	{
		FUZZ_HOLDS(request.method != NULL && request.url.host != NULL);
		for (int i = 0; i < request.header_count; i++)
		{
			FUZZ_HOLDS(strpbrk(request.headers[i].name, "\r\n: ") == NULL);
			FUZZ_HOLDS(strpbrk(request.headers[i].value, "\r\n") == NULL);
		}
	}
	else
		FUZZ_HOLDS(problem != NULL);
	free(problem);
	web_request_free(&request);
}

/* What the database sends is valid JSON. */
FUZZ_TARGET(web_request)
{
	char	   *text = fuzz_text(data, size);
	size_t		offset;

	if (memchr(text, '\0', size) == NULL && json_is_valid(text, size, &offset))
	{
		try_input(text, NULL);
		try_input(text, settings);
		try_input("1", text);
	}
	free(text);
}

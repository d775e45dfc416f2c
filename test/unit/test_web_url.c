/*
 * test_web_url.c
 *		URLs of requests, where an answer leads to, and for how long it asks to wait.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "web_url.h"

#include <string.h>

#include "tap.h"

#define NOW_S 1700000000		/* Tue, 14 Nov 2023 22:13:20 GMT */

static const struct
{
	const char *text;
	const char *url;			/* NULL: refused */
	const char *host;
	int			port;
}			urls[] = {
	{"https://example.com", "https://example.com/", "example.com", 443},
	{"HTTPS://Example.COM:8443/a?b#c", "https://Example.COM:8443/a?b", "Example.COM", 8443},
	{"http://[::1]:80/x", "http://[::1]:80/x", "::1", 80},
	{"http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1", 80},
	{"https://h/a/../b/./c", "https://h/b/c", "h", 443},
	{"https://h/%2e%2e/x", "https://h/%2e%2e/x", "h", 443},
	{"https:///x", "https://x/", "x", 443}, /* as libcurl reads it, and connects to it */
	{"ftp://h/", NULL, NULL, 0}, {"file:///etc/passwd", NULL, NULL, 0}, {"gopher://h/", NULL, NULL, 0},
	{"dict://h/", NULL, NULL, 0}, {"javascript:1", NULL, NULL, 0}, {"//h/", NULL, NULL, 0}, {"/x", NULL, NULL, 0},
	{"h/x", NULL, NULL, 0}, {"", NULL, NULL, 0}, {"https://", NULL, NULL, 0},
	{"https://./x", NULL, NULL, 0}, {"https://.//./", NULL, NULL, 0}, {"http://../", NULL, NULL, 0},
	{"https://u@h/", NULL, NULL, 0}, {"https://u:p@h/", NULL, NULL, 0}, {"https://:p@h/", NULL, NULL, 0},
	{"https://h:0x50/", NULL, NULL, 0}, {"https://h:65536/", NULL, NULL, 0}, {"https://h:0/", NULL, NULL, 0}, {"https://h:-1/", NULL, NULL, 0},
	{"https://a b/", NULL, NULL, 0}, {"https://h/a\r\nX: y", NULL, NULL, 0}, {"https://h/\x01", NULL, NULL, 0},
	{"https://[::1", NULL, NULL, 0}, {"https://[zz]/", NULL, NULL, 0},
};

static const struct
{
	const char *base;
	const char *location;
	const char *url;			/* NULL: refused */
	bool		same_origin;
}			locations[] = {
	{"https://h/a/b?q", "c", "https://h/a/c", true}, {"https://h/a/b", "/c", "https://h/c", true},
	{"https://h/a/b", "../c", "https://h/c", true}, {"https://h/a/b", "?x=1", "https://h/a/b?x=1", true},
	{"https://h/a", "https://H/b", "https://H/b", true}, {"https://h/a", "https://h:443/b", "https://h:443/b", true},
	{"https://h/a", "https://h./b", "https://h./b", true},
	{"https://h/a", "//g/b", "https://g/b", false}, {"https://h/a", "http://h/b", "http://h/b", false},
	{"https://h/a", "https://h:8443/b", "https://h:8443/b", false}, {"https://h/a", "https://g.h/", "https://g.h/", false},
	{"https://h/a", "file:///etc/passwd", NULL, false}, {"https://h/a", "gopher://h/", NULL, false},
	{"https://h/a", "https://u:p@h/", NULL, false}, {"https://h/a", "//u@g/", NULL, false},
	{"https://h/a", "javascript:alert(1)", NULL, false},
};

static const struct
{
	const char *value;
	int64_t		delay_ms;		/* -1: it says nothing */
}			delays[] = {
	{"0", 0}, {"5", 5000}, {"120 ", 120000}, {"007", 7000}, {"86400", 86400000}, {"86401", 86400000},
	{"99999999999999999999", 86400000}, {"", -1}, {"-1", -1}, {"+1", -1}, {"1.5", -1}, {"5s", -1}, {"1e3", -1},
	{"soon", -1}, {"0x10", -1}, {"20231114", 86400000},
	{"Tue, 14 Nov 2023 22:13:50 GMT", 30000},	/* IMF-fixdate */
	{"Tuesday, 14-Nov-23 22:13:50 GMT", 30000}, /* RFC 850 */
	{"Tue Nov 14 22:13:50 2023", 30000},	/* asctime() */
	{"Tue, 14 Nov 2023 22:13:20 GMT", 0}, {"Tue, 14 Nov 2023 22:00:00 GMT", 0}, {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	{"Wed, 15 Nov 2023 22:13:19 GMT", 86399000}, {"Fri, 31 Dec 9999 23:59:59 GMT", 86400000},
	{"Tue, 14 Nov 2023 22:13:50 +0100", 0}, {"Tue, 14 Foo 2023 22:13:50 GMT", -1}, {"Tue", -1}, {"GMT: 1", -1},
};

int
main(void)
{
	char		big[WEB_URL_MAX + 20];
	const char *problem;
	WebUrl		url;
	WebUrl		base;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
	{
		bool		is_url = web_url_parse(urls[i].text, &url, &problem);

		if (urls[i].url == NULL)
			ok(!is_url && problem != NULL && url.text == NULL, "refused: %s", urls[i].text);
		else
		{
			is_str(url.text, urls[i].url, "%s", urls[i].text);
			is_str(url.host, urls[i].host, "its host");
			is_int(url.port, urls[i].port, "its port");
		}
		web_url_free(&url);
	}
	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++)
	{
		bool		is_url = web_url_parse(locations[i].base, &base, &problem) &&
		web_url_resolve(&base, locations[i].location, &url, &problem);

		if (locations[i].url == NULL)
			ok(!is_url, "refused: %s from %s", locations[i].location, locations[i].base);
		else
		{
			is_str(url.text, locations[i].url, "%s from %s", locations[i].location, locations[i].base);
			ok(is_url && web_url_same_origin(&base, &url) == locations[i].same_origin, "its origin");
		}
		web_url_free(&url);
		web_url_free(&base);
	}
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++)
	{
		int64_t		delay_ms = -1;

		if (!web_retry_after(delays[i].value, NOW_S, &delay_ms))
			delay_ms = -1;
		is_int(delay_ms, delays[i].delay_ms, delays[i].value);
	}

	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, "https://h/", strlen("https://h/"));
	big[sizeof(big) - 1] = '\0';
	ok(!web_url_parse(big, &url, &problem), "a URL may be too long");
	big[WEB_URL_MAX] = '\0';
	ok(web_url_parse(big, &url, &problem), "or just not");
	web_url_free(&url);
	return done_testing();
}

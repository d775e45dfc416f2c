/*
 * http_uri.c
 *		Request targets: paths, percent-decoding, queries, routes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_uri.h"

#include "fuzz.h"
#include "http_routes.h"
#include "json.h"

static const char *const keys[] = {"top", "timeout", "showInput", "reason", "code"};

FUZZ_TARGET(http_uri)
{
	char	   *target = fuzz_text(data, size);
	HttpUri		uri;
	const char *args[HTTP_MAX_ARGS];

	if (http_uri_parse(&uri, target) == HTTP_URI_OK)
	{
		const HttpRoute *route = http_routes_find("GET", &uri, args);

		FUZZ_HOLDS(uri.segment_count >= 0 && uri.segment_count <= HTTP_MAX_SEGMENTS);
		for (int i = 0; i < uri.segment_count; i++)
			FUZZ_HOLDS(json_utf8_is_valid(uri.segments[i], strlen(uri.segments[i])));
		for (int i = 0; i < uri.field_count; i++)
		{
			FUZZ_HOLDS(json_utf8_is_valid(uri.fields[i].value, strlen(uri.fields[i].value)));
			FUZZ_HOLDS(http_uri_field(&uri, uri.fields[i].key) != NULL);
		}
		FUZZ_HOLDS(route == NULL || strcmp(route->verb, "GET") == 0);
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		int			n = http_uri_int(&uri, keys[i], 1, 1000, 100);

		FUZZ_HOLDS(n >= 1 && n <= 1000);
		FUZZ_HOLDS(http_uri_seconds(&uri, keys[i]) >= -1);
		(void) http_uri_flag(&uri, keys[i], true);
	}
	http_uri_free(&uri);
	free(target);
}

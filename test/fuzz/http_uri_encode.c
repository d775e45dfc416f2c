/*
 * http_uri_encode.c
 *		What is percent-encoded is decoded to what it was.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "fuzz.h"
#include "http_uri.h"
#include "json.h"

FUZZ_TARGET(http_uri_encode)
{
	char	   *text = fuzz_text(data, size);
	Buf			encoded = {0};

	http_uri_append(&encoded, text);
	if (encoded.data != NULL && json_utf8_is_valid(text, strlen(text)))
	{
		FUZZ_HOLDS(http_uri_decode(encoded.data, true));
		FUZZ_HOLDS(strcmp(encoded.data, text) == 0);
	}
	(void) http_uri_decode(text, false);
	buf_free(&encoded);
	free(text);
}

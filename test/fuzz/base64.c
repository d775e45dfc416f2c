/*
 * base64.c
 *		base64: what decodes is what encoding makes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base64.h"

#include "fuzz.h"

FUZZ_TARGET(base64)
{
	char	   *text = fuzz_text(data, size);
	Buf			bytes = {0};
	Buf			again = {0};

	if (base64_decode(&bytes, text, size))
	{
		base64_append(&again, bytes.data, bytes.used);
		FUZZ_HOLDS(again.used == size && (size == 0 || memcmp(again.data, text, size) == 0));
	}
	buf_reset(&bytes);
	buf_reset(&again);
	base64_append(&again, data, size);
	FUZZ_HOLDS(base64_decode(&bytes, again.data == NULL ? "" : again.data, again.used));
	FUZZ_HOLDS(bytes.used == size && (size == 0 || memcmp(bytes.data, data, size) == 0));
	buf_free(&bytes);
	buf_free(&again);
	free(text);
}

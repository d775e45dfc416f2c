/*
 * pgarray.c
 *		Arrays of any texts: what is written is what PostgreSQL's binary format says.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "pgarray.h"

#include <arpa/inet.h>

#include "fuzz.h"

#define HEADER_BYTES 20

static uint32_t
number_at(const PgArray *array, size_t offset)
{
	uint32_t	number;

	FUZZ_HOLDS(offset + sizeof(number) <= array->bytes.used);
	memcpy(&number, array->bytes.data + offset, sizeof(number));
	return ntohl(number);
}

/* Texts are the pieces between NULs; an empty one is NULL. */
FUZZ_TARGET(pgarray)
{
	char	   *bytes = fuzz_text(data, size);
	PgArray		array;
	size_t		offset = HEADER_BYTES;
	uint32_t	count = 0;

	pgarray_begin(&array, PG_TEXT_OID);
	for (size_t at = 0; at < size; at += strlen(bytes + at) + 1, count++)
	{
		if (bytes[at] == '\0')
			pgarray_add_null(&array);
		else
			pgarray_add_text(&array, bytes + at, strlen(bytes + at));
	}
	pgarray_finish(&array);
	if (count > 0)
	{
		FUZZ_HOLDS(number_at(&array, 0) == 1 && number_at(&array, 12) == count);
		for (uint32_t i = 0; i < count; i++)
		{
			int32_t		length = (int32_t) number_at(&array, offset);

			offset += 4 + (length < 0 ? 0 : (size_t) length);
		}
		FUZZ_HOLDS(offset == array.bytes.used);
	}
	pgarray_free(&array);
	free(bytes);
}

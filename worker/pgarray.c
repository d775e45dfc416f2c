/*
 * pgarray.c
 *		One-dimensional arrays in PostgreSQL's binary format, as parameters.
 *
 * The format: dimensions, "has nulls", element type, then for the dimension its
 * length and lower bound, then each element as length and bytes; everything in
 * network order.  An empty array has no dimension at all.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "pgarray.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#define EMPTY_HEADER_BYTES	12
#define HEADER_BYTES		20

static void add_int32(Buf *bytes, int32_t value);

void
pgarray_begin(PgArray *array, uint32_t element_oid)
{
	static const char room[HEADER_BYTES] = {0};

	memset(array, 0, sizeof(*array));
	array->element_oid = element_oid;
	buf_append(&array->bytes, room, sizeof(room));
}

void
pgarray_add_int4(PgArray *array, int32_t value)
{
	add_int32(&array->bytes, sizeof(value));
	add_int32(&array->bytes, value);
	array->count++;
}

void
pgarray_add_int8(PgArray *array, int64_t value)
{
	uint64_t	ordered = htobe64((uint64_t) value);

	add_int32(&array->bytes, sizeof(ordered));
	buf_append(&array->bytes, &ordered, sizeof(ordered));
	array->count++;
}

void
pgarray_add_text(PgArray *array, const char *text, size_t length)
{
	add_int32(&array->bytes, (int32_t) length);
	buf_append(&array->bytes, text, length);
	array->count++;
}

void
pgarray_add_null(PgArray *array)
{
	add_int32(&array->bytes, -1);
	array->has_null = 1;
	array->count++;
}

void
pgarray_finish(PgArray *array)
{
	int32_t		header[HEADER_BYTES / sizeof(int32_t)] = {
		htonl(array->count > 0 ? 1 : 0),
		htonl((uint32_t) array->has_null),
		htonl(array->element_oid),
		htonl((uint32_t) array->count),
		htonl(1),
	};

	memcpy(array->bytes.data, header, sizeof(header));
	if (array->count == 0)
		array->bytes.used = EMPTY_HEADER_BYTES;
}

void
pgarray_free(PgArray *array)
{
	buf_free(&array->bytes);
	memset(array, 0, sizeof(*array));
}

uint32_t
pgarray_type_oid(const PgArray *array)
{
	switch (array->element_oid)
	{
		case PG_INT4_OID:
			return PG_INT4_ARRAY_OID;
		case PG_INT8_OID:
			return PG_INT8_ARRAY_OID;
		default:
			return PG_TEXT_ARRAY_OID;
	}
}

static void
add_int32(Buf *bytes, int32_t value)
{
	uint32_t	ordered = htonl((uint32_t) value);

	buf_append(bytes, &ordered, sizeof(ordered));
}

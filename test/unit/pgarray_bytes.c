/*
 * pgarray_bytes.c
 *		Array parameters are byte for byte what PostgreSQL's array_recv() takes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "pgarray.h"
#include "tap.h"

#define IS_BYTES(array, expected, name) \
	is_bytes(array, expected, sizeof(expected) - 1, name)

static void is_bytes(PgArray *array, const char *expected, size_t length, const char *name);

int
main(void)
{
	PgArray		array;

	pgarray_begin(&array, PG_INT8_OID);
	IS_BYTES(&array, "\0\0\0\0" "\0\0\0\0" "\0\0\0\x14", "an empty array has no dimension");

	pgarray_begin(&array, PG_INT8_OID);
	pgarray_add_int8(&array, 1);
	pgarray_add_int8(&array, -2);
	IS_BYTES(&array, "\0\0\0\1" "\0\0\0\0" "\0\0\0\x14" "\0\0\0\2" "\0\0\0\1"
			 "\0\0\0\10" "\0\0\0\0\0\0\0\1" "\0\0\0\10" "\xff\xff\xff\xff\xff\xff\xff\xfe", "bigint[]");

	pgarray_begin(&array, PG_INT4_OID);
	pgarray_add_int4(&array, -1);
	IS_BYTES(&array, "\0\0\0\1" "\0\0\0\0" "\0\0\0\x17" "\0\0\0\1" "\0\0\0\1"
			 "\0\0\0\4" "\xff\xff\xff\xff", "integer[]");

	pgarray_begin(&array, PG_TEXT_OID);
	pgarray_add_text(&array, "a,\"{}\\", 6);
	pgarray_add_null(&array);
	pgarray_add_text(&array, "", 0);
	IS_BYTES(&array, "\0\0\0\1" "\0\0\0\1" "\0\0\0\x19" "\0\0\0\3" "\0\0\0\1"
			 "\0\0\0\6" "a,\"{}\\" "\xff\xff\xff\xff" "\0\0\0\0", "text[] with NULL, without quoting");

	return done_testing();
}

static void
is_bytes(PgArray *array, const char *expected, size_t length, const char *name)
{
	pgarray_finish(array);
	ok(array->bytes.used == length && memcmp(array->bytes.data, expected, length) == 0, "%s", name);
	pgarray_free(array);
}

/*
 * pgarray.h
 *		One-dimensional arrays in PostgreSQL's binary format, as parameters.
 *
 * Binary, because the text form would have to be quoted element by element.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PGARRAY_H
#define PGDF_PGARRAY_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Object ids of the built-in types that are sent. */
#define PG_BOOL_OID			16
#define PG_INT8_OID			20
#define PG_INT4_OID			23
#define PG_TEXT_OID			25
#define PG_JSON_OID			114
#define PG_INT4_ARRAY_OID	1007
#define PG_TEXT_ARRAY_OID	1009
#define PG_INT8_ARRAY_OID	1016
#define PG_UUID_OID			2950

typedef struct PgArray
{
	Buf			bytes;
	uint32_t	element_oid;
	int32_t		count;
	int32_t		has_null;
} PgArray;

/* Start an array of this element type; ended by pgarray_free(). */
extern void pgarray_begin(PgArray *array, uint32_t element_oid);
extern void pgarray_add_int4(PgArray *array, int32_t value);
extern void pgarray_add_int8(PgArray *array, int64_t value);
extern void pgarray_add_text(PgArray *array, const char *text, size_t length);
extern void pgarray_add_null(PgArray *array);

/* Write the header; the bytes are complete now. */
extern void pgarray_finish(PgArray *array);
extern void pgarray_free(PgArray *array);

/* Object id of the array type of an element type. */
extern uint32_t pgarray_type_oid(const PgArray *array);

#endif							/* PGDF_PGARRAY_H */

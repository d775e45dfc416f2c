/*
 * payload.h
 *		Inputs, results and other JSON payloads: kept as JSON text, shown to
 *		orchestrators as jsonb.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PAYLOAD_H
#define PGDF_PAYLOAD_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* The JSON text of a jsonb value; SQL NULL is passed as NULL and gives "null". */
extern text *pgdf_payload_from_jsonb(Jsonb *value);

/* jsonb from stored JSON text; NULL gives JSON null. */
extern Jsonb *pgdf_payload_to_jsonb(text *payload);

/*
 * Refuse what cannot be stored: not JSON, \u0000, deeper than 128, longer than
 * pgdf.max_payload.  field is the word for it in the message ("input").
 * Errors: 22P02, 22P05, 54000, 54001.
 */
extern void pgdf_payload_check(text *payload, const char *field);

/* As pgdf_payload_check for a value that is jsonb already: only its size. */
extern text *pgdf_payload_from_jsonb_checked(Jsonb *value, const char *field);

/* Does the text parse as jsonb, within depth and size?  Never raises for bad data. */
extern bool pgdf_payload_is_valid(text *payload, const char **reason);

/* Hash of the jsonb normal form, for comparing a replayed call with history. */
extern int64 pgdf_payload_hash(Jsonb *value);

/* A jsonb null. */
extern Jsonb *pgdf_payload_null(void);

/* A string as JSON, or JSON as it is; null for NULL. */
extern void pgdf_append_string(StringInfo buf, const char *value);
extern void pgdf_append_json(StringInfo buf, const text *value);

#endif							/* PGDF_PAYLOAD_H */

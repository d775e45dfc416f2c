/*
 * json.h
 *		Small helpers around JSON text and json-c.
 *
 * Payloads are JSON text and stay the text they are: what only has to be valid
 * is checked by json_is_valid(), in constant memory, and not parsed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_JSON_H
#define PGDF_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Deepest nesting that is accepted anywhere. */
#define JSON_MAX_DEPTH 128

/*
 * Is this one JSON value (RFC 8259, UTF-8, white space around it allowed), no
 * deeper than JSON_MAX_DEPTH?  Otherwise *offset is where it stops being one.
 */
extern bool json_is_valid(const char *text, size_t length, size_t *offset);

/* The same of a value that is to stand inside of so many arrays or objects. */
extern bool json_is_valid_at(const char *text, size_t length, int depth);

/*
 * The text of a member of an object, which is valid JSON: as it stands there, every
 * byte.  False when there is none.  Of members with one name the last counts, as
 * in jsonb.  key has nothing that JSON would escape.
 */
extern bool json_find_member(const char *text, size_t length, const char *key,
							 const char **value, size_t *value_length);

/*
 * Parse exactly one value.  NULL and *error (a static text) when the text is
 * none; a JSON null is NULL with *error NULL.  The caller puts the object.
 */
extern json_object *json_parse(const char *text, size_t length, const char **error);

/* Append text as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD. */
extern void json_append_string(Buf *buf, const char *text, size_t length);

/* A new json-c string of any bytes, made valid in the same way. */
extern json_object *json_string_new(const char *text, size_t length);

/* Is this UTF-8 as PostgreSQL takes it (no surrogates, no overlong forms, no NUL)? */
extern bool json_utf8_is_valid(const char *text, size_t length);

/* Length of the valid UTF-8 character at text, or 0. */
extern size_t json_utf8_length(const char *text, size_t length);

/* Member of an object when it has that type; otherwise NULL. */
extern json_object *json_get(json_object *object, const char *key, json_type type);

/* The value as text without blanks; valid as long as the object. */
extern const char *json_text(json_object *object);

#endif							/* PGDF_JSON_H */

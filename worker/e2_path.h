/*
 * e2_path.h
 *		Paths of E2: what is accepted, how one travels as JSON, which blob key it has.
 *
 * A path is bytes.  As an item of a file list it is a JSON string when it is
 * UTF-8, and {"b64": "..."} of all its bytes when it is not.  Its blob key is
 * "backups/" and the path without its leading slash, in UTF-8: characters are
 * kept, except that \ ? # % and control characters, and bytes that are not
 * UTF-8, are written as %XX.  As the percent sign itself is among them, two
 * paths never have one key.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_E2_PATH_H
#define PGDF_E2_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* Where every key begins; on Azure the container. */
#define E2_KEY_PREFIX "backups/"

/* Longer paths are refused: nothing stores them, and lists of them are huge. */
#define E2_PATH_MAX_BYTES 32768

typedef enum E2PathProblem
{
	E2_PATH_OK,
	E2_PATH_NOT_TEXT,			/* the item is neither a string nor {"b64": ...} */
	E2_PATH_BLANK,
	E2_PATH_RELATIVE,
	E2_PATH_HAS_NUL,
	E2_PATH_HAS_DOT_DOT,
	E2_PATH_TOO_LONG
} E2PathProblem;

/* What is wrong, to follow "the path ". */
extern const char *e2_path_problem_text(E2PathProblem problem);

/*
 * Read an item (JSON text), and put the path into its plain form: absolute, one
 * slash between components, none at the end, no "." component.  A ".."
 * component is refused: what it means depends on symbolic links.
 */
extern E2PathProblem e2_path_from_item(Buf *path, const char *item);
extern E2PathProblem e2_path_clean(Buf *path, const char *bytes, size_t length);

/* The rest of a plain path below a plain directory, "" when they are the same; NULL when it is outside. */
extern const char *e2_path_below(const char *directory, const char *path);

/* Append the JSON item of a path.  False: it is not UTF-8. */
extern bool e2_path_append_item(Buf *json, const char *path, size_t length);

/* Append the blob key of a plain path. */
extern void e2_path_append_key(Buf *key, const char *path, size_t length);

/* Append a path for people: valid UTF-8 on one line, what is not as \xHH, the middle of a long one left out. */
extern void e2_path_append_readable(Buf *text, const char *path, size_t length);

#endif							/* PGDF_E2_PATH_H */

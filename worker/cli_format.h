/*
 * cli_format.h
 *		How results are printed: aligned tables, one instance as a list of fields, JSON.
 *
 * Everything is printed from a query's result as it is.  A column's name makes
 * the heading (last_updated: LAST UPDATED), the label (Last updated) and the key
 * in JSON (lastUpdated); its type decides how a value is written.  Payloads
 * (json, jsonb) and numbers keep the very text that the server sent.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_FORMAT_H
#define PGDF_CLI_FORMAT_H

#include <json-c/json.h>
#include <libpq-fe.h>
#include <stdio.h>

#include "buf.h"

/* Aligned columns below a heading.  No line is longer than width columns; 0: no limit. */
extern void cli_format_table(Buf *out, const PGresult *result, int width);

/* The fields of one row, each on a line of its own; NULLs are left out. */
extern void cli_format_fields(Buf *out, const PGresult *result, int row);

/* A row as an object, every row as an array; the caller puts them. */
extern json_object *cli_format_object(const PGresult *result, int row);
extern json_object *cli_format_array(const PGresult *result);

/* JSON text as a json-c value that is written as it is; SQL NULL (NULL) is JSON null. */
extern json_object *cli_format_verbatim(const char *text);

/* What a column is called in a table, in a list of fields, in JSON; the caller frees it. */
extern char *cli_format_heading(const char *name);
extern char *cli_format_label(const char *name);
extern char *cli_format_key(const char *name);

/* Columns that this UTF-8 text takes on a terminal. */
extern int	cli_format_width(const char *text);

/* Print on stdout. */
extern void cli_print_table(const PGresult *result);

/* More rows of the same columns.  Takes the rows; NULL: there are no more (an error, which has been reported), or no memory. */
extern PGresult *cli_rows_append(PGresult *rows, const PGresult *more);
extern void cli_print_fields(const PGresult *result, int row);

/* Print, indented, on stdout; takes over the caller's reference. */
extern void cli_print_json(json_object *value);

/* Width of the terminal that the stream is, or 0 when it is none. */
extern int	cli_terminal_width(FILE *stream);

#endif							/* PGDF_CLI_FORMAT_H */

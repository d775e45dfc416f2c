/*
 * row.h
 *		One row inserted into one of the extension's own tables, without a plan.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ROW_H
#define PGDF_ROW_H

#include "postgres.h"

/* A table of schema df, and the columns that values are given for. */
typedef struct PgdfRowTable
{
	const char *name;
	const char *const *columns;
	int			ncolumns;

	/* what row.c keeps of it */
	struct RowShape *shape;		/* NULL: to be read */
	bool		is_void;		/* an invalidation has come in since it was read */
	bool		is_watched;
	struct PgdfRowTable *next;
} PgdfRowTable;

/*
 * Insert a row, which the statements that follow see; other columns get their
 * defaults.  False, and nothing is done, when the table has what this does not
 * know (a trigger, an index on an expression, ...): use a statement then.
 */
extern bool pgdf_row_insert(PgdfRowTable *table, const Datum *values, const bool *nulls);

/* The next number of a sequence of schema df. */
extern int64 pgdf_sequence_next(const char *name);

#endif							/* PGDF_ROW_H */

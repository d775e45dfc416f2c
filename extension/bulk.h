/*
 * bulk.h
 *		Rows written to the extension's own tables many at a time, without plans.
 *
 * An insert goes through the table's access method in batches, an update names
 * the row by its place, which the caller has locked; index entries are made as
 * the executor makes them.  Columns that are not named get their defaults.  The
 * tables have no triggers, foreign keys or rules.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_BULK_H
#define PGDF_BULK_H

#include "postgres.h"

#include "storage/itemptr.h"

typedef struct BulkTable BulkTable;

/*
 * Open a table of schema df for writing, in CurrentMemoryContext; columns are
 * those that the callers below give values for, in that order.
 */
extern BulkTable *pgdf_bulk_open(const char *table, const char *const *columns, int ncolumns);

/* Insert a row: now or later, at the latest when the table is closed.  The values are copied. */
extern void pgdf_bulk_insert(BulkTable *bulk, const Datum *values, const bool *nulls);

/*
 * Change the row at a place: those columns that are marked.  False, and nothing
 * is done, when there is no live version of a row (this transaction has moved it).
 */
extern bool pgdf_bulk_update(BulkTable *bulk, ItemPointer place, const Datum *values,
							 const bool *nulls, const bool *is_changed);

/* Write what is left; the rows are seen by the statements that follow. */
extern void pgdf_bulk_close(BulkTable *bulk);

#endif							/* PGDF_BULK_H */

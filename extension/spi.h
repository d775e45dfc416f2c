/*
 * spi.h
 *		Statements on the extension's own tables: constant text, prepared once
 *		in a backend, run with parameters.
 *
 * Always between pgdf_enter() and pgdf_leave(), and between SPI_connect() and
 * SPI_finish().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SPI_H
#define PGDF_SPI_H

#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/execnodes.h"

#define PGDF_STATEMENT_MAX_ARGS 32

typedef struct PgdfStatement
{
	const char *sql;
	int			nargs;
	Oid			argtypes[PGDF_STATEMENT_MAX_ARGS];
	SPIPlanPtr	plan;			/* NULL until first used */
} PgdfStatement;



/*
 * Run a statement; nulls may be NULL when no value is.  The result is in
 * SPI_tuptable, the number of rows is returned.
 */
extern uint64 pgdf_spi_execute(PgdfStatement *stmt, const Datum *values, const bool *nulls);

/* As above, with the newest snapshot whatever the isolation level is. */
extern uint64 pgdf_spi_execute_latest(PgdfStatement *stmt, const Datum *values, const bool *nulls);

/* Column col (1, 2 ...) of row (0, 1 ...) of the last result. */
extern Datum pgdf_spi_datum(uint64 row, int col, bool *isnull);

/* The same, for columns that are not null; the value lives in the SPI context. */
extern int64 pgdf_spi_int64(uint64 row, int col);
extern int32 pgdf_spi_int32(uint64 row, int col);
extern int16 pgdf_spi_int16(uint64 row, int col);

/* A text-like column as C string in CurrentMemoryContext, NULL when null. */
extern char *pgdf_spi_cstring(uint64 row, int col);

/* A text-like column as text in the given context, NULL when null. */
extern text *pgdf_spi_text(uint64 row, int col, MemoryContext context);

/*
 * A column of rows on its way into a statement as an array.
 */
typedef struct ColumnArray
{
	int			count;
	Datum	   *values;
	bool	   *nulls;
} ColumnArray;

extern void pgdf_column_init(ColumnArray *column, int count);
extern void pgdf_column_set(ColumnArray *column, int row, Datum value, bool isnull);

/* As an array of the given array type. */
extern Datum pgdf_column_array(const ColumnArray *column, Oid arraytype);

/* Append every row of the last result to the caller's tuplestore. */
extern void pgdf_spi_to_tuplestore(ReturnSetInfo *rsinfo);

#endif							/* PGDF_SPI_H */

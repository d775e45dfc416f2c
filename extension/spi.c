/*
 * spi.c
 *		Statements on the extension's own tables.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "spi.h"

static void prepare(PgdfStatement *stmt);
static const char *nulls_string(const PgdfStatement *stmt, const bool *nulls, char *buffer);
static uint64 check_result(const PgdfStatement *stmt, int code);

uint64
pgdf_spi_execute(PgdfStatement *stmt, const Datum *values, const bool *nulls)
{
	char		buffer[PGDF_STATEMENT_MAX_ARGS + 1];

	prepare(stmt);
	return check_result(stmt,
						SPI_execute_plan(stmt->plan, unconstify(Datum *, values),
										 nulls_string(stmt, nulls, buffer), false, 0));
}

uint64
pgdf_spi_execute_latest(PgdfStatement *stmt, const Datum *values, const bool *nulls)
{
	char		buffer[PGDF_STATEMENT_MAX_ARGS + 1];

	prepare(stmt);
	return check_result(stmt,
						SPI_execute_snapshot(stmt->plan, unconstify(Datum *, values),
											 nulls_string(stmt, nulls, buffer),
											 GetLatestSnapshot(), InvalidSnapshot,
											 true, false, 0));
}

Datum
pgdf_spi_datum(uint64 row, int col, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, col, isnull);
}

int64
pgdf_spi_int64(uint64 row, int col)
{
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d", col);
	return DatumGetInt64(value);
}

int32
pgdf_spi_int32(uint64 row, int col)
{
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d", col);
	return DatumGetInt32(value);
}

int16
pgdf_spi_int16(uint64 row, int col)
{
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d", col);
	return DatumGetInt16(value);
}

char *
pgdf_spi_cstring(uint64 row, int col)
{
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

text *
pgdf_spi_text(uint64 row, int col, MemoryContext context)
{
	MemoryContext caller;
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);
	text	   *copy;

	if (isnull)
		return NULL;
	caller = MemoryContextSwitchTo(context);
	copy = DatumGetTextPCopy(value);
	MemoryContextSwitchTo(caller);
	return copy;
}

void
pgdf_spi_to_tuplestore(ReturnSetInfo *rsinfo)
{
	for (uint64 row = 0; row < SPI_processed; row++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[row]);
}

static void
prepare(PgdfStatement *stmt)
{
	SPIPlanPtr	plan;

	if (stmt->plan != NULL)
		return;

	plan = SPI_prepare(stmt->sql, stmt->nargs, stmt->argtypes);
	if (plan == NULL)
		elog(ERROR, "could not prepare statement (%s): %s",
			 SPI_result_code_string(SPI_result), stmt->sql);
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep statement: %s", stmt->sql);
	stmt->plan = plan;
}

static const char *
nulls_string(const PgdfStatement *stmt, const bool *nulls, char *buffer)
{
	if (nulls == NULL)
		return NULL;
	for (int i = 0; i < stmt->nargs; i++)
		buffer[i] = nulls[i] ? 'n' : ' ';
	buffer[stmt->nargs] = '\0';
	return buffer;
}

static uint64
check_result(const PgdfStatement *stmt, int code)
{
	if (code < 0)
		elog(ERROR, "could not run statement (%s): %s",
			 SPI_result_code_string(code), stmt->sql);
	return SPI_processed;
}

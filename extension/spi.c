/*
 * spi.c
 *		Statements on the extension's own tables.
 *
 * Plans are generic and made with sequential and bitmap scans, hash and merge joins and JIT
 * switched off: a queue table is often empty when its plan is made, and a plan
 * that suits an empty table reads a million rows for one later.  For the same
 * reason no statement leaves the order of a join to the planner: rows that were
 * just locked are found again by ctid or by constants, others by LATERAL
 * subqueries that cannot be pulled up (OFFSET 0, FOR UPDATE), and a condition that
 * an index of another purpose would serve is written as an expression (state + 0).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "home.h"
#include "spi.h"

/* In force while a plan is made. */
static const char *const planner_settings[][2] = {
	{"enable_bitmapscan", "off"},	/* it would sort a whole lane to take the first rows */
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
	{"enable_seqscan", "off"},
	{"jit", "off"},
};

static bool prepare(PgdfStatement *stmt);
static void on_prepare_error(void *arg);
static int	planner_settings_push(void);
static const char *nulls_string(const PgdfStatement *stmt, const bool *nulls, char *buffer);
static uint64 check_result(const PgdfStatement *stmt, int code);

uint64
pgdf_spi_execute(PgdfStatement *stmt, const Datum *values, const bool *nulls)
{
	char		buffer[PGDF_STATEMENT_MAX_ARGS + 1];
	bool		is_planned = prepare(stmt);
	int			guc_level = is_planned ? 0 : planner_settings_push();
	int			code = SPI_execute_plan(stmt->plan, unconstify(Datum *, values),
										nulls_string(stmt, nulls, buffer), false, 0);

	if (!is_planned)
		AtEOXact_GUC(true, guc_level);
	return check_result(stmt, code);
}

uint64
pgdf_spi_execute_latest(PgdfStatement *stmt, const Datum *values, const bool *nulls)
{
	char		buffer[PGDF_STATEMENT_MAX_ARGS + 1];
	bool		is_planned = prepare(stmt);
	int			guc_level = is_planned ? 0 : planner_settings_push();
	int			code = SPI_execute_snapshot(stmt->plan, unconstify(Datum *, values),
											nulls_string(stmt, nulls, buffer),
											GetLatestSnapshot(), InvalidSnapshot,
											true, false, 0);

	if (!is_planned)
		AtEOXact_GUC(true, guc_level);
	return check_result(stmt, code);
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
pgdf_column_init(ColumnArray *column, int count)
{
	column->count = count;
	column->values = palloc_extended(count * sizeof(Datum), MCXT_ALLOC_HUGE);
	column->nulls = palloc_extended(count * sizeof(bool), MCXT_ALLOC_HUGE);
}

void
pgdf_column_set(ColumnArray *column, int row, Datum value, bool isnull)
{
	column->values[row] = value;
	column->nulls[row] = isnull;
}

Datum
pgdf_column_array(const ColumnArray *column, Oid arraytype)
{
	Oid			type = get_element_type(arraytype);
	int			dims[1] = {column->count};
	int			lower_bounds[1] = {1};
	int16		length;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array(column->values, column->nulls, 1, dims,
											  lower_bounds, type, length, by_value, align));
}

void
pgdf_spi_to_tuplestore(ReturnSetInfo *rsinfo)
{
	for (uint64 row = 0; row < SPI_processed; row++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[row]);
}

/* Make sure that the statement is prepared; false when its plan is still to be made. */
static bool
prepare(PgdfStatement *stmt)
{
	ErrorContextCallback on_error = {.callback = on_prepare_error,.previous = error_context_stack};
	bool		is_updated;
	SPIPlanPtr	plan;

	if (stmt->plan != NULL)
		return SPI_plan_is_valid(stmt->plan);

	is_updated = pgdf_home_is_updated();
	on_error.arg = &is_updated;
	error_context_stack = &on_error;
	plan = SPI_prepare_cursor(stmt->sql, stmt->nargs, stmt->argtypes,
							  CURSOR_OPT_GENERIC_PLAN);
	error_context_stack = on_error.previous;
	if (plan == NULL)
		elog(ERROR, "could not prepare statement (%s): %s",
			 SPI_result_code_string(SPI_result), stmt->sql);
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep statement: %s", stmt->sql);
	stmt->plan = plan;
	return false;
}

/* What a statement misses in a database that was not updated is no mistake of the statement. */
static void
on_prepare_error(void *arg)
{
	if (*(bool *) arg)
		return;
	switch (geterrcode())
	{
		case ERRCODE_UNDEFINED_TABLE:
		case ERRCODE_UNDEFINED_COLUMN:
		case ERRCODE_UNDEFINED_FUNCTION:
			(void) pgdf_home_outdated();
	}
}

static int
planner_settings_push(void)
{
	int			guc_level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(planner_settings); i++)
		(void) set_config_option(planner_settings[i][0], planner_settings[i][1],
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	return guc_level;
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

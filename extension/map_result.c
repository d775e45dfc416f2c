/*
 * map_result.c
 *		What a map has come to, as its orchestrator reads it.
 *
 * A map that is complete does not change any more, until a rewind takes failures
 * back: so a replay reads what the turn before has read.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "failure.h"
#include "identity.h"
#include "map.h"
#include "payload.h"
#include "spi.h"

/* Items read at a time. */
#define ITEMS_PER_READ		1000

/* How many bytes of an error's detail name single items. */
#define FAILURES_DETAIL_MAX		(64 * 1024)

static PgdfStatement results_statement = {
	"SELECT n, result, failure FROM df.map_results"
	" WHERE instance_key = $1 AND map_key = $2 AND n > $3"
	" ORDER BY n LIMIT $4",
	4, {INT8OID, INT8OID, INT4OID, INT4OID}
};

static PgdfStatement failures_statement = {
	"SELECT n, result, failure FROM df.map_results"
	" WHERE instance_key = $1 AND map_key = $2 AND n > $3 AND failure IS NOT NULL"
	" ORDER BY n LIMIT $4",
	4, {INT8OID, INT8OID, INT4OID, INT4OID}
};

static PgdfStatement key_statement = {
	"SELECT map_key FROM df.maps WHERE instance_key = $1 AND task_id = $2",
	2, {INT8OID, INT4OID}
};

/* Is told of each item, in order; false: of no more. */
typedef bool (*ItemReader) (void *arg, int n, text *result, text *failure);

PG_FUNCTION_INFO_V1(df_map_results);

static void read_items(PgdfStatement *stmt, const Turn *turn, int number, ItemReader reader, void *arg);
static bool find_key(const Turn *turn, int number, Datum *key);
static int	read_some_items(PgdfStatement *stmt, Datum *values, ItemReader reader, void *arg);
static bool store_item(void *arg, int n, text *result, text *failure);
static bool append_result(void *arg, int n, text *result, text *failure);
static bool append_failure(void *arg, int n, text *result, text *failure);

/* df_map_results(task): a row for each item, with its result or its failure. */
Datum
df_map_results(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_map_results");
	int64		handle = PG_GETARG_INT64(0);
	const TurnTask *task = pgdf_turn_task(turn, handle);

	if (task == NULL || task->kind != TASK_MAP)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("task is not a map"),
				 errhint("df_map_results() takes what df_map() or df_map_agg() has returned.")));
	pgdf_turn_await(turn, handle);
	if (task->is_cancelled)
		(void) pgdf_turn_result(turn, handle);	/* raises that */
	InitMaterializedSRF(fcinfo, 0);
	read_items(&results_statement, turn, pgdf_turn_task_number(handle), store_item, fcinfo->resultinfo);
	return (Datum) 0;
}

Jsonb *
pgdf_map_result(const Turn *turn, int number)
{
	StringInfoData json;

	initStringInfo(&json);
	read_items(&results_statement, turn, number, append_result, &json);
	if (json.len == 0)
		appendStringInfoChar(&json, '[');
	appendStringInfoChar(&json, ']');
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}

char *
pgdf_map_failures(const Turn *turn, int number)
{
	StringInfoData lines;

	initStringInfo(&lines);
	read_items(&failures_statement, turn, number, append_failure, &lines);
	return lines.data;
}

/* With the rights of the engine; memory for a part of them at a time. */
static void
read_items(PgdfStatement *stmt, const Turn *turn, int number, ItemReader reader, void *arg)
{
	MemoryContext part = AllocSetContextCreate(CurrentMemoryContext, "pgdf map results",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(part);
	Datum		values[4] = {
		Int64GetDatum(turn->instance_key), (Datum) 0, Int32GetDatum(0), Int32GetDatum(ITEMS_PER_READ)
	};
	PgdfIdentity identity;
	bool		is_found;
	int			last;

	pgdf_enter(&identity);
	is_found = find_key(turn, number, &values[1]);
	while (is_found && (last = read_some_items(stmt, values, reader, arg)) > 0)
	{
		values[2] = Int32GetDatum(last);
		MemoryContextReset(part);
		CHECK_FOR_INTERRUPTS();
	}
	pgdf_leave(&identity);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(part);
}

/* A map of an empty set has no row. */
static bool
find_key(const Turn *turn, int number, Datum *key)
{
	Datum		values[2] = {Int64GetDatum(turn->instance_key), Int32GetDatum(number)};
	bool		is_found;

	SPI_connect();
	is_found = pgdf_spi_execute(&key_statement, values, NULL) > 0;
	if (is_found)
		*key = Int64GetDatum(pgdf_spi_int64(0, 1));
	SPI_finish();
	return is_found;
}

/* Returns the number of the last one; 0: there are no more. */
static int
read_some_items(PgdfStatement *stmt, Datum *values, ItemReader reader, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	uint64		count;
	int			last = 0;

	SPI_connect();
	count = pgdf_spi_execute(stmt, values, NULL);
	for (uint64 row = 0; row < count; row++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		last = pgdf_spi_int32(row, 1);
		if (!reader(arg, last, pgdf_spi_text(row, 2, caller), pgdf_spi_text(row, 3, caller)))
			count = row;
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return count < ITEMS_PER_READ ? 0 : last;
}

static bool
store_item(void *arg, int n, text *result, text *failure)
{
	ReturnSetInfo *rsinfo = arg;
	Datum		values[3] = {Int64GetDatum(n), (Datum) 0, (Datum) 0};
	bool		nulls[3] = {false, failure != NULL, failure == NULL};

	if (failure != NULL)
		values[2] = JsonbPGetDatum(pgdf_payload_to_jsonb(failure));
	else
		values[1] = JsonbPGetDatum(pgdf_payload_to_jsonb(result));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return true;
}

static bool
append_result(void *arg, int n, text *result, text *failure)
{
	StringInfo	json = arg;

	appendStringInfoChar(json, json->len == 0 ? '[' : ',');
	appendBinaryStringInfo(json, VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result));
	return true;
}

static bool
append_failure(void *arg, int n, text *result, text *failure)
{
	StringInfo	lines = arg;
	Failure		parts;

	if (lines->len > FAILURES_DETAIL_MAX)
	{
		appendStringInfoString(lines, "\n...");
		return false;
	}
	pgdf_failure_from_json(failure, &parts);
	appendStringInfo(lines, "%sItem %d: %s: %s", lines->len > 0 ? "\n" : "", n,
					 parts.error_type, pgdf_clip(parts.message));
	return true;
}

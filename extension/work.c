/*
 * work.c
 *		df.work: record what was finished, advance what that wakes, claim what is
 *		next.  One transaction, one round trip; see docs/internals.md.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "advance.h"
#include "claim.h"
#include "compat.h"
#include "fault.h"
#include "identity.h"
#include "map.h"
#include "pin.h"
#include "probe.h"
#include "record.h"
#include "spi.h"
#include "wake.h"

/* How often a busy session looks for due timers and retries, in ms. */
#define DUE_CHECK_MS	5

static PgdfStatement cancellations_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.cancellations WHERE worker_key = $1 FOR UPDATE SKIP LOCKED)"
	" DELETE FROM df.cancellations WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))"
	" RETURNING instance_key, task_id, fence",
	1, {INT8OID}
};

static PgdfStatement timers_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.timers WHERE fire_at <= $1"
	"     ORDER BY fire_at LIMIT 500 FOR UPDATE SKIP LOCKED),"
	" fired AS ("
	"    DELETE FROM df.timers WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))"
	"    RETURNING instance_key, execution, task_id, fire_at)"
	" INSERT INTO df.inbox (instance_key, execution, event_type, task_id, event_time)"
	" SELECT instance_key, execution, CASE WHEN task_id = 0 THEN 12 ELSE 11 END,"
	"        nullif(task_id, 0), $1"
	"   FROM fired ORDER BY fire_at",
	1, {TIMESTAMPTZOID}
};

static PgdfStatement delayed_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.tasks WHERE state = 2 AND visible_at <= $1"
	"     ORDER BY visible_at LIMIT 500 FOR UPDATE SKIP LOCKED)"
	" UPDATE df.tasks SET state = 0, visible_at = NULL WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))",
	1, {TIMESTAMPTZOID}
};

/* Activities that have not been done within their schedule_timeout. */
static PgdfStatement overdue_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid, instance_key, task_id, state, worker_key, fence FROM df.tasks"
	"     WHERE schedule_deadline IS NOT NULL AND state < 3 AND schedule_deadline <= $1"
	"     ORDER BY schedule_deadline LIMIT 500 FOR UPDATE SKIP LOCKED),"
	" stopped AS ("
	"    INSERT INTO df.cancellations (worker_key, instance_key, task_id, fence)"
	"    SELECT worker_key, instance_key, task_id, fence FROM c WHERE state = 1),"
	" failed AS ("
	"    UPDATE df.tasks t"
	"       SET state = 3, fence = NULL, worker_key = NULL, claimed_at = NULL, last_failure = $2"
	"     WHERE t.ctid = ANY (ARRAY(SELECT ctid FROM c))"
	"    RETURNING t.instance_key, t.execution, t.task_id)"
	" INSERT INTO df.inbox (instance_key, execution, event_type, task_id, event_time, failure)"
	" SELECT instance_key, execution, 6, task_id, $1, $2 FROM failed",
	2, {TIMESTAMPTZOID, JSONOID}
};

static PgdfStatement next_due_statement = {
	"SELECT least((SELECT fire_at FROM df.timers ORDER BY fire_at LIMIT 1),"
	"             (SELECT visible_at FROM df.tasks WHERE state = 2 ORDER BY visible_at LIMIT 1),"
	"             (SELECT schedule_deadline FROM df.tasks"
	"               WHERE schedule_deadline IS NOT NULL AND state < 3"
	"               ORDER BY schedule_deadline LIMIT 1))",
	0, {0}
};

PG_FUNCTION_INFO_V1(df_work);

static void check_call(void);
static WorkMode parse_mode(text *mode);
static List *text_list(ArrayType *array);
static void check_session(WorkCall *call);
static void collect_due(WorkCall *call);
static void finish_transaction(const WorkCall *call);
static void add_summary(WorkCall *call);
static int64 next_due_ms(const Engine *engine);
static void return_rows(WorkCall *call, ReturnSetInfo *rsinfo);

/*
 * df.work(worker_key, queues, activities, room, turns, mode, done_instances,
 * done_tasks, done_fences, done_outcomes, done_payloads): the engine call.
 */
Datum
df_work(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	WorkCall	call = {0};

	check_call();
	for (int i = 0; i < 11; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of df.work must not be null", i + 1)));
	}
	InitMaterializedSRF(fcinfo, 0);
	pgdf_enter(&caller);
	SPI_connect();

	call.mode = parse_mode(PG_GETARG_TEXT_PP(5));
	call.room = PG_GETARG_INT32(3);
	call.engine = pgdf_engine_create(PG_GETARG_INT64(0), PG_GETARG_INT32(4));
	call.engine->queues = text_list(PG_GETARG_ARRAYTYPE_P(1));
	call.activities = text_list(PG_GETARG_ARRAYTYPE_P(2));
	call.engine->offered = call.activities;
	call.engine->room = call.room;
	check_session(&call);
	PGDF_FAULT(call_begun);
	if (call.mode == WORK_IDLE)
		call.is_quiet = pgdf_producers_are_quiet();

	pgdf_record(&call, PG_GETARG_ARRAYTYPE_P(6), PG_GETARG_ARRAYTYPE_P(7),
				PG_GETARG_ARRAYTYPE_P(8), PG_GETARG_TEXT_PP(9), PG_GETARG_ARRAYTYPE_P(10));
	collect_due(&call);
	PGDF_FAULT(due_collected);
	pgdf_advance(&call);
	pgdf_claim(&call);
	PGDF_FAULT(claimed);
	add_summary(&call);
	finish_transaction(&call);

	return_rows(&call, (ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

WorkRow *
pgdf_work_add_row(WorkCall *call, char what)
{
	WorkRow    *row = palloc0(sizeof(WorkRow));

	row->what = what;
	call->rows = lappend(call->rows, row);
	return row;
}

static void
check_call(void)
{
	pgdf_refuse_in_engine("df.work");
	if (XactIsoLevel != XACT_READ_COMMITTED)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("df.work needs transaction isolation level READ COMMITTED")));
}

static WorkMode
parse_mode(text *mode)
{
	char	   *word = text_to_cstring(mode);

	if (strcmp(word, "work") == 0)
		return WORK_NORMAL;
	if (strcmp(word, "scan") == 0)
		return WORK_SCAN;
	if (strcmp(word, "idle") == 0)
		return WORK_IDLE;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid mode \"%s\"", word),
			 errhint("Modes are work, scan and idle.")));
}

static List *
text_list(ArrayType *array)
{
	Datum	   *values;
	int			n;
	List	   *list = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (int i = 0; i < n; i++)
		list = lappend(list, TextDatumGetCString(values[i]));
	return list;
}

/* A worker that was swept away must attach again; one with cancelled tasks is told. */
static void
check_session(WorkCall *call)
{
	Datum		key = Int64GetDatum(call->engine->worker_key);

	pgdf_call_begin(call->engine->worker_key);	/* before looking: it must not be swept away after */
	if (!pgdf_probe_key("worker_sessions", "worker_sessions_pkey", call->engine->worker_key))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("worker session " INT64_FORMAT " does not exist",
						call->engine->worker_key),
				 errhint("Call df.attach again.")));
	if (!pgdf_probe_key("cancellations", "cancellations_pkey", call->engine->worker_key))
		return;

	pgdf_spi_execute(&cancellations_statement, &key, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		int			task_id = pgdf_spi_int32(row, 2);
		int			items = pgdf_task_is_chunk(task_id) ? MAP_CHUNK_ITEMS : 1;

		/* of a chunk, whatever it may have: those that the worker does not hold are nothing to it */
		for (int i = 0; i < items; i++)
		{
			WorkRow    *cancelled = pgdf_work_add_row(call, 'C');

			cancelled->instance_key = pgdf_spi_int64(row, 1);
			cancelled->task_id = task_id;
			cancelled->fence = pgdf_spi_int64(row, 3) + i;
		}
	}
	call->engine->must_be_durable = true;
}

/* Timers that are due become inbox rows, delayed tasks go back into their lanes. */
static void
collect_due(WorkCall *call)
{
	static TimestampTz last_check = 0;
	Failure		late = {.error_type = "Timeout",
	.message = "activity was not done within its schedule_timeout", .is_non_retriable = true};
	TimestampTz at = call->engine->now;
	Datum		values[2] = {TimestampTzGetDatum(at)};
	uint64		due = 0;
	uint64		queued = 0;

	if (call->mode == WORK_NORMAL &&
		!TimestampDifferenceExceeds(last_check, call->engine->now, DUE_CHECK_MS))
		return;
	last_check = call->engine->now;
	if (pgdf_probe_until("timers", "timers_fire_at_idx", at))
		due += pgdf_spi_execute(&timers_statement, values, NULL);
	if (pgdf_probe_until("tasks", "tasks_schedule_deadline_idx", at))
	{
		values[1] = PointerGetDatum(pgdf_failure_to_json(&late));
		due += pgdf_spi_execute(&overdue_statement, values, NULL);
	}
	if (pgdf_probe_until("tasks", "tasks_visible_at_idx", at))
		queued += pgdf_spi_execute(&delayed_statement, values, NULL);
	call->engine->sent += due;
	call->engine->tasks_queued += queued;
	if (due + queued > 0)
	{
		/* these are everybody's: no one's turn keeps them locked, the next call runs turns */
		call->engine->turns_left = 0;
		call->engine->sql_is_exhausted = true;
		call->engine->more = true;
	}
	if (call->mode != WORK_NORMAL)
		call->engine->sent += pgdf_pin_release_changed(call->engine);
}

/*
 * A call that only claimed need not wait for its commit record: losing a claim
 * loses nothing, unless the claim is the one start that a task may have.
 */
static void
finish_transaction(const WorkCall *call)
{
	const Engine *engine = call->engine;

	if (engine->must_be_durable || engine->recorded > 0 || engine->turns > 0 || engine->sent > 0)
		return;
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
}

static void
add_summary(WorkCall *call)
{
	const Engine *engine = call->engine;
	StringInfoData json;
	WorkRow    *summary;
	int64		due = call->mode == WORK_NORMAL ? -1 : next_due_ms(engine);
	bool		has_done = engine->recorded > 0 || engine->turns > 0 || engine->sent > 0 ||
	call->claimed > 0;

	initStringInfo(&json);
	appendStringInfo(&json,
					 "{\"recorded\": %d, \"fenced\": %d, \"turns\": %d, \"more\": %s, "
					 "\"quiet\": %s, \"surplus\": %s, \"skipped\": %s, \"next_due_ms\": ",
					 engine->recorded, engine->fenced, engine->turns,
					 engine->more ? "true" : "false",
					 call->is_quiet && !has_done && !engine->more && !engine->skipped ? "true" : "false",
					 engine->tasks_queued > call->claimed ? "true" : "false",
					 engine->skipped ? "true" : "false");
	if (due < 0)
		appendStringInfoString(&json, "null}");
	else
		appendStringInfo(&json, INT64_FORMAT "}", due);

	summary = palloc0(sizeof(WorkRow));
	summary->what = 'S';
	summary->input = cstring_to_text_with_len(json.data, json.len);
	call->rows = lcons(summary, call->rows);
}

static int64
next_due_ms(const Engine *engine)
{
	int64		limit_due_ms = engine->limit_due_ms > 0 ? engine->limit_due_ms : -1;
	int64		due_ms;
	bool		isnull;
	Datum		due;

	pgdf_spi_execute(&next_due_statement, NULL, NULL);
	due = pgdf_spi_datum(0, 1, &isnull);
	if (isnull)
		return limit_due_ms;
	due_ms = Max(0, (DatumGetTimestampTz(due) - GetCurrentTimestamp() + 999) / 1000);
	return limit_due_ms >= 0 ? Min(due_ms, limit_due_ms) : due_ms;
}

static void
return_rows(WorkCall *call, ReturnSetInfo *rsinfo)
{
	ListCell   *cell;

	foreach(cell, call->rows)
	{
		const WorkRow *row = lfirst(cell);
		Datum		values[13];
		bool		nulls[13] = {0};

		values[0] = CharGetDatum(row->what);
		values[1] = Int64GetDatum(row->instance_key);
		values[2] = Int32GetDatum(row->task_id);
		values[3] = Int64GetDatum(row->fence);
		values[4] = PointerGetDatum(row->name);
		values[5] = PointerGetDatum(row->instance_id);
		values[6] = Int32GetDatum(row->execution);
		values[7] = Int32GetDatum(row->attempt);
		values[8] = PointerGetDatum(row->idempotency_key);
		values[9] = Int64GetDatum(row->timeout_ms);
		values[10] = PointerGetDatum(row->input);
		values[11] = PointerGetDatum(row->settings);
		values[12] = PointerGetDatum(row->traceparent);
		nulls[1] = nulls[2] = nulls[3] = row->what == 'S';
		nulls[4] = row->name == NULL;
		nulls[5] = row->instance_id == NULL;
		nulls[6] = nulls[7] = row->name == NULL;
		nulls[8] = row->idempotency_key == NULL;
		nulls[9] = row->timeout_ms < 0 || row->name == NULL;
		nulls[10] = row->input == NULL;
		nulls[11] = row->settings == NULL;
		nulls[12] = row->traceparent == NULL;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/*
 * context.c
 *		What orchestrators call: activities, awaits, combinations, recorded values.
 *
 * None of these touches a table: they read the replay and note decisions.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "compat.h"
#include "failure.h"
#include "payload.h"
#include "registry.h"
#include "retry.h"
#include "turn.h"

/* How many bytes of the detail of a failed df_when_all name single failures. */
#define FAILURES_DETAIL_MAX		(64 * 1024)

PG_FUNCTION_INFO_V1(df_activity);
PG_FUNCTION_INFO_V1(df_call_activity);
PG_FUNCTION_INFO_V1(df_await);
PG_FUNCTION_INFO_V1(df_is_completed);
PG_FUNCTION_INFO_V1(df_all);
PG_FUNCTION_INFO_V1(df_any);
PG_FUNCTION_INFO_V1(df_when_all);
PG_FUNCTION_INFO_V1(df_when_any);
PG_FUNCTION_INFO_V1(df_when_all_tasks);
PG_FUNCTION_INFO_V1(df_when_any_tasks);
PG_FUNCTION_INFO_V1(df_when_all_settled);
PG_FUNCTION_INFO_V1(df_failure);
PG_FUNCTION_INFO_V1(df_record);
PG_FUNCTION_INFO_V1(df_set_custom_status);
PG_FUNCTION_INFO_V1(df_now);
PG_FUNCTION_INFO_V1(df_uuid);
PG_FUNCTION_INFO_V1(df_random);
PG_FUNCTION_INFO_V1(df_instance_id);
PG_FUNCTION_INFO_V1(df_input);
PG_FUNCTION_INFO_V1(df_is_replaying);

/* What a time-out may be, so that a time in the future can always be stored. */
#define TIMEOUT_MAX_SECONDS		(1000.0 * 366 * SECS_PER_DAY)

/* Handles of an array argument. */
typedef struct Handles
{
	int			count;
	int64	   *values;
} Handles;

static int	schedule_activity(Turn *turn, FunctionCallInfo fcinfo);
static bool is_recorded_name(const TurnTask *task, const text *name);
static int	schedule_new_activity(Turn *turn, const char *name, Jsonb *input, FunctionCallInfo fcinfo);
static Handles array_handles(FunctionCallInfo fcinfo, int arg);
static Handles listed_handles(FunctionCallInfo fcinfo);
static Datum when_all(FunctionCallInfo fcinfo, Turn *turn, Handles handles, bool fail_fast);
static Datum when_any(Turn *turn, Handles handles);
static void raise_failures(Turn *turn, Handles handles, bool fail_fast);
static List *failed_tasks(Turn *turn, int64 handle, List *failed);
static int	first_to_fail(const Turn *turn, const List *failed);
static const TurnTask *task_of(const Turn *turn, int number);

/* --------------------------------------------------------------- activities */

/* df_activity(name, input, retry, timeout, queue, priority, schedule_timeout) */
Datum
df_activity(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_activity");

	PG_RETURN_INT64(pgdf_turn_handle(turn, schedule_activity(turn, fcinfo)));
}

/* As df_activity, and waits for the result. */
Datum
df_call_activity(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_call_activity");
	int64		handle = pgdf_turn_handle(turn, schedule_activity(turn, fcinfo));

	pgdf_turn_await(turn, handle);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, handle));
}

/* Replayed, as most calls are, it has nothing to check but what history can tell. */
static int
schedule_activity(Turn *turn, FunctionCallInfo fcinfo)
{
	const TurnTask *recorded = pgdf_turn_next_recorded(turn);
	Jsonb	   *input = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	text	   *name;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("activity name must not be null")));
	name = PG_GETARG_TEXT_PP(0);
	if (recorded == NULL)
		return schedule_new_activity(turn, text_to_cstring(name), input, fcinfo);
	return pgdf_turn_schedule(turn, TASK_ACTIVITY,
							  is_recorded_name(recorded, name) ? recorded->name : text_to_cstring(name),
							  input, NULL);
}

static bool
is_recorded_name(const TurnTask *task, const text *name)
{
	size_t		length = VARSIZE_ANY_EXHDR(name);

	return task->name != NULL && strlen(task->name) == length &&
		memcmp(task->name, VARDATA_ANY(name), length) == 0;
}

static int
schedule_new_activity(Turn *turn, const char *name, Jsonb *input, FunctionCallInfo fcinfo)
{
	TaskOptions options = {0};
	MemoryContext caller;

	pgdf_check_name(name, "activity name", PGDF_NAME_MAX);
	caller = MemoryContextSwitchTo(turn->context);
	if (!PG_ARGISNULL(2))
	{
		options.retry = pgdf_payload_from_jsonb(PG_GETARG_JSONB_P(2));
		pgdf_retry_check(options.retry);
	}
	if (!PG_ARGISNULL(3))
	{
		options.timeout = DatumGetIntervalP(datumCopy(PG_GETARG_DATUM(3), false, sizeof(Interval)));
		pgdf_check_timeout(options.timeout, "time-out");
	}
	if (!PG_ARGISNULL(4))
	{
		options.queue = text_to_cstring(PG_GETARG_TEXT_PP(4));
		pgdf_check_name(options.queue, "queue", PGDF_QUEUE_MAX);
	}
	if (!PG_ARGISNULL(5))
	{
		options.has_priority = true;
		options.priority = PG_GETARG_INT32(5);
	}
	if (!PG_ARGISNULL(6))
	{
		options.schedule_timeout = DatumGetIntervalP(datumCopy(PG_GETARG_DATUM(6), false, sizeof(Interval)));
		pgdf_check_timeout(options.schedule_timeout, "schedule time-out");
	}
	MemoryContextSwitchTo(caller);

	return pgdf_turn_schedule(turn, TASK_ACTIVITY, name, input, &options);
}

void
pgdf_check_timeout(const Interval *interval, const char *what)
{
	double		seconds = (interval->month * 30.0 + interval->day) * SECS_PER_DAY +
	interval->time / (double) USECS_PER_SEC;

	if (seconds <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be longer than zero", what)));
	if (seconds > TIMEOUT_MAX_SECONDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be longer than 1000 years", what)));
}

/* ------------------------------------------------------------------- await */

/* df_await(task): its result, or its failure as an error of class DF. */
Datum
df_await(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_await");
	int64		handle = PG_GETARG_INT64(0);

	pgdf_turn_await(turn, handle);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, handle));
}

Datum
df_is_completed(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pgdf_turn_is_completed(pgdf_turn_require("df_is_completed"),
										  PG_GETARG_INT64(0)));
}

/* df_all(tasks): a task that is complete when all of them are. */
Datum
df_all(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_all");
	Handles		handles = array_handles(fcinfo, 0);

	PG_RETURN_INT64(pgdf_turn_group(turn, AWAIT_ALL, handles.values, handles.count));
}

/* df_any(tasks): a task that is complete when the first of them is. */
Datum
df_any(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_any");
	Handles		handles = array_handles(fcinfo, 0);

	if (handles.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("df_any needs at least one task")));
	PG_RETURN_INT64(pgdf_turn_group(turn, AWAIT_ANY, handles.values, handles.count));
}

/* df_when_all(tasks, fail_fast): all results in order. */
Datum
df_when_all(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_when_all");

	return when_all(fcinfo, turn, array_handles(fcinfo, 0),
					!PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
}

/* df_when_all(task, other, VARIADIC more) */
Datum
df_when_all_tasks(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_when_all");

	return when_all(fcinfo, turn, listed_handles(fcinfo), false);
}

/* df_when_any(tasks): the task that completed first. */
Datum
df_when_any(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_when_any");

	return when_any(turn, array_handles(fcinfo, 0));
}

/* df_when_any(task, other, VARIADIC more) */
Datum
df_when_any_tasks(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_when_any");

	return when_any(turn, listed_handles(fcinfo));
}

/* df_when_all_settled(tasks): a row for each, with its result or its failure. */
Datum
df_when_all_settled(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_when_all_settled");
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Handles		handles = array_handles(fcinfo, 0);

	pgdf_turn_await(turn, pgdf_turn_group(turn, AWAIT_ALL, handles.values, handles.count));
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < handles.count; i++)
	{
		List	   *failed = failed_tasks(turn, handles.values[i], NIL);
		bool		is_failed = failed != NIL;
		Datum		values[3] = {Int32GetDatum(i + 1), (Datum) 0, (Datum) 0};
		bool		nulls[3] = {false, is_failed, !is_failed};

		if (is_failed)
			values[2] = JsonbPGetDatum(pgdf_payload_to_jsonb(task_of(turn, linitial_int(failed))->failure));
		else
			values[1] = JsonbPGetDatum(pgdf_turn_result(turn, handles.values[i]));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static Datum
when_all(FunctionCallInfo fcinfo, Turn *turn, Handles handles, bool fail_fast)
{
	Datum	   *results;

	if (handles.count == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(JSONBOID));

	pgdf_turn_await(turn, pgdf_turn_group(turn, fail_fast ? AWAIT_ALL_FAIL_FAST : AWAIT_ALL,
										  handles.values, handles.count));
	raise_failures(turn, handles, fail_fast);

	results = palloc_extended(handles.count * sizeof(Datum), MCXT_ALLOC_HUGE);
	for (int i = 0; i < handles.count; i++)
		results[i] = JsonbPGetDatum(pgdf_turn_result(turn, handles.values[i]));
	PG_RETURN_ARRAYTYPE_P(construct_array(results, handles.count, JSONBOID, -1, false,
										  TYPALIGN_INT));
}

static Datum
when_any(Turn *turn, Handles handles)
{
	int64		any;

	if (handles.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("df_when_any needs at least one task")));
	any = pgdf_turn_group(turn, AWAIT_ANY, handles.values, handles.count);
	pgdf_turn_await(turn, any);
	PG_RETURN_INT64(pgdf_turn_winner(turn, any));
}

/* The first failure in task order, with all of them in the detail. */
static void
raise_failures(Turn *turn, Handles handles, bool fail_fast)
{
	List	   *failed = NIL;
	ListCell   *cell;
	const TurnTask *first;
	Failure		failure;
	StringInfoData detail;
	int			sqlstate;

	for (int i = 0; i < handles.count; i++)
		failed = failed_tasks(turn, handles.values[i], failed);
	if (failed == NIL)
		return;
	if (fail_fast)
		failed = list_make1_int(first_to_fail(turn, failed));

	initStringInfo(&detail);
	foreach(cell, failed)
	{
		const TurnTask *task = task_of(turn, lfirst_int(cell));

		if (detail.len > FAILURES_DETAIL_MAX)
		{
			appendStringInfo(&detail, "\n... and %d more",
							 list_length(failed) - foreach_current_index(cell));
			break;
		}
		pgdf_failure_from_json(task->failure, &failure);
		appendStringInfo(&detail, "%sTask %d, \"%s\": %s: %s", detail.len > 0 ? "\n" : "",
						 lfirst_int(cell), task->name ? task->name : "timer",
						 failure.error_type, failure.message);
	}

	first = task_of(turn, linitial_int(failed));
	pgdf_failure_from_json(first->failure, &failure);
	sqlstate = pgdf_turn_failure_sqlstate(first, &failure);
	pgdf_turn_note_failure(turn, first, sqlstate, failed);
	if (list_length(failed) == 1)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("%s \"%s\" failed: %s",
						pgdf_turn_task_word(first->kind),
						first->name ? first->name : "timer", failure.message),
				 errdetail("%s", detail.data)));
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("%d of %d tasks failed, first \"%s\": %s",
					list_length(failed), handles.count, first->name ? first->name : "timer", failure.message),
			 errdetail("%s", detail.data)));
}

/* Numbers of the tasks whose failure is that of a task or combination, in order. */
static List *
failed_tasks(Turn *turn, int64 handle, List *failed)
{
	const TaskGroup *group = pgdf_turn_find_group(turn, handle);

	check_stack_depth();
	if (group == NULL)
	{
		int			number = pgdf_turn_task_number(handle);

		return task_of(turn, number)->outcome == OUTCOME_FAILED ? lappend_int(failed, number) : failed;
	}
	CHECK_FOR_INTERRUPTS();
	if (group->kind == AWAIT_ANY)
		return failed_tasks(turn, pgdf_turn_winner(turn, handle), failed);
	for (int i = 0; i < group->nmembers; i++)
		failed = failed_tasks(turn, group->members[i], failed);
	return failed;
}

/* Those that fail later must not change what a replay sees. */
static int
first_to_fail(const Turn *turn, const List *failed)
{
	int			first = linitial_int(failed);
	ListCell   *cell;

	foreach(cell, failed)
	{
		if (task_of(turn, lfirst_int(cell))->outcome_event < task_of(turn, first)->outcome_event)
			first = lfirst_int(cell);
	}
	return first;
}

static const TurnTask *
task_of(const Turn *turn, int number)
{
	return &turn->replay->tasks[number - 1];
}

static Handles
array_handles(FunctionCallInfo fcinfo, int arg)
{
	Handles		handles = {0};
	ArrayType  *array;
	Datum	   *values;

	if (PG_ARGISNULL(arg))
		return handles;
	array = PG_GETARG_ARRAYTYPE_P(arg);
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array of tasks must not contain nulls")));
	deconstruct_array(array, ARR_ELEMTYPE(array), 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values, NULL, &handles.count);
	handles.values = (int64 *) values;
	StaticAssertStmt(sizeof(Datum) == sizeof(int64), "a df_task is passed by value");
	return handles;
}

/* (task, other, VARIADIC more) */
static Handles
listed_handles(FunctionCallInfo fcinfo)
{
	Handles		more = array_handles(fcinfo, 2);
	Handles		handles;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("task must not be null")));
	handles.count = more.count + 2;
	handles.values = palloc_extended(handles.count * sizeof(int64), MCXT_ALLOC_HUGE);
	handles.values[0] = PG_GETARG_INT64(0);
	handles.values[1] = PG_GETARG_INT64(1);
	if (more.count > 0)
		memcpy(handles.values + 2, more.values, more.count * sizeof(int64));
	return handles;
}

/* df_failure(): failureDetails of the failure raised last in this turn. */
Datum
df_failure(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_failure");

	if (turn->failures == NIL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(pgdf_payload_to_jsonb(((RaisedFailure *) linitial(turn->failures))->failure));
}

/* --------------------------------------------------------- recorded values */

/* df_record(value): what it was the first time. */
Datum
df_record(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_record");
	Jsonb	   *value = PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0);
	int			number = pgdf_turn_schedule(turn, TASK_RECORD, NULL, value, NULL);

	PG_RETURN_JSONB_P(pgdf_turn_result(turn, pgdf_turn_handle(turn, number)));
}

/* df_set_custom_status(status): shown by df_status; what the turn sets last counts. */
Datum
df_set_custom_status(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_set_custom_status");
	MemoryContext caller = MemoryContextSwitchTo(turn->context);

	turn->has_custom_status = true;
	turn->custom_status = PG_ARGISNULL(0) ? NULL :
		pgdf_payload_from_jsonb_checked(PG_GETARG_JSONB_P(0), "custom status");
	MemoryContextSwitchTo(caller);
	PG_RETURN_VOID();
}

/* df_now(): when the turn began that first got here. */
Datum
df_now(PG_FUNCTION_ARGS)
{
	const Turn *turn = pgdf_turn_require("df_now");

	PG_RETURN_TIMESTAMPTZ(pgdf_turn_now(turn));
}

/* df_uuid(): different at each call, the same at each replay (UUID version 8). */
Datum
df_uuid(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_uuid");
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));
	uint64		halves[2];

	halves[0] = pgdf_turn_generate(turn, 1);
	halves[1] = pgdf_turn_generate(turn, 2);
	memcpy(uuid->data, halves, UUID_LEN);
	uuid->data[6] = (uuid->data[6] & 0x0f) | 0x80;	/* version */
	uuid->data[8] = (uuid->data[8] & 0x3f) | 0x80;	/* variant */
	PG_RETURN_UUID_P(uuid);
}

/* df_random(): from 0 to below 1. */
Datum
df_random(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_random");

	PG_RETURN_FLOAT8((double) (pgdf_turn_generate(turn, 3) >> 11) / (double) (UINT64CONST(1) << 53));
}

Datum
df_instance_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(pgdf_turn_require("df_instance_id")->instance_id));
}

Datum
df_input(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(pgdf_turn_require("df_input")->input);
}

Datum
df_is_replaying(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(pgdf_turn_is_replaying(pgdf_turn_require("df_is_replaying")));
}

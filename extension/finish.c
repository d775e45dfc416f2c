/*
 * finish.c
 *		How an instance ends, begins anew, or stands still: its status, and what
 *		becomes of its open work.
 *
 * pgdf_instance_set_status() is the only place that changes a status.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/datum.h"

#include "child_retry.h"
#include "instance.h"
#include "map.h"
#include "probe.h"
#include "rewind.h"
#include "spi.h"

/*
 * Rows are taken with SKIP LOCKED: a call never waits for a row.  Workers of claimed
 * ones are told to stop; a row that another call held goes when somebody claims it
 * and finds the instance final.
 */
#define STOP_CLAIMED(condition) \
	" stopped AS (" \
	"    INSERT INTO df.cancellations (worker_key, instance_key, task_id, fence)" \
	"    SELECT worker_key, instance_key, task_id, fence FROM df.tasks" \
	"     WHERE instance_key = $1" condition " AND state + 0 = 1" \
	"    ON CONFLICT DO NOTHING)"

static PgdfStatement delete_tasks_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT task_id FROM df.tasks WHERE instance_key = $1 FOR UPDATE SKIP LOCKED),"
	STOP_CLAIMED("")
	" DELETE FROM df.tasks"
	"  WHERE instance_key = $1 AND task_id = ANY (ARRAY(SELECT task_id FROM held))",
	1, {INT8OID}
};

/* A failed instance may be rewound: nothing runs, but nothing is forgotten. */
static PgdfStatement park_tasks_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT task_id FROM df.tasks"
	"     WHERE instance_key = $1 AND state + 0 IN (0, 1, 2) FOR UPDATE SKIP LOCKED),"
	STOP_CLAIMED("")
	" UPDATE df.tasks"
	"    SET state = 5, visible_at = NULL, fence = NULL, worker_key = NULL, claimed_at = NULL,"
	"        is_started = false"
	"  WHERE instance_key = $1 AND task_id = ANY (ARRAY(SELECT task_id FROM held))",
	1, {INT8OID}
};

#define HOLD_TASKS(condition) \
	{ \
		"SELECT (SELECT count(*) FROM df.tasks WHERE instance_key = $1" condition ") =" \
		"       (SELECT count(*) FROM (SELECT FROM df.tasks WHERE instance_key = $1" condition \
		"                                 FOR UPDATE SKIP LOCKED) held)", \
		1, {INT8OID} \
	}

/* Chunks have numbers that are never used again, and may be left where they are. */
static PgdfStatement hold_tasks_statement = HOLD_TASKS(" AND task_id > 0");
static PgdfStatement hold_all_tasks_statement = HOLD_TASKS("");

static PgdfStatement delete_timers_statement = {
	"DELETE FROM df.timers WHERE instance_key = $1",
	1, {INT8OID}
};

static PgdfStatement cancel_task_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT task_id FROM df.tasks WHERE instance_key = $1 AND task_id = $2"
	"       FOR UPDATE SKIP LOCKED),"
	STOP_CLAIMED(" AND task_id = $2")
	" DELETE FROM df.tasks"
	"  WHERE instance_key = $1 AND task_id = ANY (ARRAY(SELECT task_id FROM held))",
	2, {INT8OID, INT4OID}
};

static PgdfStatement cancel_timer_statement = {
	"DELETE FROM df.timers WHERE instance_key = $1 AND task_id = $2",
	2, {INT8OID, INT4OID}
};

static PgdfStatement delete_history_statement = {
	"DELETE FROM df.history WHERE instance_key = $1",
	1, {INT8OID}
};

static PgdfStatement delete_events_statement = {
	"DELETE FROM df.buffered_events WHERE instance_key = $1",
	1, {INT8OID}
};

static bool may_have_rows(const Instance *instance);
static bool hold_tasks(Engine *engine, const Instance *instance, PgdfStatement *statement);
static void park_new_tasks(Instance *instance);
static void tell_parent(Engine *engine, const Instance *instance, InstanceStatus status);

void
pgdf_instance_set_status(Instance *instance, InstanceStatus status)
{
	if (instance->status == status)
		return;
	pgdf_status_check_transition(instance->status, status);
	instance->status = status;
	instance->is_dirty = true;
}

void
pgdf_instance_finish(Engine *engine, Instance *instance, InstanceStatus status,
					 text *output, text *failure)
{
	Datum		key = Int64GetDatum(instance->key);
	MemoryContext caller;

	if (status == STATUS_FAILED && pgdf_child_retry(engine, instance, failure))
		return;

	caller = MemoryContextSwitchTo(instance->context);
	pgdf_instance_set_status(instance, status);
	instance->end = END_SET;
	if (output != NULL)
		instance->output = (text *) DatumGetPointer(datumCopy(PointerGetDatum(output), false, -1));
	if (failure != NULL)
		instance->failure = (text *) DatumGetPointer(datumCopy(PointerGetDatum(failure), false, -1));
	instance->awaited = NULL;
	instance->is_awaited_dirty = true;
	instance->needs_turn = false;
	instance->blocked_reason = NULL;
	if (status == STATUS_FAILED)
		park_new_tasks(instance);
	else
		instance->new_tasks = NIL;
	instance->new_timers = NIL;
	instance->inline_tasks = NIL;
	MemoryContextSwitchTo(caller);

	if (may_have_rows(instance))
		pgdf_spi_execute(status == STATUS_FAILED ? &park_tasks_statement
						 : &delete_tasks_statement, &key, NULL);
	if (pgdf_probe_key("timers", "timers_pkey", instance->key))
		pgdf_spi_execute(&delete_timers_statement, &key, NULL);
	tell_parent(engine, instance, status);
}

/* Perhaps rows in df.tasks: what is completed has none any more. */
static bool
may_have_rows(const Instance *instance)
{
	const Replay *replay = instance->replay;

	if (!instance->had_tasks || replay == NULL)
		return instance->had_tasks;
	for (int i = 0; i < replay->ntasks; i++)
	{
		const TurnTask *task = &replay->tasks[i];

		if (task->kind != TASK_RECORD &&
			(task->kind != TASK_ACTIVITY || task->outcome != OUTCOME_COMPLETED))
			return true;
	}
	return replay->nrewinds > 0;
}

/* What this call has decided or tried, and not yet written, is kept for rewind too. */
static void
park_new_tasks(Instance *instance)
{
	ListCell   *cell;

	foreach(cell, instance->inline_tasks)
	{
		TaskRow    *row = palloc(sizeof(TaskRow));

		*row = ((InlineTask *) lfirst(cell))->row;
		instance->new_tasks = lappend(instance->new_tasks, row);
	}
	foreach(cell, instance->new_tasks)
	{
		TaskRow    *row = lfirst(cell);

		if (row->state != TASK_FAILED)
			row->state = TASK_PARKED;
		row->has_visible_at = false;
	}
}

void
pgdf_instance_block(Instance *instance, const char *reason)
{
	instance->blocked_reason = MemoryContextStrdup(instance->context, pgdf_clip(reason));
	instance->needs_turn = false;
	instance->is_dirty = true;
}

bool
pgdf_instance_hold_tasks(Engine *engine, const Instance *instance)
{
	return !instance->had_tasks || hold_tasks(engine, instance, &hold_tasks_statement);
}

bool
pgdf_instance_hold_all_tasks(Engine *engine, const Instance *instance)
{
	return hold_tasks(engine, instance, &hold_all_tasks_statement);
}

static bool
hold_tasks(Engine *engine, const Instance *instance, PgdfStatement *statement)
{
	Datum		key = Int64GetDatum(instance->key);
	bool		isnull;

	pgdf_spi_execute(statement, &key, NULL);
	if (DatumGetBool(pgdf_spi_datum(0, 1, &isnull)))
		return true;
	engine->skipped = true;
	return false;
}

void
pgdf_instance_cancel_task(Instance *instance, int task_id)
{
	Datum		values[2] = {Int64GetDatum(instance->key), Int32GetDatum(task_id)};

	pgdf_spi_execute(&cancel_task_statement, values, NULL);
	pgdf_spi_execute(&cancel_timer_statement, values, NULL);
	pgdf_map_cancel(instance, task_id);
}

void
pgdf_instance_continue_as_new(Engine *engine, Instance *instance, text *input, bool keep_events)
{
	Datum		key = Int64GetDatum(instance->key);

	pgdf_spi_execute(&delete_history_statement, &key, NULL);
	if (!keep_events && instance->buffered_events > 0)
	{
		pgdf_spi_execute(&delete_events_statement, &key, NULL);
		instance->buffered_events = 0;
	}
	instance->events->count = 0;
	pgdf_instance_next_execution(instance);
	instance->input = (struct varlena *) input;
	instance->is_input_dirty = true;
	pgdf_instance_add_event(instance, EVENT_EXECUTION_STARTED, engine->now)->name =
		cstring_to_text(instance->name);
	instance->needs_turn = true;
	pgdf_instance_check_ready(engine, instance);
}

void
pgdf_instance_next_execution(Instance *instance)
{
	Datum		key = Int64GetDatum(instance->key);

	pgdf_spi_execute(&delete_tasks_statement, &key, NULL);
	pgdf_spi_execute(&delete_timers_statement, &key, NULL);
	pgdf_map_forget_all(instance->key);
	instance->new_tasks = NIL;
	instance->new_timers = NIL;
	instance->inline_tasks = NIL;
	instance->replay = NULL;
	instance->had_history = instance->had_tasks = false;
	instance->execution++;
	instance->code_hash = NULL; /* it begins with the code as it is now */
	instance->next_event_id = instance->next_task_id = 1;
	instance->history_bytes = 0;
	instance->tasks_total = instance->tasks_completed = 0;
	instance->awaited = NULL;
	instance->is_awaited_dirty = true;
	instance->is_dirty = true;
}

static void
tell_parent(Engine *engine, const Instance *instance, InstanceStatus status)
{
	Delivery	delivery = {0};

	if (instance->parent_key == 0)
		return;
	delivery.type = status == STATUS_COMPLETED ? EVENT_CHILD_COMPLETED : EVENT_CHILD_FAILED;
	delivery.execution = instance->parent_execution;
	delivery.task_id = instance->parent_task_id;
	delivery.time = engine->now;
	delivery.payload = status == STATUS_COMPLETED ? instance->output : NULL;
	delivery.failure = instance->failure;
	if (status == STATUS_TERMINATED)
	{
		Failure		failure = {.error_type = "Terminated",.message = "instance was terminated"};

		delivery.failure = pgdf_failure_to_json(&failure);
	}
	pgdf_engine_deliver(engine, instance->parent_key, &delivery);
}

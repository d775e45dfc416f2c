/*
 * engine.c
 *		Instances while an engine call holds them: load, deliver, finish, write.
 *
 * This file is the only writer of df.instance_state (after df_start) and, with
 * history.c, of what belongs to an instance.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "engine.h"
#include "failure.h"
#include "instance.h"
#include "payload.h"
#include "rewind.h"
#include "spi.h"

/* How long one call may go on beginning turns and activities, in ms. */
#define CALL_BUDGET_MS	50

typedef struct RegistrationEntry
{
	char		key[1280];		/* name, newline, version */
	Registration *registration; /* NULL: not registered */
} RegistrationEntry;

static PgdfStatement lock_statement = {
	"SELECT instance_key, instance_id, run_id, execution, name, version, owner::oid, status,"
	"       parent_instance_key, parent_execution, parent_task_id, root_instance_key,"
	"       priority, queue, input, next_event_id, next_task_id, tasks_total, tasks_completed,"
	"       turns, turn_failures, awaited, await_remaining, blocked_reason, code_hash,"
	"       buffered_events, blocked_hash"
	"  FROM df.instance_state"
	" WHERE instance_key = ANY ($1) AND owner::oid = $2"
	" ORDER BY instance_key"
	"   FOR UPDATE SKIP LOCKED",
	2, {INT8ARRAYOID, OIDOID}
};

static PgdfStatement update_statement = {
	"UPDATE df.instance_state"
	"   SET status = $2, last_updated_at = $3,"
	"       completed_at = CASE $4 WHEN 0 THEN completed_at WHEN 1 THEN $3 END,"
	"       output = CASE $4 WHEN 0 THEN output ELSE $5 END,"
	"       failure = CASE $4 WHEN 0 THEN failure ELSE $6 END,"
	"       custom_status = CASE WHEN $7 THEN $8 ELSE custom_status END,"
	"       next_event_id = $9, next_task_id = $10, tasks_total = $11, tasks_completed = $12,"
	"       turns = $13, turn_failures = $14::smallint, blocked_reason = $15, code_hash = $16,"
	"       await_remaining = $17, awaited = CASE WHEN $18 THEN $19 ELSE awaited END,"
	"       buffered_events = $20, execution = $21, input = CASE WHEN $22 THEN $23 ELSE input END,"
	"       blocked_hash = $24, waiting_at = CASE WHEN $18 THEN $25 ELSE waiting_at END"
	" WHERE instance_key = $1",
	25, {INT8OID, INT2OID, TIMESTAMPTZOID, INT4OID, JSONOID, JSONOID, BOOLOID, JSONOID,
		INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, TEXTOID, TEXTOID, INT4ARRAYOID,
		BOOLOID, BYTEAOID, INT4OID, INT4OID, BOOLOID, JSONOID, TEXTOID, TEXTOID}
};

static PgdfStatement insert_inbox_statement = {
	"INSERT INTO df.inbox (instance_key, execution, event_type, task_id, event_time, name, payload, failure)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	8, {INT8OID, INT4OID, INT2OID, INT4OID, TIMESTAMPTZOID, TEXTOID, JSONOID, JSONOID}
};

static PgdfStatement insert_tasks_statement = {
	"INSERT INTO df.tasks (instance_key, execution, task_id, scheduled_event, lane, name, queue,"
	"                      priority, state, visible_at, attempts, at_most_once, retry, timeout,"
	"                      scheduled_at, schedule_deadline, settings, last_failure)"
	" SELECT t.k, t.e, t.task_id, t.scheduled_event, t.lane, t.name, t.queue, t.priority, t.state,"
	"        t.visible_at, t.attempts, t.at_most_once, t.retry, t.timeout, $18,"
	"        t.deadline, t.settings, t.last_failure"
	"   FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
	"     AS t(k, e, task_id, scheduled_event, lane, name, queue, priority, state,"
	"          visible_at, attempts, at_most_once, retry, timeout, deadline, settings, last_failure)",
	18, {INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, INT4ARRAYOID, INT2ARRAYOID, TIMESTAMPTZARRAYOID, INT2ARRAYOID, BOOLARRAYOID,
		JSONARRAYOID, INTERVALARRAYOID, TIMESTAMPTZARRAYOID, JSONARRAYOID, JSONARRAYOID,
		TIMESTAMPTZOID}
};

/*
 * Rows are taken with SKIP LOCKED: df.run_sql holds its row for as long as the
 * activity runs.  Its worker is told to stop; the row goes when it has ended, or
 * when somebody claims it and finds the instance final.
 */
#define STOP_CLAIMED(condition) \
	" stopped AS (" \
	"    INSERT INTO df.cancellations (worker_key, instance_key, task_id, fence)" \
	"    SELECT worker_key, instance_key, task_id, fence FROM df.tasks" \
	"     WHERE instance_key = $1" condition " AND state = 1" \
	"    ON CONFLICT DO NOTHING)"

static PgdfStatement delete_tasks_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT instance_key, task_id FROM df.tasks WHERE instance_key = $1 FOR UPDATE SKIP LOCKED),"
	STOP_CLAIMED("")
	" DELETE FROM df.tasks t USING held"
	"  WHERE t.instance_key = held.instance_key AND t.task_id = held.task_id",
	1, {INT8OID}
};

/* A failed instance may be rewound: nothing runs, but nothing is forgotten. */
static PgdfStatement park_tasks_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT instance_key, task_id FROM df.tasks"
	"     WHERE instance_key = $1 AND state IN (0, 1, 2) FOR UPDATE SKIP LOCKED),"
	STOP_CLAIMED("")
	" UPDATE df.tasks t"
	"    SET state = 5, visible_at = NULL, fence = NULL, worker_key = NULL, claimed_at = NULL,"
	"        is_started = false"
	"   FROM held WHERE t.instance_key = held.instance_key AND t.task_id = held.task_id",
	1, {INT8OID}
};

static PgdfStatement delete_timers_statement = {
	"DELETE FROM df.timers WHERE instance_key = $1",
	1, {INT8OID}
};

static PgdfStatement cancel_task_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT instance_key, task_id FROM df.tasks WHERE instance_key = $1 AND task_id = $2"
	"       FOR UPDATE SKIP LOCKED),"
	STOP_CLAIMED(" AND task_id = $2")
	" DELETE FROM df.tasks t USING held"
	"  WHERE t.instance_key = held.instance_key AND t.task_id = held.task_id",
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

static PgdfStatement insert_timers_statement = {
	"INSERT INTO df.timers (instance_key, execution, task_id, fire_at)"
	" SELECT $1, $2, * FROM unnest($3, $4)",
	4, {INT8OID, INT4OID, INT4ARRAYOID, TIMESTAMPTZARRAYOID}
};

static PgdfStatement terminate_children_statement = {
	"INSERT INTO df.inbox (instance_key, event_type, event_time, payload)"
	" SELECT instance_key, $2, $3, $4 FROM df.instance_state"
	"  WHERE parent_instance_key = $1 AND completed_at IS NULL",
	4, {INT8OID, INT2OID, TIMESTAMPTZOID, JSONOID}
};

static void load_instance(Engine *engine, uint64 row);
static AwaitTree *load_awaited(uint64 row, int awaited_col, int remaining_col);
static bool is_outcome(const Delivery *delivery);
static text *copy_text(text *value);
static void change_suspension(Instance *instance, const Delivery *delivery, InstanceStatus status);
static void deliver_terminated(Engine *engine, Instance *instance, const Delivery *delivery);
static void terminate_children(Engine *engine, const Instance *instance, text *payload);
static bool is_replacement(const Delivery *delivery);
static void replace_instance(Engine *engine, Instance *instance, const Delivery *delivery);
static void park_new_tasks(Instance *instance);
static void tell_parent(Engine *engine, const Instance *instance, InstanceStatus status);
static void flush_events(Engine *engine);
static void flush_tasks(Engine *engine);
static void flush_timers(Instance *instance);
static void flush_instance(Engine *engine, Instance *instance);

/* ------------------------------------------------------------------ engine */

Engine *
pgdf_engine_create(int64 worker_key, int turns)
{
	Engine	   *engine = palloc0(sizeof(Engine));
	HASHCTL		control = {0};

	engine->context = CurrentMemoryContext;
	engine->worker_key = worker_key;
	engine->now = GetCurrentTimestamp();
	engine->deadline = TimestampTzPlusMilliseconds(engine->now, CALL_BUDGET_MS);
	engine->turns_left = turns;
	engine->is_careful = turns == 1;

	pgdf_engine_forget(engine);
	control.keysize = sizeof(((RegistrationEntry *) 0)->key);
	control.entrysize = sizeof(RegistrationEntry);
	engine->registrations = hash_create("pgdf registrations", 16, &control,
										HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	return engine;
}

void
pgdf_engine_forget(Engine *engine)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(Instance),
	.hcxt = engine->context};

	engine->instances = hash_create("pgdf instances", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	engine->ready = NIL;
}

bool
pgdf_engine_serves_queue(const Engine *engine, const char *queue)
{
	ListCell   *cell;

	foreach(cell, engine->queues)
	{
		if (strcmp(lfirst(cell), queue) == 0)
			return true;
	}
	return false;
}

const Registration *
pgdf_engine_registration(Engine *engine, const char *name, const char *version)
{
	char		key[sizeof(((RegistrationEntry *) 0)->key)];
	RegistrationEntry *entry;
	MemoryContext caller;
	bool		found;

	snprintf(key, sizeof(key), "%s\n%s", name, version ? version : "");
	entry = hash_search(engine->registrations, key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->registration;

	caller = MemoryContextSwitchTo(engine->context);
	entry = hash_search(engine->registrations, key, HASH_ENTER, &found);
	entry->registration = NULL;
	entry->registration = pgdf_registry_find(name, version);
	MemoryContextSwitchTo(caller);
	return entry->registration;
}

void
pgdf_engine_lock(Engine *engine, const int64 *keys, int nkeys)
{
	ColumnArray column;
	Datum		values[2];
	int			wanted = 0;

	pgdf_column_init(&column, nkeys);
	for (int i = 0; i < nkeys; i++)
	{
		if (pgdf_engine_find(engine, keys[i]) == NULL)
			pgdf_column_set(&column, wanted++, Int64GetDatum(keys[i]), false);
	}
	if (wanted == 0 || !OidIsValid(engine->owner))
		return;
	column.count = wanted;

	values[0] = pgdf_column_array(&column, INT8ARRAYOID);
	values[1] = ObjectIdGetDatum(engine->owner);
	pgdf_spi_execute(&lock_statement, values, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
		load_instance(engine, row);
}

Instance *
pgdf_engine_find(Engine *engine, int64 key)
{
	return hash_search(engine->instances, &key, HASH_FIND, NULL);
}

static void
load_instance(Engine *engine, uint64 row)
{
	int64		key = pgdf_spi_int64(row, 1);
	bool		found;
	Instance   *instance = hash_search(engine->instances, &key, HASH_ENTER, &found);
	MemoryContext caller;
	bool		isnull;
	Datum		datum;

	if (found)
		return;
	memset((char *) instance + sizeof(int64), 0, sizeof(Instance) - sizeof(int64));
	instance->context = AllocSetContextCreate(engine->context, "pgdf instance",
											  ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(instance->context);

	instance->instance_id = pgdf_spi_cstring(row, 2);
	memcpy(&instance->run_id, DatumGetUUIDP(pgdf_spi_datum(row, 3, &isnull)), sizeof(pg_uuid_t));
	instance->execution = pgdf_spi_int32(row, 4);
	instance->name = pgdf_spi_cstring(row, 5);
	instance->version = pgdf_spi_cstring(row, 6);
	instance->owner = DatumGetObjectId(pgdf_spi_datum(row, 7, &isnull));
	instance->status = (InstanceStatus) pgdf_spi_int16(row, 8);
	datum = pgdf_spi_datum(row, 9, &isnull);
	if (!isnull)
	{
		instance->parent_key = DatumGetInt64(datum);
		instance->parent_execution = pgdf_spi_int32(row, 10);
		instance->parent_task_id = pgdf_spi_int32(row, 11);
	}
	datum = pgdf_spi_datum(row, 12, &isnull);
	instance->root_key = isnull ? key : DatumGetInt64(datum);
	instance->priority = pgdf_spi_int32(row, 13);
	instance->queue = pgdf_spi_cstring(row, 14);
	datum = pgdf_spi_datum(row, 15, &isnull);
	if (!isnull)
		instance->input = (struct varlena *) DatumGetPointer(datumCopy(datum, false, -1));
	instance->next_event_id = pgdf_spi_int32(row, 16);
	instance->next_task_id = pgdf_spi_int32(row, 17);
	instance->tasks_total = pgdf_spi_int32(row, 18);
	instance->tasks_completed = pgdf_spi_int32(row, 19);
	instance->turns = pgdf_spi_int32(row, 20);
	instance->turn_failures = pgdf_spi_int16(row, 21);
	instance->awaited = load_awaited(row, 22, 23);
	instance->blocked_reason = pgdf_spi_cstring(row, 24);
	instance->code_hash = pgdf_spi_cstring(row, 25);
	instance->buffered_events = pgdf_spi_int32(row, 26);
	instance->blocked_hash = pgdf_spi_cstring(row, 27);
	instance->had_history = instance->next_event_id > 1;
	instance->had_tasks = instance->next_task_id > 1;
	instance->events = pgdf_events_create(instance->context);
	MemoryContextSwitchTo(caller);
}

static AwaitTree *
load_awaited(uint64 row, int awaited_col, int remaining_col)
{
	bool		isnull;
	Datum		awaited = pgdf_spi_datum(row, awaited_col, &isnull);
	ArrayType  *remaining;

	if (isnull)
		return NULL;
	remaining = DatumGetArrayTypeP(pgdf_spi_datum(row, remaining_col, &isnull));
	return pgdf_await_deserialize(DatumGetByteaPP(awaited),
								  (const int32 *) ARR_DATA_PTR(remaining),
								  ArrayGetNItems(ARR_NDIM(remaining), ARR_DIMS(remaining)));
}

/* -------------------------------------------------------------- deliveries */

void
pgdf_engine_deliver(Engine *engine, int64 key, const Delivery *delivery)
{
	Instance   *instance = pgdf_engine_find(engine, key);

	if (instance != NULL && !instance->is_deleted)
	{
		pgdf_instance_deliver(engine, instance, delivery);
		return;
	}
	pgdf_delivery_insert(key, delivery);
	engine->sent++;
	engine->more = true;
}

void
pgdf_delivery_insert(int64 key, const Delivery *delivery)
{
	Datum		values[8];
	bool		nulls[8] = {0};

	values[0] = Int64GetDatum(key);
	values[1] = Int32GetDatum(delivery->execution);
	nulls[1] = delivery->execution < 0;
	values[2] = Int16GetDatum((int16) delivery->type);
	values[3] = Int32GetDatum(delivery->task_id);
	nulls[3] = delivery->task_id == 0;
	values[4] = TimestampTzGetDatum(delivery->time);
	values[5] = PointerGetDatum(delivery->name);
	nulls[5] = delivery->name == NULL;
	values[6] = PointerGetDatum(delivery->payload);
	nulls[6] = delivery->payload == NULL;
	values[7] = PointerGetDatum(delivery->failure);
	nulls[7] = delivery->failure == NULL;
	pgdf_spi_execute(&insert_inbox_statement, values, nulls);
}

void
pgdf_instance_deliver(Engine *engine, Instance *instance, const Delivery *delivery)
{
	if (is_replacement(delivery))
	{
		replace_instance(engine, instance, delivery);
		return;
	}
	if (pgdf_status_is_final(instance->status))
	{
		if (delivery->type == EVENT_EVENT_RAISED)
			pgdf_event_too_late(instance, delivery);
		if (instance->status == STATUS_FAILED && is_outcome(delivery) &&
			delivery->execution == instance->execution)
			pgdf_instance_record_outcome(instance, delivery);	/* a rewind will want it */
		if (delivery->type == EVENT_EXECUTION_REWOUND && instance->status == STATUS_FAILED)
		{
			pgdf_rewind_instance(engine, instance, delivery);
			pgdf_instance_check_ready(engine, instance);
		}
		return;
	}
	if (delivery->execution >= 0 && delivery->execution != instance->execution)
		return;

	switch (delivery->type)
	{
		case EVENT_EXECUTION_STARTED:
			if (instance->status == STATUS_PENDING && instance->next_event_id == 1)
			{
				pgdf_instance_add_event(instance, EVENT_EXECUTION_STARTED,
										delivery->time)->name = cstring_to_text(instance->name);
				instance->needs_turn = true;
			}
			break;
		case EVENT_ORCHESTRATOR_STARTED:
			/* "run a turn": another try, a start that was due later, a satisfied wait that was left */
			if (instance->next_event_id == 1)
				pgdf_instance_add_event(instance, EVENT_EXECUTION_STARTED,
										delivery->time)->name = cstring_to_text(instance->name);
			if (instance->awaited == NULL)
				instance->needs_turn = true;
			break;
		case EVENT_TASK_COMPLETED:
		case EVENT_TASK_FAILED:
		case EVENT_TIMER_FIRED:
		case EVENT_CHILD_COMPLETED:
		case EVENT_CHILD_FAILED:
			pgdf_instance_record_outcome(instance, delivery);
			break;
		case EVENT_EVENT_RAISED:
			pgdf_event_receive(instance, delivery);
			break;
		case EVENT_EXECUTION_SUSPENDED:
			if (instance->status != STATUS_SUSPENDED)
				change_suspension(instance, delivery, STATUS_SUSPENDED);
			break;
		case EVENT_EXECUTION_RESUMED:
			if (instance->status == STATUS_SUSPENDED)
				change_suspension(instance, delivery,
								  instance->turns > 0 ? STATUS_RUNNING : STATUS_PENDING);
			break;
		case EVENT_EXECUTION_TERMINATED:
			deliver_terminated(engine, instance, delivery);
			break;
		default:
			elog(ERROR, "unexpected delivery of type %d", (int) delivery->type);
	}
	pgdf_instance_check_ready(engine, instance);
}

/* A task has its outcome: into history, into the replay of this call, and off the counters. */
void
pgdf_instance_record_outcome(Instance *instance, const Delivery *delivery)
{
	bool		is_failure = delivery->failure != NULL;
	MemoryContext caller = MemoryContextSwitchTo(instance->context);
	Event	   *event = pgdf_instance_add_event(instance, delivery->type, delivery->time);

	event->task_id = delivery->task_id;
	event->name = copy_text(delivery->name);
	event->payload = copy_text(delivery->payload);
	event->failure = copy_text(delivery->failure);
	if (instance->replay != NULL)
		pgdf_replay_event(instance->replay, event);
	instance->tasks_completed++;
	if (instance->awaited != NULL)
		pgdf_await_deliver(instance->awaited, delivery->task_id, is_failure);
	MemoryContextSwitchTo(caller);
}

static bool
is_outcome(const Delivery *delivery)
{
	switch (delivery->type)
	{
		case EVENT_TASK_COMPLETED:
		case EVENT_TASK_FAILED:
		case EVENT_CHILD_COMPLETED:
		case EVENT_CHILD_FAILED:
			return true;
		default:
			return false;
	}
}

static text *
copy_text(text *value)
{
	return value == NULL ? NULL : DatumGetTextPCopy(PointerGetDatum(value));
}

static void
change_suspension(Instance *instance, const Delivery *delivery, InstanceStatus status)
{
	MemoryContext caller = MemoryContextSwitchTo(instance->context);

	pgdf_instance_add_event(instance, delivery->type, delivery->time)->payload =
		copy_text(delivery->payload);
	pgdf_instance_set_status(instance, status);
	MemoryContextSwitchTo(caller);
}

static void
deliver_terminated(Engine *engine, Instance *instance, const Delivery *delivery)
{
	text	   *reason = NULL;
	bool		is_recursive = true;

	if (delivery->payload != NULL)
	{
		char	   *text_reason = pgdf_json_get_string(delivery->payload, "reason");
		char	   *recursive = pgdf_json_get_string(delivery->payload, "recursive");

		if (text_reason != NULL)
		{
			StringInfoData json;

			initStringInfo(&json);
			escape_json(&json, text_reason);
			reason = cstring_to_text_with_len(json.data, json.len);
		}
		is_recursive = recursive == NULL || strcmp(recursive, "false") != 0;
	}

	if (is_recursive)
		terminate_children(engine, instance, delivery->payload);
	pgdf_instance_add_event(instance, EVENT_EXECUTION_TERMINATED, delivery->time)->payload = reason;
	pgdf_instance_finish(engine, instance, STATUS_TERMINATED, reason, NULL);
}

static void
terminate_children(Engine *engine, const Instance *instance, text *payload)
{
	Datum		values[4] = {
		Int64GetDatum(instance->key), Int16GetDatum(EVENT_EXECUTION_TERMINATED),
		TimestampTzGetDatum(engine->now), PointerGetDatum(payload)
	};
	bool		nulls[4] = {false, false, false, payload == NULL};

	engine->sent += pgdf_spi_execute(&terminate_children_statement, values, nulls);
}

static bool
is_replacement(const Delivery *delivery)
{
	return delivery->type == EVENT_EXECUTION_TERMINATED && delivery->name != NULL &&
		strcmp(text_to_cstring(delivery->name), PGDF_REPLACE_NAME) == 0;
}

/*
 * df_start(if_exists => 'replace') of what was a live instance: end it, if it is
 * one still, and begin anew, as one step.  The rest of its deliveries goes back
 * into the inbox, behind the new start.  A request that can no longer be done
 * leaves a terminated instance that says why.
 */
static void
replace_instance(Engine *engine, Instance *instance, const Delivery *delivery)
{
	StartRequest start;
	text	   *failure;

	if (!pgdf_status_is_final(instance->status))
	{
		terminate_children(engine, instance, NULL);
		pgdf_instance_finish(engine, instance, STATUS_TERMINATED, NULL, NULL);
	}
	pgdf_start_request_parse(delivery->payload, &start);
	failure = pgdf_instance_try_replace(instance->key, &start);
	if (failure == NULL)
	{
		instance->is_deleted = true;
		engine->sent++;
		engine->more = true;
	}
	else if (instance->end == END_SET)
	{
		MemoryContext caller = MemoryContextSwitchTo(instance->context);

		instance->failure = copy_text(failure);
		MemoryContextSwitchTo(caller);
	}
}

Event *
pgdf_instance_add_event(Instance *instance, EventType type, TimestampTz time)
{
	Event	   *event = pgdf_events_add(instance->events);

	event->instance_key = instance->key;
	event->execution = instance->execution;
	event->event_id = instance->next_event_id++;
	event->type = type;
	event->time = time;
	instance->is_dirty = true;
	return event;
}

void
pgdf_instance_check_ready(Engine *engine, Instance *instance)
{
	MemoryContext caller;

	if (instance->is_queued || !pgdf_instance_is_ready(instance))
		return;
	caller = MemoryContextSwitchTo(engine->context);
	engine->ready = lappend(engine->ready, instance);
	instance->is_queued = true;
	MemoryContextSwitchTo(caller);
}

bool
pgdf_instance_is_ready(const Instance *instance)
{
	if (instance->is_deleted || pgdf_status_is_final(instance->status) ||
		instance->status == STATUS_SUSPENDED || instance->blocked_reason != NULL)
		return false;
	return instance->needs_turn ||
		(instance->awaited != NULL && pgdf_await_is_satisfied(instance->awaited));
}

/* ------------------------------------------------------------------ status */

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
	MemoryContext caller = MemoryContextSwitchTo(instance->context);

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

	if (instance->had_tasks)
		pgdf_spi_execute(status == STATUS_FAILED ? &park_tasks_statement
						 : &delete_tasks_statement, &key, NULL);
	pgdf_spi_execute(&delete_timers_statement, &key, NULL);
	tell_parent(engine, instance, status);
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

void
pgdf_instance_cancel_task(Instance *instance, int task_id)
{
	Datum		values[2] = {Int64GetDatum(instance->key), Int32GetDatum(task_id)};

	pgdf_spi_execute(&cancel_task_statement, values, NULL);
	pgdf_spi_execute(&cancel_timer_statement, values, NULL);
}

void
pgdf_instance_continue_as_new(Engine *engine, Instance *instance, text *input, bool keep_events)
{
	Datum		key = Int64GetDatum(instance->key);

	pgdf_spi_execute(&delete_history_statement, &key, NULL);
	pgdf_spi_execute(&delete_tasks_statement, &key, NULL);
	pgdf_spi_execute(&delete_timers_statement, &key, NULL);
	if (!keep_events && instance->buffered_events > 0)
	{
		pgdf_spi_execute(&delete_events_statement, &key, NULL);
		instance->buffered_events = 0;
	}
	instance->events->count = 0;
	instance->new_tasks = NIL;
	instance->new_timers = NIL;
	instance->inline_tasks = NIL;
	instance->replay = NULL;
	instance->had_history = instance->had_tasks = false;
	instance->execution++;
	instance->next_event_id = instance->next_task_id = 1;
	instance->tasks_total = instance->tasks_completed = 0;
	instance->awaited = NULL;
	instance->is_awaited_dirty = true;
	instance->input = (struct varlena *) input;
	instance->is_input_dirty = true;
	pgdf_instance_add_event(instance, EVENT_EXECUTION_STARTED, engine->now)->name =
		cstring_to_text(instance->name);
	instance->needs_turn = true;
	pgdf_instance_check_ready(engine, instance);
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

/* ------------------------------------------------------------------- write */

void
pgdf_engine_flush(Engine *engine)
{
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	flush_events(engine);
	flush_tasks(engine);
	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		if (!instance->is_dirty || instance->is_deleted)
			continue;
		flush_timers(instance);
		flush_instance(engine, instance);
	}
}

static void
flush_events(Engine *engine)
{
	EventBuffer *all = pgdf_events_create(engine->context);
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		if (instance->is_deleted)
			continue;
		for (int i = 0; i < instance->events->count; i++)
			memcpy(pgdf_events_add(all), &instance->events->events[i], sizeof(Event));
		instance->events->count = 0;
	}
	pgdf_events_write(all);
}

static void
flush_tasks(Engine *engine)
{
	HASH_SEQ_STATUS scan;
	Instance   *instance;
	int			count = 0;
	int			queued = 0;
	int			n = 0;
	ColumnArray columns[17];
	Datum		values[18];

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
		count += instance->is_deleted ? 0 : list_length(instance->new_tasks);
	if (count == 0)
		return;

	for (int c = 0; c < lengthof(columns); c++)
		pgdf_column_init(&columns[c], count);
	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		ListCell   *cell;

		if (instance->is_deleted)
			continue;
		foreach(cell, instance->new_tasks)
		{
			const TaskRow *row = lfirst(cell);

			queued += row->state == TASK_QUEUED ? 1 : 0;
			pgdf_column_set(&columns[0], n, Int64GetDatum(instance->key), false);
			pgdf_column_set(&columns[1], n, Int32GetDatum(instance->execution), false);
			pgdf_column_set(&columns[2], n, Int32GetDatum(row->task_id), false);
			pgdf_column_set(&columns[3], n, Int32GetDatum(row->scheduled_event), false);
			pgdf_column_set(&columns[4], n, PointerGetDatum(row->lane), false);
			pgdf_column_set(&columns[5], n, PointerGetDatum(row->name), false);
			pgdf_column_set(&columns[6], n, PointerGetDatum(row->queue), false);
			pgdf_column_set(&columns[7], n, Int32GetDatum(row->priority), false);
			pgdf_column_set(&columns[8], n, Int16GetDatum((int16) row->state), false);
			pgdf_column_set(&columns[9], n, TimestampTzGetDatum(row->visible_at), !row->has_visible_at);
			pgdf_column_set(&columns[10], n, Int16GetDatum((int16) row->attempts), false);
			pgdf_column_set(&columns[11], n, BoolGetDatum(row->at_most_once), false);
			pgdf_column_set(&columns[12], n, PointerGetDatum(row->retry), row->retry == NULL);
			pgdf_column_set(&columns[13], n, IntervalPGetDatum(row->timeout), row->timeout == NULL);
			pgdf_column_set(&columns[14], n, TimestampTzGetDatum(row->schedule_deadline),
							!row->has_schedule_deadline);
			pgdf_column_set(&columns[15], n, PointerGetDatum(row->settings), row->settings == NULL);
			pgdf_column_set(&columns[16], n, PointerGetDatum(row->last_failure), row->last_failure == NULL);
			n++;
		}
		instance->new_tasks = NIL;
	}
	for (int c = 0; c < lengthof(columns); c++)
		values[c] = pgdf_column_array(&columns[c], insert_tasks_statement.argtypes[c]);
	values[17] = TimestampTzGetDatum(engine->now);
	pgdf_spi_execute(&insert_tasks_statement, values, NULL);
	engine->tasks_queued += queued;
}

static void
flush_timers(Instance *instance)
{
	int			n = list_length(instance->new_timers);
	ColumnArray task_ids;
	ColumnArray fire_ats;
	Datum		values[4] = {Int64GetDatum(instance->key), Int32GetDatum(instance->execution)};

	if (n == 0)
		return;
	pgdf_column_init(&task_ids, n);
	pgdf_column_init(&fire_ats, n);
	for (int i = 0; i < n; i++)
	{
		const TimerRow *timer = list_nth(instance->new_timers, i);

		pgdf_column_set(&task_ids, i, Int32GetDatum(timer->task_id), false);
		pgdf_column_set(&fire_ats, i, TimestampTzGetDatum(timer->fire_at), false);
	}
	values[2] = pgdf_column_array(&task_ids, INT4ARRAYOID);
	values[3] = pgdf_column_array(&fire_ats, TIMESTAMPTZARRAYOID);
	pgdf_spi_execute(&insert_timers_statement, values, NULL);
	instance->new_timers = NIL;
}

static void
flush_instance(Engine *engine, Instance *instance)
{
	Datum		values[25];
	bool		nulls[25] = {0};

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int16GetDatum((int16) instance->status);
	values[2] = TimestampTzGetDatum(engine->now);
	values[3] = Int32GetDatum(instance->end);
	values[4] = PointerGetDatum(instance->output);
	nulls[4] = instance->output == NULL;
	values[5] = PointerGetDatum(instance->failure);
	nulls[5] = instance->failure == NULL;
	values[6] = BoolGetDatum(instance->has_custom_status);
	values[7] = PointerGetDatum(instance->custom_status);
	nulls[7] = instance->custom_status == NULL;
	values[8] = Int32GetDatum(instance->next_event_id);
	values[9] = Int32GetDatum(instance->next_task_id);
	values[10] = Int32GetDatum(instance->tasks_total);
	values[11] = Int32GetDatum(instance->tasks_completed);
	values[12] = Int32GetDatum(instance->turns);
	values[13] = Int32GetDatum(instance->turn_failures);
	nulls[14] = instance->blocked_reason == NULL;
	values[14] = nulls[14] ? (Datum) 0 : CStringGetTextDatum(instance->blocked_reason);
	nulls[15] = instance->code_hash == NULL;
	values[15] = nulls[15] ? (Datum) 0 : CStringGetTextDatum(instance->code_hash);
	nulls[16] = instance->awaited == NULL;
	if (!nulls[16])
	{
		ColumnArray remaining;

		pgdf_column_init(&remaining, instance->awaited->nnodes);
		for (int i = 0; i < instance->awaited->nnodes; i++)
			pgdf_column_set(&remaining, i, Int32GetDatum(instance->awaited->remaining[i]), false);
		values[16] = pgdf_column_array(&remaining, INT4ARRAYOID);
	}
	values[17] = BoolGetDatum(instance->is_awaited_dirty);
	nulls[18] = !instance->is_awaited_dirty || instance->awaited == NULL;
	values[18] = nulls[18] ? (Datum) 0 : PointerGetDatum(pgdf_await_serialize(instance->awaited));
	values[19] = Int32GetDatum(instance->buffered_events);
	values[20] = Int32GetDatum(instance->execution);
	values[21] = BoolGetDatum(instance->is_input_dirty);
	nulls[22] = !instance->is_input_dirty || instance->input == NULL;
	values[22] = PointerGetDatum(instance->input);
	nulls[23] = instance->blocked_hash == NULL;
	values[23] = nulls[23] ? (Datum) 0 : CStringGetTextDatum(instance->blocked_hash);
	nulls[24] = instance->waiting_at == NULL;
	values[24] = nulls[24] ? (Datum) 0 : CStringGetTextDatum(instance->waiting_at);
	pgdf_spi_execute(&update_statement, values, nulls);
	instance->is_dirty = instance->is_awaited_dirty = instance->is_input_dirty = false;
}

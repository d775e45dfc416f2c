/*
 * deliver.c
 *		What reaches an instance: outcomes of its tasks, requests to control it.
 *
 * An instance that this call holds gets it at once; any other gets a row in its
 * inbox, which also makes it ready.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/json.h"

#include "instance.h"
#include "map.h"
#include "rewind.h"
#include "row.h"
#include "spi.h"

/* So often in a row may a backend be terminated for what an instance does. */
#define RUNAWAYS_MAX	3

static const char *const inbox_columns[] = {
	"inbox_id", "instance_key", "execution", "event_type", "task_id", "event_time", "name",
	"payload", "failure"
};

static PgdfRowTable inbox_table = {"inbox", inbox_columns, lengthof(inbox_columns)};

static PgdfStatement insert_inbox_statement = {
	"INSERT INTO df.inbox (inbox_id, instance_key, execution, event_type, task_id, event_time, name,"
	" payload, failure)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	9, {INT8OID, INT8OID, INT4OID, INT2OID, INT4OID, TIMESTAMPTZOID, TEXTOID, JSONOID, JSONOID}
};

static PgdfStatement terminate_children_statement = {
	"INSERT INTO df.inbox (instance_key, event_type, event_time, payload)"
	" SELECT instance_key, $2, $3, $4 FROM df.instance_state"
	"  WHERE parent_instance_key = $1 AND completed_at IS NULL",
	4, {INT8OID, INT2OID, TIMESTAMPTZOID, JSONOID}
};

/* A scheduled start, or another try of a turn. */
static PgdfStatement turn_timer_statement = {
	"SELECT FROM df.timers WHERE instance_key = $1 AND task_id = 0",
	1, {INT8OID}
};

static bool is_outcome(const Delivery *delivery);
static void add_note(Instance *instance, const Delivery *delivery);
static text *copy_text(text *value);
static bool is_runaway(const Delivery *delivery);
static void note_runaway(Engine *engine, Instance *instance);
static void change_suspension(Instance *instance, const Delivery *delivery, InstanceStatus status);
static bool has_missed_turn(const Instance *instance);
static void deliver_terminated(Engine *engine, Instance *instance, const Delivery *delivery);
static void terminate_children(Engine *engine, const Instance *instance, text *payload);
static void replace_instance(Engine *engine, Instance *instance, const Delivery *delivery);

void
pgdf_engine_deliver(Engine *engine, int64 key, const Delivery *delivery)
{
	Instance   *instance = pgdf_engine_find(engine, key);

	if (instance != NULL && !instance->is_deleted && !instance->is_postponed)
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
	Datum		values[lengthof(inbox_columns)];
	bool		nulls[lengthof(inbox_columns)] = {0};

	values[0] = Int64GetDatum(pgdf_sequence_next("inbox_seq"));
	values[1] = Int64GetDatum(key);
	values[2] = Int32GetDatum(delivery->execution);
	nulls[2] = delivery->execution < 0;
	values[3] = Int16GetDatum((int16) delivery->type);
	values[4] = Int32GetDatum(delivery->task_id);
	nulls[4] = delivery->task_id == 0;
	values[5] = TimestampTzGetDatum(delivery->time);
	values[6] = PointerGetDatum(delivery->name);
	nulls[6] = delivery->name == NULL;
	values[7] = PointerGetDatum(delivery->payload);
	nulls[7] = delivery->payload == NULL;
	values[8] = PointerGetDatum(delivery->failure);
	nulls[8] = delivery->failure == NULL;
	if (!pgdf_row_insert(&inbox_table, values, nulls))
		(void) pgdf_spi_execute(&insert_inbox_statement, values, nulls);
}

void
pgdf_instance_deliver(Engine *engine, Instance *instance, const Delivery *delivery)
{
	if (pgdf_delivery_is_replacement(delivery))
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
		if (delivery->type == EVENT_MAP_PROGRESS && instance->status == STATUS_FAILED &&
			delivery->execution == instance->execution)
			pgdf_map_progress(engine, instance, delivery);
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
			if (is_runaway(delivery))
			{
				note_runaway(engine, instance);
				break;
			}
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
		case EVENT_MAP_PROGRESS:
			pgdf_map_progress(engine, instance, delivery);
			break;
		case EVENT_EVENT_RAISED:
			pgdf_event_receive(instance, delivery);
			break;
		case EVENT_GENERIC:
			add_note(instance, delivery);
			break;
		case EVENT_EXECUTION_SUSPENDED:
			if (instance->status != STATUS_SUSPENDED)
				change_suspension(instance, delivery, STATUS_SUSPENDED);
			break;
		case EVENT_EXECUTION_RESUMED:
			if (instance->status == STATUS_SUSPENDED)
			{
				change_suspension(instance, delivery,
								  instance->turns > 0 ? STATUS_RUNNING : STATUS_PENDING);
				instance->needs_turn = has_missed_turn(instance);
			}
			break;
		case EVENT_EXECUTION_TERMINATED:
			deliver_terminated(engine, instance, delivery);
			break;
		case EVENT_EXECUTION_REWOUND:
			break;				/* asked for twice: it has gone on already */
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
	if (delivery->type != EVENT_TIMER_FIRED && delivery->type != EVENT_EVENT_RAISED)
		instance->tasks_completed++;	/* progress counts work, not waits */
	if (instance->awaited != NULL)
		pgdf_await_deliver(instance->awaited, delivery->task_id, is_failure);
	MemoryContextSwitchTo(caller);
}

/* For whoever reads the history; a replay does not see it. */
static void
add_note(Instance *instance, const Delivery *delivery)
{
	MemoryContext caller = MemoryContextSwitchTo(instance->context);
	Event	   *event = pgdf_instance_add_event(instance, delivery->type, delivery->time);

	event->name = copy_text(delivery->name);
	event->payload = copy_text(delivery->payload);
	event->failure = copy_text(delivery->failure);
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

static bool
is_runaway(const Delivery *delivery)
{
	return delivery->name != NULL &&
		strcmp(text_to_cstring(delivery->name), PGDF_RUNAWAY_NAME) == 0;
}

/*
 * The turn was rolled back with its backend, and so was the delivery of what
 * brought it on: that comes again with this row, and this row comes again with the
 * next, until a turn commits or it is enough.
 */
static void
note_runaway(Engine *engine, Instance *instance)
{
	const Registration *registration;

	instance->turn_failures++;
	instance->is_dirty = true;
	if (instance->turn_failures < RUNAWAYS_MAX)
		return;
	pgdf_instance_block(instance, "its code does not end when it is cancelled: the backend had to be terminated");
	registration = pgdf_engine_registration(engine, instance->name, instance->version);
	instance->blocked_hash = registration ? pgdf_registry_current_hash(registration) : "";
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

	if (instance->next_event_id == 1)	/* before its scheduled start */
		pgdf_instance_add_event(instance, EVENT_EXECUTION_STARTED,
								delivery->time)->name = cstring_to_text(instance->name);
	pgdf_instance_add_event(instance, delivery->type, delivery->time)->payload =
		copy_text(delivery->payload);
	pgdf_instance_set_status(instance, status);
	MemoryContextSwitchTo(caller);
}

/* Was a turn due that waits for nothing, while it was suspended?  One that is due later has a timer. */
static bool
has_missed_turn(const Instance *instance)
{
	Datum		key = Int64GetDatum(instance->key);

	return instance->awaited == NULL && pgdf_spi_execute(&turn_timer_statement, &key, NULL) == 0;
}

static void
deliver_terminated(Engine *engine, Instance *instance, const Delivery *delivery)
{
	text	   *reason = NULL;
	bool		is_recursive = true;

	if (delivery->payload != NULL)
	{
		char	   *text_reason = pgdf_json_get_string(delivery->payload, "reason");

		if (text_reason != NULL)
		{
			StringInfoData json;

			initStringInfo(&json);
			escape_json(&json, text_reason);
			reason = cstring_to_text_with_len(json.data, json.len);
		}
		is_recursive = !pgdf_json_is_false(delivery->payload, "recursive");
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

bool
pgdf_delivery_is_replacement(const Delivery *delivery)
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

	/* the old run's rows go at once, and this call waits for nobody */
	if (!pgdf_instance_hold_all_tasks(engine, instance))
	{
		pgdf_delivery_insert(instance->key, delivery);	/* for a later call */
		instance->is_postponed = true;
		engine->sent++;
		return;
	}
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

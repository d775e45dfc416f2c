/*
 * child_retry.c
 *		A failed sub-orchestration is started again, as its retry policy says.
 *
 * The policy and the count of attempts are in the child's own row, and the time
 * until the next attempt is a timer of the child's: the parent has no timers in
 * its history and takes no turn.  Each attempt is an execution of the same
 * instance, under the same id; the history of the failed ones stays, and the
 * parent's has an event for each.
 *
 * A child is tried again only as long as its parent is live, in the execution that
 * started it: after that nobody waits for it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "child_retry.h"
#include "instance.h"
#include "retry.h"
#include "spi.h"

/* Name of the event in the parent's history. */
#define RETRIED_NAME	"SubOrchestrationRetried"

/* Where the retries of a child stand. */
typedef struct ChildAttempts
{
	text	   *retry;
	int			attempts;		/* that have failed, with this one */
	int			execution;		/* with which this attempt began */
	TimestampTz started_at;		/* the first attempt */
} ChildAttempts;

static PgdfStatement policy_statement = {
	"UPDATE df.instance_state SET retry = $2 WHERE instance_key = $1",
	2, {INT8OID, JSONOID}
};

static PgdfStatement has_policy_statement = {
	"SELECT FROM df.instance_state WHERE instance_key = $1 AND retry IS NOT NULL",
	1, {INT8OID}
};

static PgdfStatement forget_statement = {
	"UPDATE df.instance_state SET attempts = 0 WHERE instance_key = $1 AND attempts > 0",
	1, {INT8OID}
};

static PgdfStatement attempts_statement = {
	"SELECT s.retry, s.attempts, s.attempt_execution, s.created_at"
	"  FROM df.instance_state s"
	" CROSS JOIN LATERAL (SELECT FROM df.instance_state"
	"                      WHERE instance_key = s.parent_instance_key"
	"                        AND execution = s.parent_execution AND completed_at IS NULL"
	"                     OFFSET 0) p"
	" WHERE s.instance_key = $1 AND s.retry IS NOT NULL",
	1, {INT8OID}
};

static PgdfStatement next_attempt_statement = {
	"UPDATE df.instance_state"
	"   SET attempts = least($2, 32767)::smallint, attempt_execution = $3, scheduled_start_at = $4"
	" WHERE instance_key = $1",
	4, {INT8OID, INT4OID, INT4OID, TIMESTAMPTZOID}
};

/* What it was started with, when it has continued as new since. */
static PgdfStatement input_statement = {
	"SELECT payload FROM df.history"
	" WHERE instance_key = $1 AND execution = $2 AND event_type = 7 AND task_id = $3"
	" ORDER BY event_id DESC LIMIT 1",
	3, {INT8OID, INT4OID, INT4OID}
};

static bool has_columns(void);
static bool load_attempts(Engine *engine, const Instance *instance, ChildAttempts *child);
static bool may_retry(const ChildAttempts *child, text *failure, TimestampTz now, int64 *delay_ms);
static void restore_input(Instance *instance);
static void begin_attempt(Engine *engine, Instance *instance, const ChildAttempts *child, int64 delay_ms);
static void tell_parent(Engine *engine, const Instance *instance, const ChildAttempts *child,
						text *failure, TimestampTz next_at);

void
pgdf_child_note_policy(int64 instance_key, text *retry)
{
	Datum		values[2] = {Int64GetDatum(instance_key), PointerGetDatum(retry)};

	pgdf_spi_execute(&policy_statement, values, NULL);
}

bool
pgdf_child_has_policy(const Instance *instance)
{
	Datum		key = Int64GetDatum(instance->key);

	return instance->parent_key != 0 && has_columns() &&
		pgdf_spi_execute(&has_policy_statement, &key, NULL) > 0;
}

void
pgdf_child_forget_attempts(int64 instance_key)
{
	Datum		key = Int64GetDatum(instance_key);

	if (has_columns())
		pgdf_spi_execute(&forget_statement, &key, NULL);
}

bool
pgdf_child_retry(Engine *engine, Instance *instance, text *failure)
{
	ChildAttempts child;
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext caller;
	int64		delay_ms;

	if (instance->parent_key == 0 || !has_columns() || !load_attempts(engine, instance, &child) ||
		!may_retry(&child, failure, now, &delay_ms))
		return false;

	caller = MemoryContextSwitchTo(instance->context);
	tell_parent(engine, instance, &child, failure, TimestampTzPlusMilliseconds(now, delay_ms));
	pgdf_instance_set_status(instance, STATUS_FAILED);
	pgdf_instance_set_status(instance, STATUS_PENDING);
	pgdf_events_write(instance->events);	/* those of the failed execution stay */
	if (instance->execution != child.execution)
		restore_input(instance);
	pgdf_instance_next_execution(instance);
	begin_attempt(engine, instance, &child, delay_ms);
	MemoryContextSwitchTo(caller);
	return true;
}

/* A database that was not updated to 1.1 does not have them. */
static bool
has_columns(void)
{
	Oid			relation = get_relname_relid("instance_state", get_namespace_oid("df", false));

	return get_attnum(relation, "attempt_execution") != InvalidAttrNumber;
}

/* False when it has no policy, or nobody waits for it any more. */
static bool
load_attempts(Engine *engine, const Instance *instance, ChildAttempts *child)
{
	const Instance *parent = pgdf_engine_find(engine, instance->parent_key);
	Datum		key = Int64GetDatum(instance->key);
	bool		isnull;

	/* what this call has made of the parent is not in its row yet */
	if (parent != NULL && (parent->is_deleted || pgdf_status_is_final(parent->status) ||
						   parent->execution != instance->parent_execution))
		return false;
	if (pgdf_spi_execute(&attempts_statement, &key, NULL) == 0)
		return false;
	child->retry = pgdf_spi_text(0, 1, instance->context);
	child->attempts = pgdf_spi_int16(0, 2) + 1;
	child->execution = pgdf_spi_int32(0, 3);
	child->started_at = DatumGetTimestampTz(pgdf_spi_datum(0, 4, &isnull));
	return true;
}

static bool
may_retry(const ChildAttempts *child, text *failure, TimestampTz now, int64 *delay_ms)
{
	RetryPolicy policy;
	Failure		parts;

	if (!pgdf_retry_parse(child->retry, &policy))
		return false;
	pgdf_failure_from_json(failure, &parts);
	return pgdf_retry_next(&policy, child->attempts, (now - child->started_at) / 1000,
						   parts.error_type, parts.is_non_retriable, delay_ms);
}

static void
restore_input(Instance *instance)
{
	Datum		values[3] = {
		Int64GetDatum(instance->parent_key), Int32GetDatum(instance->parent_execution),
		Int32GetDatum(instance->parent_task_id)
	};

	if (pgdf_spi_execute(&input_statement, values, NULL) == 0)
		return;
	instance->input = (struct varlena *) pgdf_spi_text(0, 1, instance->context);
	instance->is_input_dirty = true;
}

/* Now, or by a timer that runs the first turn. */
static void
begin_attempt(Engine *engine, Instance *instance, const ChildAttempts *child, int64 delay_ms)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[4];
	bool		nulls[4] = {false, false, false, delay_ms == 0};

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int32GetDatum(child->attempts);
	values[2] = Int32GetDatum(instance->execution);
	values[3] = TimestampTzGetDatum(TimestampTzPlusMilliseconds(now, delay_ms));
	pgdf_spi_execute(&next_attempt_statement, values, nulls);

	if (delay_ms > 0)
	{
		TimerRow   *timer = palloc(sizeof(TimerRow));

		timer->task_id = 0;
		timer->fire_at = DatumGetTimestampTz(values[3]);
		instance->new_timers = lappend(instance->new_timers, timer);
		instance->is_dirty = true;
		return;
	}
	pgdf_instance_add_event(instance, EVENT_EXECUTION_STARTED, now)->name =
		cstring_to_text(instance->name);
	instance->needs_turn = true;
	pgdf_instance_check_ready(engine, instance);
}

/* An event without a task: a replay does not see it. */
static void
tell_parent(Engine *engine, const Instance *instance, const ChildAttempts *child,
			text *failure, TimestampTz next_at)
{
	Delivery	delivery = {.type = EVENT_GENERIC,.execution = instance->parent_execution,
	.time = engine->now,.failure = failure};
	StringInfoData json;
	char		time[MAXDATELEN + 1];
	int			utc = 0;

	JsonEncodeDateTime(time, TimestampTzGetDatum(next_at), TIMESTAMPTZOID, &utc);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"taskId\": %d, \"attempt\": %d, \"nextAttemptAt\": \"%s\", \"instanceId\": ",
					 instance->parent_task_id, child->attempts, time);
	escape_json(&json, instance->instance_id);
	appendStringInfoChar(&json, '}');
	delivery.name = cstring_to_text(RETRIED_NAME);
	delivery.payload = cstring_to_text_with_len(json.data, json.len);
	pgdf_engine_deliver(engine, instance->parent_key, &delivery);
}

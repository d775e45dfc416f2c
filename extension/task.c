/*
 * task.c
 *		Rows of df.tasks: what happens to one when an attempt has ended.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "call_http.h"
#include "engine.h"
#include "failure.h"
#include "limit.h"
#include "payload.h"
#include "retry.h"
#include "spi.h"
#include "task.h"

#define RETRY_AFTER_MAX_SECONDS	(30.0 * SECS_PER_DAY)

/* Nothing is postponed for longer at a time. */
#define POSTPONE_MAX_MS			(30.0 * SECS_PER_DAY * 1000)

static PgdfStatement delete_statement = {
	"DELETE FROM df.tasks WHERE instance_key = $1 AND task_id = $2",
	2, {INT8OID, INT4OID}
};

/* Rows that this transaction has locked, by their places. */
static PgdfStatement delete_locked_statement = {
	"DELETE FROM df.tasks WHERE ctid = ANY ($1)",
	1, {TIDARRAYOID}
};

static PgdfStatement update_statement = {
	"UPDATE df.tasks"
	"   SET state = $3, visible_at = $4, attempts = least($5, 32767)::smallint, last_failure = $6,"
	"       fence = NULL, worker_key = NULL, claimed_at = NULL, is_started = false, deliveries = 0,"
	"       resume_state = NULL"
	" WHERE instance_key = $1 AND task_id = $2",
	6, {INT8OID, INT4OID, INT2OID, TIMESTAMPTZOID, INT4OID, JSONOID}
};

/* What was counted for this delivery is counted when the attempt ends. */
static PgdfStatement postpone_statement = {
	"UPDATE df.tasks"
	"   SET state = 2, visible_at = $3, resume_state = $4,"
	"       attempts = CASE WHEN is_started THEN attempts - 1 ELSE attempts END,"
	"       fence = NULL, worker_key = NULL, claimed_at = NULL, is_started = false, deliveries = 0"
	" WHERE instance_key = $1 AND task_id = $2",
	4, {INT8OID, INT4OID, TIMESTAMPTZOID, JSONOID}
};

static PgdfStatement transient_statement = {
	"UPDATE df.tasks"
	"   SET state = CASE WHEN deliveries >= $5 THEN 4 ELSE 2 END,"
	"       visible_at = CASE WHEN deliveries < $5 THEN $4 + least(60, 2 ^ least(deliveries, 6)) * interval '1 second' END,"
	"       fence = NULL, worker_key = NULL, claimed_at = NULL, is_started = false, last_failure = $3"
	" WHERE instance_key = $1 AND task_id = $2",
	5, {INT8OID, INT4OID, JSONOID, TIMESTAMPTZOID, INT4OID}
};

static PgdfStatement requeue_statement = {
	"UPDATE df.tasks"
	"   SET state = 0, lane = coalesce($3, lane),"
	"       attempts = CASE WHEN at_most_once AND is_started THEN attempts - 1 ELSE attempts END,"
	"       fence = NULL, worker_key = NULL, claimed_at = NULL, is_started = false,"
	"       deliveries = greatest(0, deliveries - 1)"
	" WHERE instance_key = $1 AND task_id = $2",
	3, {INT8OID, INT4OID, TEXTOID}
};

static void record_delivery(int64 instance_key, int task_id, text *failure, TimestampTz now, int max_deliveries);
static int64 retry_after_ms(text *properties);

text *
pgdf_task_lane(const Registration *registration, const char *name)
{
	if (registration != NULL && registration->kind == KIND_SQL)
		return pgdf_limit_is_set(name) ? pgdf_limit_lane(name) : cstring_to_text(PGDF_LANE_SQL);
	if (registration != NULL && registration->kind == KIND_HTTP)
		return pgdf_limit_is_set(name) ? pgdf_limit_http_lane(name) : cstring_to_text(PGDF_HTTP_ACTIVITY);
	return cstring_to_text(pgdf_name_key(name));
}

bool
pgdf_task_may_retry(const TaskAttempt *attempt, text *failure, TimestampTz now,
					TimestampTz *visible_at)
{
	RetryPolicy policy;
	Failure		parts;
	int64		delay_ms;
	int64		elapsed_ms = (now - attempt->scheduled_at) / 1000;

	if (attempt->retry == NULL || !pgdf_retry_parse(attempt->retry, &policy))
		return false;
	pgdf_failure_from_json(failure, &parts);
	if (!pgdf_retry_next(&policy, attempt->attempts, elapsed_ms, parts.error_type,
						 parts.is_non_retriable, &delay_ms))
		return false;
	delay_ms = Max(delay_ms, retry_after_ms(parts.properties));
	if (policy.retry_timeout_ms >= 0 && elapsed_ms + delay_ms > policy.retry_timeout_ms)
		return false;
	*visible_at = now + delay_ms * 1000;
	return true;
}

void
pgdf_task_delete(int64 instance_key, int task_id)
{
	Datum		values[2] = {Int64GetDatum(instance_key), Int32GetDatum(task_id)};

	pgdf_spi_execute(&delete_statement, values, NULL);
}

void
pgdf_tasks_delete(const ColumnArray *rows)
{
	Datum		value;

	if (rows->count == 0)
		return;
	value = pgdf_column_array(rows, TIDARRAYOID);
	pgdf_spi_execute(&delete_locked_statement, &value, NULL);
}

bool
pgdf_task_record_failure(const TaskAttempt *attempt, text *failure, TimestampTz now)
{
	TimestampTz visible_at = now;
	bool		is_retried = pgdf_task_may_retry(attempt, failure, now, &visible_at);
	TaskState	state = !is_retried ? TASK_FAILED : visible_at > now ? TASK_DELAYED : TASK_QUEUED;
	Datum		values[6];
	bool		nulls[6] = {0};

	values[0] = Int64GetDatum(attempt->instance_key);
	values[1] = Int32GetDatum(attempt->task_id);
	values[2] = Int16GetDatum((int16) state);
	values[3] = TimestampTzGetDatum(visible_at);
	nulls[3] = state != TASK_DELAYED;
	values[4] = Int32GetDatum(attempt->attempts);
	values[5] = PointerGetDatum(failure);
	pgdf_spi_execute(&update_statement, values, nulls);
	return is_retried;
}

void
pgdf_task_record_transient(int64 instance_key, int task_id, text *failure, TimestampTz now)
{
	record_delivery(instance_key, task_id, failure, now, pgdf_max_deliveries);
}

void
pgdf_task_set_aside(int64 instance_key, int task_id, TimestampTz now)
{
	Failure		failure = {.error_type = "XX001",
		.message = "the event in history that scheduled it is missing",.is_non_retriable = true};

	record_delivery(instance_key, task_id, pgdf_failure_to_json(&failure), now, 0);
}

static void
record_delivery(int64 instance_key, int task_id, text *failure, TimestampTz now, int max_deliveries)
{
	Datum		values[5];

	values[0] = Int64GetDatum(instance_key);
	values[1] = Int32GetDatum(task_id);
	values[2] = PointerGetDatum(failure);
	values[3] = TimestampTzGetDatum(now);
	values[4] = Int32GetDatum(max_deliveries);
	pgdf_spi_execute(&transient_statement, values, NULL);
}

bool
pgdf_postponement_read(text *payload, text **state, int64 *delay_ms)
{
	const char *reason;
	Jsonb	   *object;
	JsonbValue	buffer;
	JsonbValue *member;
	double		delay;

	if (payload == NULL || !pgdf_payload_is_valid(payload, &reason))
		return false;
	object = pgdf_payload_to_jsonb(payload);
	if (!JB_ROOT_IS_OBJECT(object))
		return false;
	member = getKeyJsonValueFromContainer(&object->root, "delay_ms", strlen("delay_ms"), &buffer);
	if (member == NULL || member->type != jbvNumeric)
		return false;
	delay = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											   NumericGetDatum(member->val.numeric)));
	member = getKeyJsonValueFromContainer(&object->root, "state", strlen("state"), &buffer);
	if (member == NULL || member->type == jbvNull)
		return false;
	*state = pgdf_payload_from_jsonb(JsonbValueToJsonb(member));
	*delay_ms = (int64) Min(Max(delay, 0), POSTPONE_MAX_MS);
	return true;
}

text *
pgdf_postponement_invalid(void)
{
	Failure		failure = {.error_type = "InvalidResult",
		.message = "activity was postponed without valid details",.is_non_retriable = true};

	return pgdf_failure_to_json(&failure);
}

void
pgdf_task_postpone(int64 instance_key, int task_id, TimestampTz visible_at, text *state)
{
	Datum		values[4];

	values[0] = Int64GetDatum(instance_key);
	values[1] = Int32GetDatum(task_id);
	values[2] = TimestampTzGetDatum(visible_at);
	values[3] = PointerGetDatum(state);
	pgdf_spi_execute(&postpone_statement, values, NULL);
}

void
pgdf_task_requeue(int64 instance_key, int task_id, const char *lane)
{
	Datum		values[3] = {Int64GetDatum(instance_key), Int32GetDatum(task_id), (Datum) 0};
	bool		nulls[3] = {false, false, lane == NULL};

	if (lane != NULL)
		values[2] = CStringGetTextDatum(lane);
	pgdf_spi_execute(&requeue_statement, values, nulls);
}

/* What failed may know better: properties.retry_after, in seconds. */
static int64
retry_after_ms(text *properties)
{
	Jsonb	   *object;
	JsonbValue	buffer;
	JsonbValue *member;
	double		seconds;

	if (properties == NULL)
		return 0;
	object = pgdf_payload_to_jsonb(properties);
	if (!JB_ROOT_IS_OBJECT(object))
		return 0;
	member = getKeyJsonValueFromContainer(&object->root, "retry_after", strlen("retry_after"), &buffer);
	if (member == NULL || member->type != jbvNumeric)
		return 0;
	seconds = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(member->val.numeric)));
	return (int64) (Min(Max(seconds, 0), RETRY_AFTER_MAX_SECONDS) * 1000);
}

/*
 * task.c
 *		Rows of df.tasks: what happens to one when an attempt has ended.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "engine.h"
#include "failure.h"
#include "retry.h"
#include "spi.h"
#include "task.h"

static PgdfStatement delete_statement = {
	"DELETE FROM df.tasks WHERE instance_key = $1 AND task_id = $2",
	2, {INT8OID, INT4OID}
};

static PgdfStatement update_statement = {
	"UPDATE df.tasks"
	"   SET state = $3, visible_at = $4, attempts = least($5, 32767)::smallint, last_failure = $6,"
	"       fence = NULL, worker_key = NULL, claimed_at = NULL, is_started = false, deliveries = 0"
	" WHERE instance_key = $1 AND task_id = $2",
	6, {INT8OID, INT4OID, INT2OID, TIMESTAMPTZOID, INT4OID, JSONOID}
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

text *
pgdf_lane_of(const char *name)
{
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
	*visible_at = now + delay_ms * 1000;
	return true;
}

void
pgdf_task_delete(int64 instance_key, int task_id)
{
	Datum		values[2] = {Int64GetDatum(instance_key), Int32GetDatum(task_id)};

	pgdf_spi_execute(&delete_statement, values, NULL);
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
	Datum		values[5];

	values[0] = Int64GetDatum(instance_key);
	values[1] = Int32GetDatum(task_id);
	values[2] = PointerGetDatum(failure);
	values[3] = TimestampTzGetDatum(now);
	values[4] = Int32GetDatum(pgdf_max_deliveries);
	pgdf_spi_execute(&transient_statement, values, NULL);
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

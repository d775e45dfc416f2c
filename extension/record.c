/*
 * record.c
 *		The first part of an engine call: outcomes that a worker reports.
 *
 * The fence decides, and nothing else.  A result whose fence is void is dropped
 * and counted; one whose row is locked by somebody goes back to the worker, who
 * sends it again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "failure.h"
#include "fault.h"
#include "limit.h"
#include "map.h"
#include "payload.h"
#include "probe.h"
#include "record.h"
#include "scan.h"
#include "spi.h"
#include "task.h"
#include "user_code.h"

/* What is looked at in a reported task's row; in the order of enum TaskColumn. */
static const char *const task_names[] = {
	"execution", "attempts", "is_started", "retry", "scheduled_at", "name", "state", "fence", "lane"
};

typedef enum TaskColumn
{
	TASK_COLUMN_EXECUTION, TASK_COLUMN_ATTEMPTS, TASK_COLUMN_IS_STARTED, TASK_COLUMN_RETRY,
	TASK_COLUMN_SCHEDULED_AT, TASK_COLUMN_NAME, TASK_COLUMN_STATE, TASK_COLUMN_FENCE, TASK_COLUMN_LANE
} TaskColumn;

StaticAssertDecl(lengthof(task_names) == TASK_COLUMN_LANE + 1, "one name for each column");

static ScanColumns task_columns = {task_names, lengthof(task_names)};

static PgdfStatement exists_statement = {
	"SELECT FROM df.tasks WHERE instance_key = $1 AND task_id = $2 AND fence = $3",
	3, {INT8OID, INT4OID, INT8OID}
};

static PgdfStatement started_statement = {
	"UPDATE df.tasks SET is_started = true, attempts = least(attempts + 1, 32767)::smallint"
	" WHERE instance_key = $1 AND task_id = $2 AND NOT is_started AND resume_state IS NULL",
	2, {INT8OID, INT4OID}
};

/* The newest progress only; an outcome in the same call has taken the fence away already. */
static PgdfStatement progress_statement = {
	"UPDATE df.tasks SET progress = $4"
	" WHERE instance_key = $1 AND task_id = $2 AND fence = $3",
	4, {INT8OID, INT4OID, INT8OID, JSONOID}
};

static PgdfStatement fenced_statement = {
	"UPDATE df.worker_sessions SET fenced = fenced + $2"
	" WHERE worker_key = (SELECT worker_key FROM df.worker_sessions"
	"                      WHERE worker_key = $1 FOR UPDATE SKIP LOCKED)",
	2, {INT8OID, INT4OID}
};

static bool is_end(const Report *report);
static Report *parse_reports(ArrayType *instances, ArrayType *tasks, ArrayType *fences,
							 text *outcomes, ArrayType *payloads, int *nreports);
static void choose_owner(Engine *engine, const Report *reports, int nreports);
static void lock_tasks(TableScan *tasks, Report *reports, int nreports);
static void note_task(Report *report, const TableScan *tasks);
static Datum task_value(const TableScan *tasks, TaskColumn column);
static bool is_sql_lane(const char *lane);
static void refuse_repeats(Report *reports, int nreports);
static void lock_instances(Engine *engine, const Report *reports, int nreports);
static void delete_completed(const TableScan *tasks, Report *reports, int nreports);
static void settle(WorkCall *call, Report *report);
static void note_progress(const Report *report);
static void complete(Engine *engine, Report *report);
static void postpone(Engine *engine, Report *report);
static void fail(Engine *engine, Report *report, text *failure);

void
pgdf_record(WorkCall *call, ArrayType *instances, ArrayType *tasks,
			ArrayType *fences, text *outcomes, ArrayType *payloads)
{
	Engine	   *engine = call->engine;
	int			n;
	Report	   *reports = parse_reports(instances, tasks, fences, outcomes, payloads, &n);
	TableScan  *rows;
	HTAB	   *chunks;

	if (n == 0)
		return;
	choose_owner(engine, reports, n);
	rows = pgdf_scan_begin("tasks", "tasks_pkey", 2, RowExclusiveLock, NULL);
	lock_tasks(rows, reports, n);
	refuse_repeats(reports, n);
	chunks = pgdf_map_lock_reported(reports, n);
	lock_instances(engine, reports, n);
	PGDF_FAULT(record_locked);
	delete_completed(rows, reports, n);
	pgdf_scan_end(rows);
	for (int i = 0; i < n; i++)
	{
		if (!pgdf_task_is_chunk(reports[i].task_id))
			settle(call, &reports[i]);
	PGDF_FAULT(recorded);
	}
	pgdf_map_record(call, chunks, reports, n);

	if (engine->fenced > 0)
	{
		Datum		values[2] = {Int64GetDatum(engine->worker_key), Int32GetDatum(engine->fenced)};

		pgdf_spi_execute(&fenced_statement, values, NULL);
	}
}

static Report *
parse_reports(ArrayType *instances, ArrayType *tasks, ArrayType *fences,
			  text *outcomes, ArrayType *payloads, int *nreports)
{
	Datum	   *values[4];
	bool	   *nulls[4];
	int			counts[4];
	Report	   *reports;
	int			n;

	deconstruct_array(instances, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values[0], &nulls[0], &counts[0]);
	deconstruct_array(tasks, INT4OID, 4, true, TYPALIGN_INT, &values[1], &nulls[1], &counts[1]);
	deconstruct_array(fences, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &values[2], &nulls[2], &counts[2]);
	deconstruct_array(payloads, TEXTOID, -1, false, TYPALIGN_INT,
					  &values[3], &nulls[3], &counts[3]);
	n = counts[0];
	if (counts[1] != n || counts[2] != n || counts[3] != n ||
		(int) VARSIZE_ANY_EXHDR(outcomes) != n ||
		array_contains_nulls(instances) || array_contains_nulls(tasks) ||
		array_contains_nulls(fences))
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays of finished tasks differ in length or contain nulls")));

	reports = palloc0(Max(1, n) * sizeof(Report));
	for (int i = 0; i < n; i++)
	{
		reports[i].instance_key = DatumGetInt64(values[0][i]);
		reports[i].task_id = DatumGetInt32(values[1][i]);
		reports[i].fence = DatumGetInt64(values[2][i]);
		reports[i].outcome = VARDATA_ANY(outcomes)[i];
		reports[i].payload = nulls[3][i] ? NULL : DatumGetTextPP(values[3][i]);
		if (strchr("cfrshp", reports[i].outcome) == NULL || reports[i].outcome == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid outcome \"%c\"", reports[i].outcome),
					 errhint("Outcomes are c, f, r, s, h and p.")));
	}
	*nreports = n;
	return reports;
}

/* Is its task not the worker's any more, when this is recorded? */
static bool
is_end(const Report *report)
{
	return report->outcome != 's' && report->outcome != 'h';
}

/*
 * The owner of the first reported instance that exists: the rest goes through the
 * inbox.  All of it does when the call before this one left another owner's work:
 * then the inbox says whose turn it is.
 */
static void
choose_owner(Engine *engine, const Report *reports, int nreports)
{
	if (pgdf_owners_wait)
		return;
	for (int i = 0; i < nreports && !OidIsValid(engine->owner); i++)
	{
		if (is_end(&reports[i]))
			engine->owner = pgdf_probe_oid("instance_state", "instance_state_pkey",
										   reports[i].instance_key, "owner");
	}
	if (OidIsValid(engine->owner))
		pgdf_session_reset(engine->owner);
}

static void
lock_tasks(TableScan *tasks, Report *reports, int nreports)
{
	ScanKeyData keys[2];

	for (int i = 0; i < nreports; i++)
	{
		Report	   *report = &reports[i];

		if (pgdf_task_is_chunk(report->task_id))
			continue;
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(report->instance_key));
		ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(report->task_id));
		pgdf_scan_seek(tasks, keys, 2);
		if (pgdf_scan_next(tasks) && pgdf_scan_lock(tasks))
			note_task(report, tasks);
	}
}

/* Of the row that is locked now. */
static void
note_task(Report *report, const TableScan *tasks)
{
	const AttrNumber *numbers = pgdf_scan_columns(tasks, &task_columns);
	bool		is_claimed = DatumGetInt16(task_value(tasks, TASK_COLUMN_STATE)) == TASK_CLAIMED;
	bool		isnull;
	Datum		datum = slot_getattr(tasks->slot, numbers[TASK_COLUMN_FENCE], &isnull);
	bool		is_valid = is_claimed && !isnull && DatumGetInt64(datum) == report->fence;

	report->state = is_valid || PGDF_BROKEN(fence) ? REPORT_VALID : REPORT_FENCED;
	report->row = tasks->slot->tts_tid;
	report->attempt.instance_key = report->instance_key;
	report->attempt.task_id = report->task_id;
	report->attempt.execution = DatumGetInt32(task_value(tasks, TASK_COLUMN_EXECUTION));
	report->is_started = DatumGetBool(task_value(tasks, TASK_COLUMN_IS_STARTED));
	report->attempt.attempts = DatumGetInt16(task_value(tasks, TASK_COLUMN_ATTEMPTS)) +
		(report->is_started ? 0 : 1);
	datum = slot_getattr(tasks->slot, numbers[TASK_COLUMN_RETRY], &isnull);
	report->attempt.retry = isnull ? NULL : DatumGetTextPCopy(datum);
	report->attempt.scheduled_at = DatumGetTimestampTz(task_value(tasks, TASK_COLUMN_SCHEDULED_AT));
	report->name = TextDatumGetCString(task_value(tasks, TASK_COLUMN_NAME));
	report->is_sql = is_sql_lane(TextDatumGetCString(task_value(tasks, TASK_COLUMN_LANE)));
}

/* Of a column that is not null. */
static Datum
task_value(const TableScan *tasks, TaskColumn column)
{
	bool		isnull;
	Datum		value = slot_getattr(tasks->slot, pgdf_scan_columns(tasks, &task_columns)[column], &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %s", task_names[column]);
	return value;
}

static bool
is_sql_lane(const char *lane)
{
	return lane[0] == '*' && strncmp(lane, PGDF_LANE_LIMITED_HTTP, strlen(PGDF_LANE_LIMITED_HTTP)) != 0;
}

/* A task that is reported twice in one call has the first outcome. */
static void
refuse_repeats(Report *reports, int nreports)
{
	typedef struct TaskKey
	{
		int64		instance_key;
		int64		task_id;
	} TaskKey;
	HASHCTL		control = {.keysize = sizeof(TaskKey),.entrysize = sizeof(TaskKey)};
	HTAB	   *seen;

	if (nreports == 1)
		return;
	seen = hash_create("pgdf reports", nreports, &control, HASH_ELEM | HASH_BLOBS);
	for (int i = 0; i < nreports; i++)
	{
		TaskKey		key = {reports[i].instance_key, reports[i].task_id};
		bool		found;

		if (!is_end(&reports[i]) || reports[i].state != REPORT_VALID)
			continue;
		(void) hash_search(seen, &key, HASH_ENTER, &found);
		if (found)
			reports[i].state = REPORT_FENCED;
	}
	hash_destroy(seen);
}

/* Those that will get an event; a call that repeats one that failed leaves it to the inbox. */
static void
lock_instances(Engine *engine, const Report *reports, int nreports)
{
	int64	   *keys = palloc(nreports * sizeof(int64));
	int			n = 0;

	if (engine->is_careful)
		return;
	for (int i = 0; i < nreports; i++)
	{
		if (reports[i].state != REPORT_VALID ||
			(reports[i].outcome != 'c' && reports[i].outcome != 'f'))
			continue;
		if (n == 0 || keys[n - 1] != reports[i].instance_key)
			keys[n++] = reports[i].instance_key;
	}
	if (n > 0)
		pgdf_engine_lock(engine, keys, n);
}

/* These rows are locked: nobody has moved them. */
static void
delete_completed(const TableScan *tasks, Report *reports, int nreports)
{
	for (int i = 0; i < nreports; i++)
	{
		if (reports[i].state == REPORT_VALID && reports[i].outcome == 'c' &&
			!pgdf_task_is_chunk(reports[i].task_id))
			simple_table_tuple_delete(tasks->table, &reports[i].row, tasks->snapshot);
	}
	CommandCounterIncrement();
}

static void
settle(WorkCall *call, Report *report)
{
	Engine	   *engine = call->engine;
	Datum		values[2] = {Int64GetDatum(report->instance_key), Int32GetDatum(report->task_id)};

	if (report->state != REPORT_VALID)
	{
		pgdf_report_send_back(call, report);
		return;
	}
	if (report->outcome == 'h')
	{
		note_progress(report);	/* nothing else changes, and it need not survive a crash */
		return;
	}
	engine->recorded++;
	if (report->outcome != 's' && pgdf_limit_is_set(report->name))
		engine->tasks_queued++; /* a slot is free: others may want to know */
	switch (report->outcome)
	{
		case 'c':
			complete(engine, report);
			break;
		case 'f':
			fail(engine, report, report->payload);
			break;
		case 'r':
			pgdf_task_requeue(report->instance_key, report->task_id, NULL);
			engine->tasks_queued++;
			break;
		case 's':
			pgdf_spi_execute(&started_statement, values, NULL);
			break;
		case 'p':
			postpone(engine, report);
			break;
	}
}

/* Not recorded: void, or only out of reach for the moment. */
void
pgdf_report_send_back(WorkCall *call, const Report *report)
{
	bool		is_item = pgdf_task_is_chunk(report->task_id);
	Datum		values[3] = {
		Int64GetDatum(report->instance_key), Int32GetDatum(report->task_id),
		Int64GetDatum(is_item ? pgdf_chunk_fence(report->fence) : report->fence)
	};
	bool		is_locked = report->state == REPORT_UNSEEN &&
	pgdf_spi_execute(&exists_statement, values, NULL) > 0;
	WorkRow    *row = pgdf_work_add_row(call, is_locked ? 'R' : 'F');

	row->instance_key = report->instance_key;
	row->task_id = report->task_id;
	row->fence = report->fence;
	if (!is_locked && report->outcome != 'r' && report->outcome != 'h')
		call->engine->fenced++;
}

text *
pgdf_report_invalid_result(const char *name, text *result)
{
	Failure		failure = {.error_type = "InvalidResult",.is_non_retriable = true};
	const char *reason;

	if (pgdf_payload_is_valid(result, &reason))
		return NULL;
	failure.message = psprintf("result of activity \"%s\" cannot be stored: %s", name, reason);
	return pgdf_failure_to_json(&failure);
}

text *
pgdf_report_failure(text *failure)
{
	Failure		unknown = {.error_type = "Unknown",
	.message = "worker reported a failure without valid details"};
	const char *reason;

	if (failure != NULL && pgdf_payload_is_valid(failure, &reason) &&
		JB_ROOT_IS_OBJECT(pgdf_payload_to_jsonb(failure)))
		return failure;
	return pgdf_failure_to_json(&unknown);
}

/* What is not JSON is left out: a report of progress never changes what becomes of a task. */
static void
note_progress(const Report *report)
{
	const char *reason;
	Datum		values[4] = {
		Int64GetDatum(report->instance_key), Int32GetDatum(report->task_id),
		Int64GetDatum(report->fence), PointerGetDatum(report->payload)
	};

	if (report->payload != NULL && pgdf_payload_is_valid(report->payload, &reason))
		pgdf_spi_execute(&progress_statement, values, NULL);
}

static void
complete(Engine *engine, Report *report)
{
	Delivery	delivery = {0};

	delivery.type = EVENT_TASK_COMPLETED;
	delivery.execution = report->attempt.execution;
	delivery.task_id = report->task_id;
	delivery.time = engine->now;
	delivery.payload = report->payload ? report->payload : cstring_to_text("null");
	delivery.failure = pgdf_report_invalid_result(report->name, delivery.payload);
	if (delivery.failure != NULL)
	{
		delivery.type = EVENT_TASK_FAILED;
		delivery.payload = NULL;
	}
	if (PGDF_BROKEN(delivery))
		return;
	if (PGDF_BROKEN(repeat))
		pgdf_engine_deliver(engine, report->instance_key, &delivery);
	pgdf_engine_deliver(engine, report->instance_key, &delivery);
}

static void
postpone(Engine *engine, Report *report)
{
	text	   *state;
	int64		delay_ms;

	if (!report->is_sql && pgdf_postponement_read(report->payload, &state, &delay_ms))
		pgdf_task_postpone(report->instance_key, report->task_id, engine->now + delay_ms * 1000, state);
	else
		fail(engine, report, pgdf_postponement_invalid());
}

static void
fail(Engine *engine, Report *report, text *failure)
{
	Delivery	delivery = {0};

	failure = pgdf_report_failure(failure);
	if (report->is_sql)
	{
		Failure		parts;

		pgdf_failure_from_json(failure, &parts);
		if (pgdf_error_type_is_transient(parts.error_type))
		{
			pgdf_task_record_transient(report->instance_key, report->task_id, failure, engine->now);
			return;
		}
	}
	if (pgdf_task_record_failure(&report->attempt, failure, engine->now))
		return;
	delivery.type = EVENT_TASK_FAILED;
	delivery.execution = report->attempt.execution;
	delivery.task_id = report->task_id;
	delivery.time = engine->now;
	delivery.failure = failure;
	pgdf_engine_deliver(engine, report->instance_key, &delivery);
}

/*
 * sql_activity.c
 *		SQL activities: functions of this database, run as the instance's owner.
 *
 * Inside the engine call their effects, their completion and the next turn
 * commit together.  What does not fit into the budget is rolled back and goes to
 * the slow lane, where it has a transaction of its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "engine.h"
#include "failure.h"
#include "fault.h"
#include "identity.h"
#include "instance.h"
#include "lane.h"
#include "limit.h"
#include "map.h"
#include "payload.h"
#include "spi.h"
#include "sql_activity.h"
#include "task.h"
#include "user_code.h"
#include "wake.h"

/* A transaction with more subtransactions than its backend can show to others slows everybody. */
#define WRITING_SUBTRANSACTIONS_MAX	60

/* Queued SQL activities that are locked at a time. */
#define LANE_BATCH_MIN		60
#define LANE_BATCH_MAX		1000

/* A queued SQL activity that this call has locked. */
typedef struct LaneTask
{
	ItemPointerData row;
	TaskAttempt attempt;
	char	   *name;
	text	   *input;
	Oid			owner;
	bool		is_leftover;	/* its instance was final, or gone, before this call */
	bool		is_lost;		/* history does not have its input */
} LaneTask;

/* Whose a queued activity is. */
typedef struct TaskOwner
{
	int64		instance_key;	/* hash key */
	Oid			owner;			/* InvalidOid: the instance is gone */
	bool		is_final;
} TaskOwner;

static PgdfStatement lane_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid AS row, instance_key, task_id, execution, name, attempts, retry, scheduled_at,"
	"           scheduled_event"
	"      FROM df.tasks"
	"     WHERE state = 0 AND queue = $1 AND lane = '*sql'"
	"     ORDER BY priority DESC, seq"
	"     LIMIT $2"
	"       FOR UPDATE SKIP LOCKED)"
	" SELECT c.instance_key, c.task_id, c.execution, c.name, c.attempts, c.retry, c.scheduled_at,"
	"        h.payload, h.event_id IS NULL, c.row"
	"   FROM c"
	"   LEFT JOIN LATERAL (SELECT event_id, payload FROM df.history"
	"                       WHERE instance_key = c.instance_key AND execution = c.execution"
	"                         AND event_id = c.scheduled_event OFFSET 0) h ON true",
	2, {TEXTOID, INT4OID}
};

/* Asked once for all tasks of an instance. */
static PgdfStatement owners_statement = {
	"SELECT instance_key, owner::oid, completed_at IS NOT NULL"
	"  FROM df.instance_state WHERE instance_key = ANY ($1)",
	1, {INT8ARRAYOID}
};

/* With a budget of 0 nothing of it runs inside an engine call. */
static PgdfStatement slow_down_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.tasks"
	"     WHERE state = 0 AND queue = $1 AND lane = '*sql'"
	"     LIMIT 1000 FOR UPDATE SKIP LOCKED)"
	" UPDATE df.tasks SET lane = '*slow' WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))",
	1, {TEXTOID}
};

static PgdfStatement deferrable_statement = {
	"SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgdeferrable)",
	0, {0}
};

static PgdfStatement slow_task_statement = {
	"SELECT t.execution, t.name, t.attempts, t.retry, t.scheduled_at, t.timeout, t.is_started,"
	"       h.payload, s.owner::oid"
	"  FROM df.tasks t"
	"  JOIN df.instance_state s ON s.instance_key = t.instance_key"
	"  JOIN df.history h ON h.instance_key = t.instance_key AND h.execution = t.execution"
	"                   AND h.event_id = t.scheduled_event"
	" WHERE t.instance_key = $1 AND t.task_id = $2 AND t.fence = $3"
	"   AND left(t.lane, 1) = '*'",
	3, {INT8OID, INT4OID, INT8OID}
};

/* The right to complete it, held until commit. */
static PgdfStatement lock_slow_statement = {
	"SELECT FROM df.tasks WHERE instance_key = $1 AND task_id = $2 AND fence = $3 FOR UPDATE",
	3, {INT8OID, INT4OID, INT8OID}
};

PG_FUNCTION_INFO_V1(df_run_sql);

static void note_done(const LaneTask *task, ColumnArray *done);
static bool is_leftover(Engine *engine, const LaneTask *task);
static AttemptEnd run_attempt(UserCode *code, text **failure);
static bool has_deferrable(void);
static void settle_inline(Engine *engine, Instance *instance, InlineTask *task,
						  AttemptEnd end, text *result, text *failure);
static void settle_queued(Engine *engine, LaneTask *task, AttemptEnd end,
						  text *result, text *failure, ColumnArray *done);
static void run_lane(Engine *engine, const char *queue, int room);
static int	next_batch(const Engine *engine, TimestampTz started, int nrun);
static bool run_lane_tasks(Engine *engine, const List *tasks);
static List *lock_lane(Engine *engine, const char *queue, int limit);
static void find_owners(List *tasks);
static void deliver_outcome(Engine *engine, const TaskAttempt *attempt, text *result, text *failure);
static text *copy_json(text *json, MemoryContext context);

/* ------------------------------------------------- inside the engine call */

void
pgdf_sql_activities_run(Engine *engine, Instance *instance)
{
	List	   *tasks = instance->inline_tasks;
	ListCell   *cell;

	instance->inline_tasks = NIL;
	foreach(cell, tasks)
	{
		InlineTask *task = lfirst(cell);
		text	   *result = NULL;
		text	   *failure = NULL;
		AttemptEnd	end;

		if (!pgdf_sql_budget_is_left(engine))
		{
			TaskRow    *row = palloc(sizeof(TaskRow));

			*row = task->row;
			instance->new_tasks = lappend(instance->new_tasks, row);
			if (pgdf_inline_sql_budget == 0)
				row->lane = cstring_to_text(PGDF_LANE_SLOW);
			else
				engine->more = true;
			continue;
		}
		end = pgdf_sql_run_inline(engine, instance->key, instance->owner, task->registration,
								  task->input, &result, &failure);
		settle_inline(engine, instance, task, end, result, failure);
	}
}

void
pgdf_sql_lane_run(Engine *engine, int room)
{
	ListCell   *queue;

	foreach(queue, engine->queues)
	{
		if (pgdf_inline_sql_budget == 0)
		{
			Datum		name = CStringGetTextDatum(lfirst(queue));

			engine->tasks_queued += pgdf_spi_execute(&slow_down_statement, &name, NULL);
			continue;
		}
		if (!pgdf_sql_budget_is_left(engine))
			return;
		if (pgdf_lane_is_empty(lfirst(queue), PGDF_LANE_SQL))
			continue;
		run_lane(engine, lfirst(queue), room);
	}
}

static void
run_lane(Engine *engine, const char *queue, int room)
{
	TimestampTz started = GetCurrentTimestamp();
	int			limit = Min(room, LANE_BATCH_MIN);
	int			nrun = 0;
	bool		is_full;
	bool		is_done;

	do
	{
		List	   *tasks = lock_lane(engine, queue, limit);

		is_done = run_lane_tasks(engine, tasks);
		is_full = list_length(tasks) == limit;
		nrun += limit;
		limit = next_batch(engine, started, nrun);
	} while (is_done && is_full && !engine->is_careful && pgdf_sql_budget_is_left(engine));
}

/*
 * How many to lock next: as many as there is time for, going by those before.  Each
 * look at the lane passes the entries of all that this call has taken from it.
 */
static int
next_batch(const Engine *engine, TimestampTz started, int nrun)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		fitting = nrun * Max(engine->deadline - now, 0) / Max(now - started, 1);

	if (engine->writing_subtransactions > 0)
		fitting = Min(fitting, WRITING_SUBTRANSACTIONS_MAX - engine->writing_subtransactions);
	return (int) Max(1, Min(fitting, LANE_BATCH_MAX));
}

/* False when it has left some of them where they are. */
static bool
run_lane_tasks(Engine *engine, const List *tasks)
{
	bool		is_done = true;
	ColumnArray done;
	ListCell   *cell;

	pgdf_column_init(&done, list_length(tasks));
	done.count = 0;
	foreach(cell, tasks)
	{
		LaneTask   *task = lfirst(cell);
		const Registration *registration;
		text	   *result = NULL;
		text	   *failure = NULL;
		AttemptEnd	end;

		if (is_leftover(engine, task))
		{
			note_done(task, &done);
			continue;
		}
		if (task->is_lost)
		{
			pgdf_task_set_aside(task->attempt.instance_key, task->attempt.task_id, engine->now);
			continue;
		}
		if (!pgdf_sql_budget_is_left(engine) || task->owner != engine->owner)
		{
			if (task->owner != engine->owner)
				pgdf_lane_owner = task->owner;
			engine->more = true;
			is_done = false;
			continue;
		}
		engine->suspect = task->attempt.instance_key;
		registration = pgdf_engine_registration(engine, task->name, NULL);
		if (registration == NULL || registration->kind != KIND_SQL)
		{
			/* registered anew since it was scheduled: a worker's business now */
			pgdf_task_requeue(task->attempt.instance_key, task->attempt.task_id,
							  text_to_cstring(pgdf_task_lane(registration, task->name)));
			continue;
		}
		if (pgdf_limit_is_set(task->name))
		{
			pgdf_task_requeue(task->attempt.instance_key, task->attempt.task_id,
							  text_to_cstring(pgdf_limit_lane(task->name)));
			engine->tasks_queued++;
			continue;
		}
		pgdf_engine_lock(engine, &task->attempt.instance_key, 1);
		end = pgdf_sql_run_inline(engine, task->attempt.instance_key, task->owner, registration,
								  task->input, &result, &failure);
		settle_queued(engine, task, end, result, failure, &done);
	}
	pgdf_tasks_delete(&done);
	return is_done;
}

/* Its row is deleted with those of the others that have run. */
static void
note_done(const LaneTask *task, ColumnArray *done)
{
	pgdf_column_set(done, done->count++, PointerGetDatum(&task->row), false);
}

/* The row may say final of an instance that this call is rewinding. */
static bool
is_leftover(Engine *engine, const LaneTask *task)
{
	const Instance *instance = pgdf_engine_find(engine, task->attempt.instance_key);

	return instance != NULL ? pgdf_status_is_final(instance->status) : task->is_leftover;
}

bool
pgdf_sql_budget_is_left(const Engine *engine)
{
	return pgdf_inline_sql_budget > 0 && !engine->sql_is_exhausted &&
		engine->writing_subtransactions < WRITING_SUBTRANSACTIONS_MAX &&
		GetCurrentTimestamp() < engine->deadline;
}

static AttemptEnd
run_attempt(UserCode *code, text **failure)
{
	pgdf_in_sql_activity = true;
	PG_TRY();
	{
		pgdf_user_code_run(code);
	}
	PG_FINALLY();
	{
		pgdf_in_sql_activity = false;
	}
	PG_END_TRY();

	if (code->end == USER_CODE_RETURNED)
		return ATTEMPT_COMPLETED;
	if (code->end == USER_CODE_TIMED_OUT || pgdf_error_is_transient(code->error))
		return ATTEMPT_UNDECIDED;
	*failure = pgdf_failure_from_error(code->error, NULL);
	return ATTEMPT_FAILED;
}

AttemptEnd
pgdf_sql_run_inline(Engine *engine, int64 instance_key, Oid owner, const Registration *registration,
					text *input, text **result, text **failure)
{
	UserCode	code = {0};
	AttemptEnd	end;

	code.registration = registration;
	code.owner = owner;
	code.input = pgdf_payload_to_jsonb(input);
	code.budget_ms = pgdf_inline_sql_budget;
	code.is_inline = true;
	code.instance_key = instance_key;

	PGDF_FAULT(sql_begun);
	end = run_attempt(&code, failure);
	PGDF_FAULT(sql_run);
	*result = code.result;
	if (code.has_written)
		engine->writing_subtransactions++;
	engine->must_be_durable = true;

	/* SET CONSTRAINTS ALL IMMEDIATE stays in force: it must not meet another activity's constraints */
	if (end == ATTEMPT_COMPLETED && code.has_written && has_deferrable())
		engine->sql_is_exhausted = true;
	return end;
}

/* --- is there any deferrable constraint or trigger in this database? --- */

static bool deferrable_is_known = false;

static void
forget_deferrable(Datum arg, Oid relation)
{
	deferrable_is_known = false;
}

static bool
has_deferrable(void)
{
	static bool is_registered = false;
	static bool answer;
	bool		isnull;

	if (!is_registered)
	{
		CacheRegisterRelcacheCallback(forget_deferrable, (Datum) 0);
		is_registered = true;
	}
	if (!deferrable_is_known)
	{
		deferrable_is_known = true; /* before looking: an invalidation meanwhile counts */
		pgdf_spi_execute(&deferrable_statement, NULL, NULL);
		answer = DatumGetBool(pgdf_spi_datum(0, 1, &isnull));
	}
	return answer;
}

/* An activity that has no row yet. */
static void
settle_inline(Engine *engine, Instance *instance, InlineTask *task, AttemptEnd end,
			  text *result, text *failure)
{
	MemoryContext caller = MemoryContextSwitchTo(instance->context);
	TaskRow    *row = palloc(sizeof(TaskRow));
	TaskAttempt attempt = {
		.instance_key = instance->key,.task_id = task->row.task_id,
		.execution = instance->execution,.attempts = 1,
		.retry = task->row.retry,.scheduled_at = engine->now
	};

	*row = task->row;
	switch (end)
	{
		case ATTEMPT_COMPLETED:
			deliver_outcome(engine, &attempt, result, NULL);
			break;
		case ATTEMPT_UNDECIDED:
			row->lane = cstring_to_text(PGDF_LANE_SLOW);
			instance->new_tasks = lappend(instance->new_tasks, row);
			break;
		case ATTEMPT_FAILED:
			row->attempts = 1;
			row->last_failure = copy_json(failure, instance->context);
			row->has_visible_at = pgdf_task_may_retry(&attempt, failure, GetCurrentTimestamp(),
													  &row->visible_at);
			row->state = row->has_visible_at ? TASK_DELAYED : TASK_FAILED;
			instance->new_tasks = lappend(instance->new_tasks, row);
			if (row->state == TASK_FAILED)
				deliver_outcome(engine, &attempt, NULL, failure);
			break;
	}
	instance->is_dirty = true;
	MemoryContextSwitchTo(caller);
}

/* An activity whose row this call has locked. */
static void
settle_queued(Engine *engine, LaneTask *task, AttemptEnd end,
			  text *result, text *failure, ColumnArray *done)
{
	switch (end)
	{
		case ATTEMPT_COMPLETED:
			note_done(task, done);
			deliver_outcome(engine, &task->attempt, result, NULL);
			break;
		case ATTEMPT_UNDECIDED:
			pgdf_task_requeue(task->attempt.instance_key, task->attempt.task_id, PGDF_LANE_SLOW);
			break;
		case ATTEMPT_FAILED:
			task->attempt.attempts++;
			if (!pgdf_task_record_failure(&task->attempt, failure, GetCurrentTimestamp()))
				deliver_outcome(engine, &task->attempt, NULL, failure);
			break;
	}
}

static List *
lock_lane(Engine *engine, const char *queue, int limit)
{
	Datum		values[2] = {CStringGetTextDatum(queue), Int32GetDatum(limit)};
	uint64		n = pgdf_spi_execute(&lane_statement, values, NULL);
	List	   *tasks = NIL;
	ListCell   *cell;

	for (uint64 row = 0; row < n; row++)
	{
		LaneTask   *task = palloc0(sizeof(LaneTask));
		bool		isnull;

		task->attempt.instance_key = pgdf_spi_int64(row, 1);
		task->attempt.task_id = pgdf_spi_int32(row, 2);
		task->attempt.execution = pgdf_spi_int32(row, 3);
		task->name = pgdf_spi_cstring(row, 4);
		task->attempt.attempts = pgdf_spi_int16(row, 5);
		task->attempt.retry = pgdf_spi_text(row, 6, CurrentMemoryContext);
		task->attempt.scheduled_at = DatumGetTimestampTz(pgdf_spi_datum(row, 7, &isnull));
		task->input = pgdf_spi_text(row, 8, CurrentMemoryContext);
		task->is_lost = DatumGetBool(pgdf_spi_datum(row, 9, &isnull));
		task->row = *(ItemPointer) DatumGetPointer(pgdf_spi_datum(row, 10, &isnull));
		tasks = lappend(tasks, task);
	}
	find_owners(tasks);
	foreach(cell, tasks)
	{
		LaneTask   *task = lfirst(cell);

		if (OidIsValid(engine->owner))
			break;
		if (task->is_leftover || task->is_lost)
			continue;
		engine->owner = task->owner;
		pgdf_session_reset(engine->owner);
	}
	if (n == (uint64) limit)
		engine->more = true;
	return tasks;
}

static void
find_owners(List *tasks)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(TaskOwner),
	.hcxt = CurrentMemoryContext};
	HTAB	   *owners;
	ColumnArray column;
	Datum		value;
	ListCell   *cell;
	bool		isnull;

	if (tasks == NIL)
		return;
	owners = hash_create("pgdf task owners", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	pgdf_column_init(&column, list_length(tasks));
	column.count = 0;
	foreach(cell, tasks)
	{
		const LaneTask *task = lfirst(cell);
		bool		found;
		TaskOwner  *owner = hash_search(owners, &task->attempt.instance_key, HASH_ENTER, &found);

		if (found)
			continue;
		owner->owner = InvalidOid;
		pgdf_column_set(&column, column.count++, Int64GetDatum(owner->instance_key), false);
	}
	value = pgdf_column_array(&column, INT8ARRAYOID);
	pgdf_spi_execute(&owners_statement, &value, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		int64		key = pgdf_spi_int64(row, 1);
		TaskOwner  *owner = hash_search(owners, &key, HASH_FIND, NULL);

		owner->owner = DatumGetObjectId(pgdf_spi_datum(row, 2, &isnull));
		owner->is_final = DatumGetBool(pgdf_spi_datum(row, 3, &isnull));
	}
	foreach(cell, tasks)
	{
		LaneTask   *task = lfirst(cell);
		const TaskOwner *owner = hash_search(owners, &task->attempt.instance_key, HASH_FIND, NULL);

		task->owner = owner->owner;
		task->is_leftover = !OidIsValid(owner->owner) || owner->is_final;
	}
	hash_destroy(owners);
}

static void
deliver_outcome(Engine *engine, const TaskAttempt *attempt, text *result, text *failure)
{
	Delivery	delivery = {0};

	delivery.type = failure != NULL ? EVENT_TASK_FAILED : EVENT_TASK_COMPLETED;
	delivery.execution = attempt->execution;
	delivery.task_id = attempt->task_id;
	delivery.time = GetCurrentTimestamp();
	delivery.payload = result;
	delivery.failure = failure;
	engine->recorded++;
	pgdf_engine_deliver(engine, attempt->instance_key, &delivery);
}

static text *
copy_json(text *json, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	text	   *copy = DatumGetTextPCopy(PointerGetDatum(json));

	MemoryContextSwitchTo(caller);
	return copy;
}

/* --------------------------------------------------------------- slow lane */

static int
interval_ms(const Interval *interval)
{
	double		ms = interval->time / 1000.0 + interval->day * 86400000.0 +
	interval->month * 30.0 * 86400000.0;

	return ms < 1 ? 1 : ms > PG_INT32_MAX ? PG_INT32_MAX : (int) ms;
}

/* The time-out of the activity is its outcome, unlike an engine call's budget. */
static text *
timeout_failure(int budget_ms)
{
	Failure		failure = {.error_type = "Timeout"};

	failure.message = psprintf("activity ran longer than its time-out (%d ms)", budget_ms);
	return pgdf_failure_to_json(&failure);
}

/* A claimed activity of the slow lane. */
typedef struct SlowTask
{
	TaskAttempt attempt;
	UserCode	code;
	char	   *name;
} SlowTask;

/* False when the fence is void. */
static bool
load_slow(const Datum *key, SlowTask *task)
{
	Datum		timeout;
	bool		isnull;

	if (pgdf_spi_execute(&slow_task_statement, key, NULL) == 0)
		return false;
	task->attempt.instance_key = DatumGetInt64(key[0]);
	task->attempt.task_id = DatumGetInt32(key[1]);
	task->attempt.execution = pgdf_spi_int32(0, 1);
	task->attempt.attempts = pgdf_spi_int16(0, 3) +
		(DatumGetBool(pgdf_spi_datum(0, 7, &isnull)) ? 0 : 1);
	task->attempt.retry = pgdf_spi_text(0, 4, CurrentMemoryContext);
	task->attempt.scheduled_at = DatumGetTimestampTz(pgdf_spi_datum(0, 5, &isnull));
	timeout = pgdf_spi_datum(0, 6, &isnull);
	task->code.budget_ms = isnull ? pgdf_sql_activity_timeout : interval_ms(DatumGetIntervalP(timeout));
	task->code.owner = DatumGetObjectId(pgdf_spi_datum(0, 9, &isnull));
	task->code.input = pgdf_payload_to_jsonb(pgdf_spi_text(0, 8, CurrentMemoryContext));
	task->code.instance_key = task->attempt.instance_key;
	task->name = pgdf_spi_cstring(0, 2);
	task->code.registration = pgdf_registry_find(task->name, NULL);
	return true;
}

/*
 * While the activity ran, nobody waited for its row: its instance may have ended,
 * or its worker may have lost it.  Then its effects must not be committed.
 */
static void
lock_slow(const Datum *key)
{
	if (pgdf_spi_execute(&lock_slow_statement, key, NULL) == 0)
		pgdf_sql_raise_lost();
}

void
pgdf_sql_raise_lost(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("activity was cancelled or taken over while it ran"),
			 errdetail("Its effects are rolled back.")));
}

text *
pgdf_sql_run_slow(UserCode *code)
{
	text	   *failure = NULL;

	pgdf_session_reset(code->owner);
	if (run_attempt(code, &failure) == ATTEMPT_UNDECIDED)
	{
		if (code->end != USER_CODE_TIMED_OUT)
		{
			pgdf_error_clip(code->error);
			ReThrowError(code->error);
		}
		failure = timeout_failure(code->budget_ms);
	}
	return failure;
}

static void
record_slow(SlowTask *task, text *failure)
{
	Delivery	delivery = {0};

	delivery.type = failure != NULL ? EVENT_TASK_FAILED : EVENT_TASK_COMPLETED;
	delivery.execution = task->attempt.execution;
	delivery.task_id = task->attempt.task_id;
	delivery.time = GetCurrentTimestamp();
	delivery.payload = task->code.result;
	delivery.failure = failure;

	pgdf_wake_workers();
	if (failure == NULL)
		pgdf_task_delete(task->attempt.instance_key, task->attempt.task_id);
	if (failure == NULL || !pgdf_task_record_failure(&task->attempt, failure, delivery.time))
		pgdf_delivery_insert(task->attempt.instance_key, &delivery);
}

/*
 * df.run_sql(worker_key, instance_key, task_id, fence): run one SQL activity of
 * the slow lane and record its outcome, in this transaction.  Returns false when
 * the fence is void.  Raises errors of the system's making, and 55000 when the
 * fence became void while it ran; nothing has happened then, and the caller
 * reports it.
 */
Datum
df_run_sql(PG_FUNCTION_ARGS)
{
	Datum		key[3] = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)};
	PgdfIdentity caller;
	SlowTask	task = {0};
	bool		is_open;

	pgdf_refuse_in_engine("df.run_sql");
	pgdf_enter(&caller);
	SPI_connect();
	if (pgdf_task_is_chunk(PG_GETARG_INT32(2)))
	{
		is_open = pgdf_map_run_slow(PG_GETARG_INT64(1), PG_GETARG_INT32(2), PG_GETARG_INT64(3));
		SPI_finish();
		pgdf_leave(&caller);
		PG_RETURN_BOOL(is_open);
	}
	is_open = load_slow(key, &task);
	if (is_open && (task.code.registration == NULL || task.code.registration->kind != KIND_SQL))
	{
		lock_slow(key);
		pgdf_task_requeue(task.attempt.instance_key, task.attempt.task_id,
						  text_to_cstring(pgdf_task_lane(task.code.registration, task.name)));
	}
	else if (is_open)
	{
		text	   *failure;

		PGDF_FAULT(slow_begun);
		failure = pgdf_sql_run_slow(&task.code);
		PGDF_FAULT(slow_run);
		lock_slow(key);
		record_slow(&task, failure);
		PGDF_FAULT(slow_recorded);
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_open);
}

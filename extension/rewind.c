/*
 * rewind.c
 *		Taking back the failure that ended an instance, and what came after it.
 *
 * History stays as it was; ExecutionRewound says from where on it no longer
 * counts.  Results of tasks that were scheduled earlier count whenever they came.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "child_retry.h"
#include "map.h"
#include "payload.h"
#include "rewind.h"
#include "spi.h"

typedef struct RewindPoint
{
	int			from_event;
	int			nfailed;
	int		   *failed;
	int			nrestarted;
	int		   *restarted;		/* those of them that are children to be started anew */
} RewindPoint;

/* What an earlier rewind has taken back has been done again, or not. */
#define NOT_REWOUND(event) \
	" AND NOT EXISTS (SELECT FROM df.history r" \
	"                  WHERE r.instance_key = " event ".instance_key AND r.execution = " event ".execution" \
	"                    AND r.event_type = 21 AND r.event_id > " event ".event_id" \
	"                    AND (r.payload ->> 'fromEvent')::int <= " event ".event_id)"

static PgdfStatement point_statement = {
	"SELECT payload, event_id FROM df.history"
	" WHERE instance_key = $1 AND execution = $2 AND event_type = 1"
	" ORDER BY event_id DESC LIMIT 1",
	2, {INT8OID, INT4OID}
};

static PgdfStatement forget_tasks_statement = {
	"DELETE FROM df.tasks WHERE instance_key = $1 AND scheduled_event >= $2",
	2, {INT8OID, INT4OID}
};

static PgdfStatement requeue_statement = {
	"UPDATE df.tasks"
	"   SET state = 0, attempts = 0, deliveries = 0, visible_at = NULL, schedule_deadline = NULL"
	" WHERE instance_key = $1 AND (state = 5 OR (state IN (3, 4) AND task_id = ANY ($2)))",
	2, {INT8OID, INT4ARRAYOID}
};

static PgdfStatement timers_statement = {
	"INSERT INTO df.timers (instance_key, execution, task_id, fire_at)"
	" SELECT c.instance_key, c.execution, c.task_id, (c.payload #>> '{}')::timestamptz"
	"   FROM df.history c"
	"  WHERE c.instance_key = $1 AND c.execution = $2 AND c.event_type = 10 AND c.event_id < $3"
	"    AND NOT EXISTS (SELECT FROM df.history f"
	"                     WHERE f.instance_key = c.instance_key AND f.execution = c.execution"
	"                       AND f.event_type = 11 AND f.task_id = c.task_id"
	"                       AND f.event_id > c.event_id)"
	NOT_REWOUND("c")
	" ON CONFLICT (instance_key, task_id) DO NOTHING",
	3, {INT8OID, INT4OID, INT4OID}
};

/* They were raised before those that nobody has taken yet. */
static PgdfStatement events_statement = {
	"INSERT INTO df.buffered_events (instance_key, event_seq, name, payload, raised_at)"
	" SELECT e.instance_key,"
	"        coalesce((SELECT min(b.event_seq) FROM df.buffered_events b WHERE b.instance_key = $1), 0)"
	"        - row_number() OVER (ORDER BY e.event_id DESC),"
	"        e.name, e.payload, e.event_time"
	"   FROM df.history e"
	"  WHERE e.instance_key = $1 AND e.execution = $2 AND e.event_type = 15 AND e.event_id >= $3"
	"    AND e.task_id IS NOT NULL"
	NOT_REWOUND("e"),
	3, {INT8OID, INT4OID, INT4OID}
};

static PgdfStatement children_statement = {
	"INSERT INTO df.inbox (instance_key, event_type, event_time, name)"
	" SELECT instance_key, 21, $4, '*parent' FROM df.instance_state"
	"  WHERE parent_instance_key = $1 AND parent_execution = $2 AND parent_task_id = ANY ($3)"
	"    AND status = 3",
	4, {INT8OID, INT4OID, INT4ARRAYOID, TIMESTAMPTZOID}
};

/* Failed tasks that are children, but not instances that could be rewound. */
static PgdfStatement restarted_statement = {
	"SELECT c.task_id FROM df.history c"
	" WHERE c.instance_key = $1 AND c.execution = $2 AND c.event_type = 7 AND c.task_id = ANY ($3)"
	"   AND c.event_id < $4"
	"   AND NOT EXISTS (SELECT FROM df.instance_state s"
	"                    WHERE s.parent_instance_key = $1 AND s.parent_execution = $2"
	"                      AND s.parent_task_id = c.task_id AND s.status = 3)"
	NOT_REWOUND("c"),
	4, {INT8OID, INT4OID, INT4ARRAYOID, INT4OID}
};

/* Children that were started later go on, and answer nobody. */
static PgdfStatement detach_children_statement = {
	"UPDATE df.instance_state s SET parent_instance_key = NULL"
	"  FROM df.history c"
	" WHERE c.instance_key = $1 AND c.execution = $2 AND c.event_type = 7 AND c.event_id >= $3"
	"   AND s.parent_instance_key = $1 AND s.parent_execution = $2 AND s.parent_task_id = c.task_id"
	"   AND s.completed_at IS NULL",
	3, {INT8OID, INT4OID, INT4OID}
};

/* Activities and children that no longer count, and how many of them were done. */
static PgdfStatement progress_statement = {
	"SELECT count(*)::int, count(*) FILTER (WHERE EXISTS (SELECT FROM df.history o"
	"           WHERE o.instance_key = c.instance_key AND o.execution = c.execution"
	"             AND o.task_id = c.task_id AND o.event_type IN (5, 6, 8, 9)"
	"             AND o.event_id > c.event_id))::int"
	"  FROM df.history c"
	" WHERE c.instance_key = $1 AND c.execution = $2 AND c.event_type IN (4, 7) AND c.event_id >= $3"
	NOT_REWOUND("c"),
	3, {INT8OID, INT4OID, INT4OID}
};

static PgdfStatement detach_statement = {
	"UPDATE df.instance_state SET parent_instance_key = NULL WHERE instance_key = $1",
	1, {INT8OID}
};

/* At once, and not with all else at the end: a turn of this call may start an instance of this id. */
static PgdfStatement live_statement = {
	"UPDATE df.instance_state SET status = $2, completed_at = NULL WHERE instance_key = $1",
	2, {INT8OID, INT2OID}
};

static bool parse_point(text *json, RewindPoint *point);
static int *json_ints(JsonbContainer *object, const char *key, int *count);
static text *point_to_json(const RewindPoint *point);
static int	json_int(JsonbContainer *object, const char *key);
static bool is_listed(const int *numbers, int count, int number);
static void find_restarted(const Instance *instance, RewindPoint *point);
static Datum int4_array(const int *numbers, int count);
static void reopen(Engine *engine, Instance *instance, const RewindPoint *point);

text *
pgdf_rewind_point(const Turn *turn, const RaisedFailure *cause)
{
	const Replay *replay = turn->replay;
	RewindPoint point = {0};
	ListCell   *cell;

	point.from_event = cause != NULL ? cause->failed_from : replay->starts[replay->nstarts - 1].event_id;
	if (cause != NULL)
	{
		point.failed = palloc(Max(1, list_length(cause->failed_tasks)) * sizeof(int));
		foreach(cell, cause->failed_tasks)
			point.failed[point.nfailed++] = lfirst_int(cell);
	}
	return point_to_json(&point);
}

void
pgdf_replay_rewind(Replay *replay, text *payload)
{
	RewindPoint point;
	int			ntasks = 0;

	if (payload == NULL || !parse_point(payload, &point))
		return;
	for (int number = 1; number <= replay->ntasks; number++)
	{
		TurnTask   *task = &replay->tasks[number - 1];
		int			made_at = task->kind == TASK_EVENT ? task->outcome_event : task->scheduled_event;

		if (made_at == 0)
			continue;			/* a wait that no event has ended */
		if (made_at >= point.from_event)
			memset(task, 0, sizeof(TurnTask));
		else
			ntasks = number;
		if (is_listed(point.failed, point.nfailed, number))
		{
			task->outcome = OUTCOME_NONE;
			task->outcome_event = 0;
			task->failure = NULL;
			task->must_restart = is_listed(point.restarted, point.nrestarted, number);
		}
	}
	replay->ntasks = ntasks;
	replay->nrewinds++;
	replay->has_restarts = point.nrestarted > 0;
	while (replay->nstarts > 0 && replay->starts[replay->nstarts - 1].event_id >= point.from_event)
		replay->nstarts--;
}

void
pgdf_replay_forget_restarts(Replay *replay)
{
	for (int i = 0; replay->has_restarts && i < replay->ntasks; i++)
		replay->tasks[i].must_restart = false;
	replay->has_restarts = false;
}

void
pgdf_rewind_instance(Engine *engine, Instance *instance, const Delivery *delivery)
{
	Datum		values[2] = {Int64GetDatum(instance->key), Int32GetDatum(instance->execution)};
	MemoryContext caller;

	if (!pgdf_instance_hold_tasks(engine, instance))
	{
		pgdf_delivery_insert(instance->key, delivery);	/* for a later call */
		instance->is_postponed = true;
		engine->sent++;
		return;
	}
	caller = MemoryContextSwitchTo(instance->context);
	if (pgdf_spi_execute(&point_statement, values, NULL) > 0)
	{
		text	   *payload = pgdf_spi_text(0, 1, instance->context);
		int			event_id = pgdf_spi_int32(0, 2);
		RewindPoint point = {0};

		/* what has failed for no failure's sake goes on where it stood */
		if (payload == NULL || !parse_point(payload, &point))
			point.from_event = event_id;

		/* asked for by itself, it answers to nobody: its parent has settled with the failure */
		if (instance->parent_key != 0 && delivery->name == NULL)
		{
			pgdf_spi_execute(&detach_statement, values, NULL);
			instance->parent_key = 0;
		}
		if (instance->parent_key != 0)
			pgdf_child_forget_attempts(instance->key);
		find_restarted(instance, &point);
		pgdf_instance_add_event(instance, EVENT_EXECUTION_REWOUND, delivery->time)->payload =
			point_to_json(&point);
		pgdf_instance_set_status(instance, STATUS_RUNNING);
		values[1] = Int16GetDatum(STATUS_RUNNING);
		pgdf_spi_execute(&live_statement, values, NULL);
		instance->end = END_CLEARED;
		instance->failure = instance->output = NULL;
		if (point.nfailed == 0)
			instance->code_hash = NULL; /* it failed by itself, and would again: the code as it is now */
		reopen(engine, instance, &point);
		instance->replay = NULL;
		instance->needs_turn = true;
	}
	MemoryContextSwitchTo(caller);
}

static void
find_restarted(const Instance *instance, RewindPoint *point)
{
	Datum		values[4] = {
		Int64GetDatum(instance->key), Int32GetDatum(instance->execution),
		int4_array(point->failed, point->nfailed), Int32GetDatum(point->from_event)
	};
	uint64		n = pgdf_spi_execute(&restarted_statement, values, NULL);

	point->nrestarted = 0;
	point->restarted = palloc(Max(1, n) * sizeof(int));
	for (uint64 row = 0; row < n; row++)
		point->restarted[point->nrestarted++] = pgdf_spi_int32(row, 1);
}

static void
reopen(Engine *engine, Instance *instance, const RewindPoint *point)
{
	Datum		failed = int4_array(point->failed, point->nfailed);
	Datum		values[4];

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int32GetDatum(point->from_event);
	pgdf_spi_execute(&forget_tasks_statement, values, NULL);
	values[1] = failed;
	engine->tasks_queued += pgdf_spi_execute(&requeue_statement, values, NULL);
	pgdf_map_rewind(engine, instance, point->from_event, point->failed, point->nfailed);

	values[1] = Int32GetDatum(instance->execution);
	values[2] = failed;
	values[3] = TimestampTzGetDatum(engine->now);
	engine->sent += pgdf_spi_execute(&children_statement, values, NULL);

	values[2] = Int32GetDatum(point->from_event);
	pgdf_spi_execute(&detach_children_statement, values, NULL);
	pgdf_spi_execute(&timers_statement, values, NULL);
	instance->buffered_events += pgdf_spi_execute(&events_statement, values, NULL);
	pgdf_spi_execute(&progress_statement, values, NULL);
	instance->tasks_total -= pgdf_spi_int32(0, 1);
	instance->tasks_completed -= pgdf_spi_int32(0, 2) + point->nfailed;
	engine->more = true;
}

static text *
point_to_json(const RewindPoint *point)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"fromEvent\": %d, \"failedTasks\": [", point->from_event);
	for (int i = 0; i < point->nfailed; i++)
		appendStringInfo(&json, "%s%d", i > 0 ? ", " : "", point->failed[i]);
	appendStringInfoString(&json, "], \"restartedTasks\": [");
	for (int i = 0; i < point->nrestarted; i++)
		appendStringInfo(&json, "%s%d", i > 0 ? ", " : "", point->restarted[i]);
	appendStringInfoString(&json, "]}");
	return cstring_to_text_with_len(json.data, json.len);
}

static bool
parse_point(text *json, RewindPoint *point)
{
	Jsonb	   *object = pgdf_payload_to_jsonb(json);

	memset(point, 0, sizeof(RewindPoint));
	if (!JB_ROOT_IS_OBJECT(object))
		return false;
	point->from_event = json_int(&object->root, "fromEvent");
	point->failed = json_ints(&object->root, "failedTasks", &point->nfailed);
	point->restarted = json_ints(&object->root, "restartedTasks", &point->nrestarted);
	return point->from_event > 0 && point->failed != NULL;
}

/* NULL when there is no such array. */
static int *
json_ints(JsonbContainer *object, const char *key, int *count)
{
	JsonbValue	buffer;
	JsonbValue *list = getKeyJsonValueFromContainer(object, key, strlen(key), &buffer);
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonbIteratorToken token;
	int		   *numbers;

	if (list == NULL || list->type != jbvBinary)
		return NULL;
	numbers = palloc(Max(1, JsonContainerSize(list->val.binary.data)) * sizeof(int));
	iterator = JsonbIteratorInit(list->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM && value.type == jbvNumeric)
			numbers[(*count)++] =
				DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
	}
	return numbers;
}

static int
json_int(JsonbContainer *object, const char *key)
{
	JsonbValue	buffer;
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key), &buffer);

	if (value == NULL || value->type != jbvNumeric)
		return 0;
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric)));
}

static bool
is_listed(const int *numbers, int count, int number)
{
	for (int i = 0; i < count; i++)
	{
		if (numbers[i] == number)
			return true;
	}
	return false;
}

static Datum
int4_array(const int *numbers, int count)
{
	Datum	   *values = palloc(Max(1, count) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		values[i] = Int32GetDatum(numbers[i]);
	return PointerGetDatum(construct_array(values, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

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

#include "payload.h"
#include "rewind.h"
#include "spi.h"

typedef struct RewindPoint
{
	int			from_event;
	int			nfailed;
	int		   *failed;
} RewindPoint;

static PgdfStatement point_statement = {
	"SELECT payload FROM df.history"
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
	" WHERE instance_key = $1 AND (state = 5 OR (state = 3 AND task_id = ANY ($2)))",
	2, {INT8OID, INT4ARRAYOID}
};

static PgdfStatement timers_statement = {
	"INSERT INTO df.timers (instance_key, execution, task_id, fire_at)"
	" SELECT c.instance_key, c.execution, c.task_id, (c.payload #>> '{}')::timestamptz"
	"   FROM df.history c"
	"  WHERE c.instance_key = $1 AND c.execution = $2 AND c.event_type = 10 AND c.event_id < $3"
	"    AND NOT EXISTS (SELECT FROM df.history f"
	"                     WHERE f.instance_key = c.instance_key AND f.execution = c.execution"
	"                       AND f.event_type = 11 AND f.task_id = c.task_id)"
	" ON CONFLICT (instance_key, task_id) DO NOTHING",
	3, {INT8OID, INT4OID, INT4OID}
};

static PgdfStatement events_statement = {
	"INSERT INTO df.buffered_events (instance_key, name, payload, raised_at)"
	" SELECT instance_key, name, payload, event_time FROM df.history"
	"  WHERE instance_key = $1 AND execution = $2 AND event_type = 15 AND event_id >= $3"
	"    AND task_id IS NOT NULL"
	"  ORDER BY event_id",
	3, {INT8OID, INT4OID, INT4OID}
};

static PgdfStatement children_statement = {
	"INSERT INTO df.inbox (instance_key, event_type, event_time, name)"
	" SELECT instance_key, 21, $4, '*parent' FROM df.instance_state"
	"  WHERE parent_instance_key = $1 AND parent_execution = $2 AND parent_task_id = ANY ($3)"
	"    AND status = 3",
	4, {INT8OID, INT4OID, INT4ARRAYOID, TIMESTAMPTZOID}
};

static PgdfStatement detach_statement = {
	"UPDATE df.instance_state SET parent_instance_key = NULL WHERE instance_key = $1",
	1, {INT8OID}
};

static bool parse_point(text *json, RewindPoint *point);
static int	json_int(JsonbContainer *object, const char *key);
static bool is_listed(const RewindPoint *point, int number);
static void reopen(Engine *engine, Instance *instance, const RewindPoint *point);

text *
pgdf_rewind_point(const Turn *turn, bool is_task_failure)
{
	const Replay *replay = turn->replay;
	StringInfoData json;
	ListCell   *cell;
	const char *separator = "";

	initStringInfo(&json);
	appendStringInfo(&json, "{\"fromEvent\": %d, \"failedTasks\": [",
					 is_task_failure ? turn->failed_from : replay->starts[replay->nstarts - 1].event_id);
	foreach(cell, is_task_failure ? turn->failed_tasks : NIL)
	{
		appendStringInfo(&json, "%s%d", separator, lfirst_int(cell));
		separator = ", ";
	}
	appendStringInfoString(&json, "]}");
	return cstring_to_text_with_len(json.data, json.len);
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
		if (is_listed(&point, number))
		{
			task->outcome = OUTCOME_NONE;
			task->outcome_event = 0;
			task->failure = NULL;
		}
	}
	replay->ntasks = ntasks;
	while (replay->nstarts > 0 && replay->starts[replay->nstarts - 1].event_id >= point.from_event)
		replay->nstarts--;
}

void
pgdf_rewind_instance(Engine *engine, Instance *instance, const Delivery *delivery)
{
	Datum		values[2] = {Int64GetDatum(instance->key), Int32GetDatum(instance->execution)};
	MemoryContext caller = MemoryContextSwitchTo(instance->context);
	RewindPoint point;
	text	   *payload = NULL;

	if (pgdf_spi_execute(&point_statement, values, NULL) > 0)
		payload = pgdf_spi_text(0, 1, instance->context);
	if (payload != NULL && parse_point(payload, &point))
	{
		/* asked for by itself, it answers to nobody: its parent has settled with the failure */
		if (instance->parent_key != 0 && delivery->name == NULL)
		{
			pgdf_spi_execute(&detach_statement, values, NULL);
			instance->parent_key = 0;
		}
		pgdf_instance_add_event(instance, EVENT_EXECUTION_REWOUND, delivery->time)->payload = payload;
		pgdf_instance_set_status(instance, STATUS_RUNNING);
		instance->end = END_CLEARED;
		instance->failure = instance->output = NULL;
		reopen(engine, instance, &point);
		instance->replay = NULL;
		instance->needs_turn = true;
	}
	MemoryContextSwitchTo(caller);
}

static void
reopen(Engine *engine, Instance *instance, const RewindPoint *point)
{
	ColumnArray failed;
	Datum		values[4];

	pgdf_column_init(&failed, Max(1, point->nfailed));
	failed.count = point->nfailed;
	for (int i = 0; i < point->nfailed; i++)
		pgdf_column_set(&failed, i, Int32GetDatum(point->failed[i]), false);

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int32GetDatum(point->from_event);
	pgdf_spi_execute(&forget_tasks_statement, values, NULL);

	values[1] = point->nfailed > 0 ? pgdf_column_array(&failed, INT4ARRAYOID) :
		PointerGetDatum(construct_empty_array(INT4OID));
	engine->tasks_queued += pgdf_spi_execute(&requeue_statement, values, NULL);
	instance->tasks_completed -= point->nfailed;

	values[2] = values[1];
	values[1] = Int32GetDatum(instance->execution);
	values[3] = TimestampTzGetDatum(engine->now);
	engine->sent += pgdf_spi_execute(&children_statement, values, NULL);

	values[2] = Int32GetDatum(point->from_event);
	pgdf_spi_execute(&timers_statement, values, NULL);
	instance->buffered_events += pgdf_spi_execute(&events_statement, values, NULL);
	engine->more = true;
}

static bool
parse_point(text *json, RewindPoint *point)
{
	Jsonb	   *object = pgdf_payload_to_jsonb(json);
	JsonbValue	buffer;
	JsonbValue *list;
	JsonbIterator *iterator;
	JsonbValue	value;
	JsonbIteratorToken token;

	memset(point, 0, sizeof(RewindPoint));
	if (!JB_ROOT_IS_OBJECT(object))
		return false;
	point->from_event = json_int(&object->root, "fromEvent");
	list = getKeyJsonValueFromContainer(&object->root, "failedTasks", strlen("failedTasks"), &buffer);
	if (point->from_event <= 0 || list == NULL || list->type != jbvBinary)
		return false;

	point->failed = palloc(Max(1, JsonContainerSize(list->val.binary.data)) * sizeof(int));
	iterator = JsonbIteratorInit(list->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM && value.type == jbvNumeric)
			point->failed[point->nfailed++] =
				DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
	}
	return true;
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
is_listed(const RewindPoint *point, int number)
{
	for (int i = 0; i < point->nfailed; i++)
	{
		if (point->failed[i] == number)
			return true;
	}
	return false;
}

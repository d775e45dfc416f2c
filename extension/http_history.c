/*
 * http_history.c
 *		historyEvents: the history of an instance as Durable Functions shows it.
 *
 * What was scheduled is merged into its outcome, as ScheduledTime, FunctionName
 * and Input; what has none yet is a row by itself, at its place.  So the whole
 * history is read before the first row is written.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "history.h"
#include "http_api.h"
#include "instance.h"
#include "payload.h"
#include "spi.h"

/* Events read at once. */
#define BATCH	10000

/* One event, and what was scheduled for it or is merged into another. */
typedef struct Shown
{
	EventType	type;
	int			task_id;
	TimestampTz time;
	char	   *name;
	text	   *payload;		/* input, result, reason; NULL: none, or not asked for */
	text	   *failure;
	int			scheduled;		/* index of the event that scheduled it, or -1 */
	bool		is_merged;		/* into its outcome */
} Shown;

typedef struct ShownHistory
{
	MemoryContext context;
	Shown	   *events;
	int			count;
	int			capacity;
	int		   *scheduled;		/* by task number: index + 1 of the event that scheduled it last */
	int			ntasks;
} ShownHistory;

/*
 * $2: the last event of the batch before; $4, $5: inputs, results.  OrchestratorStarted
 * and -Completed (12, 13) are not shown.
 */
static PgdfStatement events_statement = {
	"SELECT h.event_id, h.event_type, coalesce(h.task_id, 0), h.event_time, h.name,"
	"       CASE WHEN h.event_type IN (4, 7, 14, 15, 50) THEN CASE WHEN $4 THEN h.payload END"
	"            WHEN h.event_type IN (1, 5, 8, 17) THEN CASE WHEN $5 THEN h.payload END"
	"            WHEN h.event_type IN (3, 19, 20) THEN h.payload"
	"            WHEN h.event_type = 10 THEN to_json(to_char((h.payload #>> '{}')::timestamptz"
	"                 AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) END,"
	"       h.failure"
	"  FROM df.history h"
	" WHERE h.instance_key = $1 AND h.execution = $6 AND h.event_id > $2"
	" ORDER BY h.event_id LIMIT $3",
	6, {INT8OID, INT4OID, INT8OID, BOOLOID, BOOLOID, INT4OID}
};

/* There is one execution: the one before goes when another begins. */
static PgdfStatement execution_statement = {
	"SELECT execution FROM df.instance_state WHERE instance_key = $1",
	1, {INT8OID}
};

static void load(ShownHistory *history, int64 instance_key, const HistoryOptions *options);
static void load_row(ShownHistory *history, uint64 row);
static void merge(ShownHistory *history, int index);
static void remember_scheduled(ShownHistory *history, int task_id, int index);
static void append_event(StringInfo buf, const ShownHistory *history, const Shown *event,
						 const HistoryOptions *options);
static void append_outcome(StringInfo buf, const ShownHistory *history, const Shown *event,
						   const HistoryOptions *options);
static void append_failure(StringInfo buf, const Shown *event);
static void append_string(StringInfo buf, const char *key, const char *value);
static void append_json(StringInfo buf, const char *key, text *value);

void
pgdf_api_append_history(StringInfo buf, int64 instance_key, const HistoryOptions *options)
{
	ShownHistory history = {
		.context = AllocSetContextCreate(CurrentMemoryContext, "pgdf history events",
										 ALLOCSET_DEFAULT_SIZES)
	};
	bool		is_first = true;

	load(&history, instance_key, options);
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < history.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (history.events[i].is_merged)
			continue;
		if (!is_first)
			appendStringInfoChar(buf, ',');
		is_first = false;
		append_event(buf, &history, &history.events[i], options);
	}
	appendStringInfoChar(buf, ']');
	MemoryContextDelete(history.context);
}

/* ------------------------------------------------------------------ reading */

static void
load(ShownHistory *history, int64 instance_key, const HistoryOptions *options)
{
	Datum		values[6];
	uint64		n;

	values[0] = Int64GetDatum(instance_key);
	if (pgdf_spi_execute_latest(&execution_statement, values, NULL) == 0)
		return;
	values[1] = Int32GetDatum(0);
	values[2] = Int64GetDatum(BATCH);
	values[3] = BoolGetDatum(options->show_input);
	values[4] = BoolGetDatum(options->show_output);
	values[5] = Int32GetDatum(pgdf_spi_int32(0, 1));
	do
	{
		CHECK_FOR_INTERRUPTS();
		n = pgdf_spi_execute_latest(&events_statement, values, NULL);
		for (uint64 row = 0; row < n; row++)
			load_row(history, row);
		if (n > 0)
			values[1] = Int32GetDatum(pgdf_spi_int32(n - 1, 1));
		SPI_freetuptable(SPI_tuptable);
	} while (n == BATCH);
}

static void
load_row(ShownHistory *history, uint64 row)
{
	EventType	type = (EventType) pgdf_spi_int16(row, 2);
	MemoryContext caller;
	Shown	   *event;
	bool		isnull;

	if (type == EVENT_ORCHESTRATOR_STARTED || type == EVENT_ORCHESTRATOR_COMPLETED)
		return;
	caller = MemoryContextSwitchTo(history->context);
	if (history->count == history->capacity)
	{
		history->capacity = history->capacity == 0 ? 64 : history->capacity * 2;
		history->events = history->events == NULL ?
			MemoryContextAllocHuge(history->context, history->capacity * sizeof(Shown)) :
			repalloc_huge(history->events, history->capacity * sizeof(Shown));
	}
	event = &history->events[history->count++];
	memset(event, 0, sizeof(Shown));
	event->type = type;
	event->task_id = pgdf_spi_int32(row, 3);
	event->time = DatumGetTimestampTz(pgdf_spi_datum(row, 4, &isnull));
	event->name = pgdf_spi_cstring(row, 5);
	event->payload = pgdf_spi_text(row, 6, history->context);
	event->failure = pgdf_spi_text(row, 7, history->context);
	event->scheduled = -1;
	merge(history, history->count - 1);
	MemoryContextSwitchTo(caller);
}

/* A rewind uses numbers of tasks again, so the last one of a number is the one that is meant. */
static void
merge(ShownHistory *history, int index)
{
	Shown	   *event = &history->events[index];

	switch (event->type)
	{
		case EVENT_TASK_SCHEDULED:
		case EVENT_MAP_SCHEDULED:
		case EVENT_CHILD_CREATED:
			remember_scheduled(history, event->task_id, index);
			break;
		case EVENT_TASK_COMPLETED:
		case EVENT_TASK_FAILED:
		case EVENT_CHILD_COMPLETED:
		case EVENT_CHILD_FAILED:
			if (event->task_id < history->ntasks && history->scheduled[event->task_id] > 0)
			{
				event->scheduled = history->scheduled[event->task_id] - 1;
				history->events[event->scheduled].is_merged = true;
			}
			break;
		default:
			break;
	}
}

static void
remember_scheduled(ShownHistory *history, int task_id, int index)
{
	if (task_id >= history->ntasks)
	{
		int			ntasks = Max(task_id + 1, history->ntasks * 2);

		history->scheduled = history->scheduled == NULL ?
			MemoryContextAllocHuge(history->context, ntasks * sizeof(int)) :
			repalloc_huge(history->scheduled, ntasks * sizeof(int));
		memset(history->scheduled + history->ntasks, 0, (ntasks - history->ntasks) * sizeof(int));
		history->ntasks = ntasks;
	}
	history->scheduled[task_id] = index + 1;
}

/* ------------------------------------------------------------------ writing */

static void
append_event(StringInfo buf, const ShownHistory *history, const Shown *event,
			 const HistoryOptions *options)
{
	appendStringInfo(buf, "{\"EventType\":\"%s\"", pgdf_event_type_name((int) event->type));
	switch (event->type)
	{
		case EVENT_EXECUTION_STARTED:
			append_string(buf, "FunctionName", event->name);
			break;
		case EVENT_TASK_SCHEDULED:
		case EVENT_MAP_SCHEDULED:
		case EVENT_CHILD_CREATED:
			append_string(buf, "FunctionName", event->name);
			if (options->show_input)
				append_json(buf, "Input", event->payload);
			break;
		case EVENT_TASK_COMPLETED:
		case EVENT_TASK_FAILED:
		case EVENT_CHILD_COMPLETED:
		case EVENT_CHILD_FAILED:
			append_outcome(buf, history, event, options);
			break;
		case EVENT_EXECUTION_COMPLETED:
			append_string(buf, "OrchestrationStatus",
						  pgdf_status_name(event->failure != NULL ? STATUS_FAILED : STATUS_COMPLETED));
			if (event->failure == NULL && options->show_output)
				append_json(buf, "Result", event->payload);
			append_failure(buf, event);
			break;
		case EVENT_EXECUTION_TERMINATED:
		case EVENT_EXECUTION_SUSPENDED:
		case EVENT_EXECUTION_RESUMED:
			append_json(buf, "Reason", event->payload);
			break;
		case EVENT_TIMER_CREATED:
			append_json(buf, "FireAt", event->payload);
			break;
		case EVENT_EVENT_RAISED:
		case EVENT_EVENT_SENT:
			append_string(buf, "Name", event->name);
			if (options->show_input)
				append_json(buf, "Input", event->payload);
			append_failure(buf, event);
			break;
		case EVENT_GENERIC:
			if (options->show_output)
				append_json(buf, "Result", event->payload);
			break;
		case EVENT_TIMER_FIRED:
		case EVENT_MAP_PROGRESS:
		case EVENT_CONTINUE_AS_NEW:
		case EVENT_EXECUTION_REWOUND:
		case EVENT_ORCHESTRATOR_STARTED:
		case EVENT_ORCHESTRATOR_COMPLETED:
			break;
	}
	appendStringInfoString(buf, ",\"Timestamp\":");
	pgdf_api_append_time(buf, event->time);
	appendStringInfoChar(buf, '}');
}

static void
append_outcome(StringInfo buf, const ShownHistory *history, const Shown *event,
			   const HistoryOptions *options)
{
	bool		is_failure = event->failure != NULL;

	if (event->scheduled >= 0)
	{
		const Shown *scheduled = &history->events[event->scheduled];

		append_string(buf, "FunctionName", scheduled->name);
		if (options->show_input)
			append_json(buf, "Input", scheduled->payload);
	}
	else
		append_string(buf, "FunctionName", event->name);
	if (is_failure)
		append_failure(buf, event);
	else if (options->show_output)
		append_json(buf, "Result", event->payload);
	if (event->scheduled >= 0)
	{
		appendStringInfoString(buf, ",\"ScheduledTime\":");
		pgdf_api_append_time(buf, history->events[event->scheduled].time);
	}
}

static void
append_failure(StringInfo buf, const Shown *event)
{
	if (event->failure != NULL)
		append_json(buf, "FailureDetails", event->failure);
}

static void
append_string(StringInfo buf, const char *key, const char *value)
{
	appendStringInfo(buf, ",\"%s\":", key);
	pgdf_append_string(buf, value);
}

static void
append_json(StringInfo buf, const char *key, text *value)
{
	appendStringInfo(buf, ",\"%s\":", key);
	pgdf_append_json(buf, value);
}

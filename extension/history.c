/*
 * history.c
 *		The events of an execution: names, a buffer of new ones, and loading.
 *
 * Only this file writes df.history; only the engine, which holds the instance's
 * row lock, calls it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "history.h"
#include "spi.h"

/* What one INSERT takes at most. */
#define CHUNK_EVENTS	10000
#define CHUNK_BYTES		(64 * 1024 * 1024)

typedef struct EventName
{
	EventType	type;
	const char *name;
} EventName;

static const EventName event_names[] = {
	{EVENT_EXECUTION_STARTED, "ExecutionStarted"},
	{EVENT_EXECUTION_COMPLETED, "ExecutionCompleted"},
	{EVENT_EXECUTION_TERMINATED, "ExecutionTerminated"},
	{EVENT_TASK_SCHEDULED, "TaskScheduled"},
	{EVENT_TASK_COMPLETED, "TaskCompleted"},
	{EVENT_TASK_FAILED, "TaskFailed"},
	{EVENT_CHILD_CREATED, "SubOrchestrationInstanceCreated"},
	{EVENT_CHILD_COMPLETED, "SubOrchestrationInstanceCompleted"},
	{EVENT_CHILD_FAILED, "SubOrchestrationInstanceFailed"},
	{EVENT_TIMER_CREATED, "TimerCreated"},
	{EVENT_TIMER_FIRED, "TimerFired"},
	{EVENT_ORCHESTRATOR_STARTED, "OrchestratorStarted"},
	{EVENT_ORCHESTRATOR_COMPLETED, "OrchestratorCompleted"},
	{EVENT_EVENT_SENT, "EventSent"},
	{EVENT_EVENT_RAISED, "EventRaised"},
	{EVENT_CONTINUE_AS_NEW, "ContinueAsNew"},
	{EVENT_GENERIC, "GenericEvent"},
	{EVENT_EXECUTION_SUSPENDED, "ExecutionSuspended"},
	{EVENT_EXECUTION_RESUMED, "ExecutionResumed"},
	{EVENT_EXECUTION_REWOUND, "ExecutionRewound"},
	{EVENT_MAP_SCHEDULED, "TaskScheduled"},
};

static PgdfStatement insert_statement = {
	"INSERT INTO df.history (instance_key, execution, event_id, event_type, task_id,"
	"                        event_time, name, input_hash, payload, failure)"
	" SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	10, {INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT2ARRAYOID, INT4ARRAYOID,
		TIMESTAMPTZARRAYOID, TEXTARRAYOID, INT8ARRAYOID, JSONARRAYOID, JSONARRAYOID}
};

static int	chunk_size(const EventBuffer *buffer, int first);
static void write_chunk(const Event *events, int n);

const char *
pgdf_event_type_name(int event_type)
{
	for (int i = 0; i < lengthof(event_names); i++)
	{
		if (event_names[i].type == (EventType) event_type)
			return event_names[i].name;
	}
	elog(ERROR, "unrecognized event type: %d", event_type);
	return NULL;
}

EventBuffer *
pgdf_events_create(MemoryContext context)
{
	EventBuffer *buffer = MemoryContextAllocZero(context, sizeof(EventBuffer));

	buffer->context = context;
	return buffer;
}

Event *
pgdf_events_add(EventBuffer *buffer)
{
	if (buffer->count == buffer->capacity)
	{
		buffer->capacity = buffer->capacity == 0 ? 16 : buffer->capacity * 2;
		buffer->events = buffer->events == NULL ?
			MemoryContextAllocHuge(buffer->context, buffer->capacity * sizeof(Event)) :
			repalloc_huge(buffer->events, buffer->capacity * sizeof(Event));
	}
	memset(&buffer->events[buffer->count], 0, sizeof(Event));
	return &buffer->events[buffer->count++];
}

int64
pgdf_events_bytes(const EventBuffer *buffer)
{
	int64		bytes = 0;

	for (int i = 0; i < buffer->count; i++)
	{
		const Event *event = &buffer->events[i];

		if (event->payload != NULL)
			bytes += VARSIZE_ANY_EXHDR(event->payload);
		if (event->failure != NULL)
			bytes += VARSIZE_ANY_EXHDR(event->failure);
	}
	return bytes;
}

void
pgdf_events_write(EventBuffer *buffer)
{
	int			first = 0;

	while (first < buffer->count)
	{
		int			n = chunk_size(buffer, first);

		write_chunk(buffer->events + first, n);
		first += n;
	}
	buffer->count = 0;
}

/* How many events from first on go into one statement: an array may not grow beyond 1 GB. */
static int
chunk_size(const EventBuffer *buffer, int first)
{
	Size		bytes = 0;
	int			n = 0;

	while (first + n < buffer->count && n < CHUNK_EVENTS && bytes < CHUNK_BYTES)
	{
		const Event *e = &buffer->events[first + n];

		bytes += (e->payload ? VARSIZE_ANY(e->payload) : 0) +
			(e->failure ? VARSIZE_ANY(e->failure) : 0);
		n++;
	}
	return n;
}

static void
write_chunk(const Event *events, int n)
{
	ColumnArray columns[10];
	Datum		values[10];

	for (int c = 0; c < lengthof(columns); c++)
		pgdf_column_init(&columns[c], n);
	for (int i = 0; i < n; i++)
	{
		const Event *e = &events[i];

		pgdf_column_set(&columns[0], i, Int64GetDatum(e->instance_key), false);
		pgdf_column_set(&columns[1], i, Int32GetDatum(e->execution), false);
		pgdf_column_set(&columns[2], i, Int32GetDatum(e->event_id), false);
		pgdf_column_set(&columns[3], i, Int16GetDatum((int16) e->type), false);
		pgdf_column_set(&columns[4], i, Int32GetDatum(e->task_id), e->task_id == 0);
		pgdf_column_set(&columns[5], i, TimestampTzGetDatum(e->time), false);
		pgdf_column_set(&columns[6], i, PointerGetDatum(e->name), e->name == NULL);
		pgdf_column_set(&columns[7], i, Int64GetDatum(e->input_hash), !e->has_input_hash);
		pgdf_column_set(&columns[8], i, PointerGetDatum(e->payload), e->payload == NULL);
		pgdf_column_set(&columns[9], i, PointerGetDatum(e->failure), e->failure == NULL);
	}
	for (int c = 0; c < lengthof(columns); c++)
		values[c] = pgdf_column_array(&columns[c], insert_statement.argtypes[c]);
	pgdf_spi_execute(&insert_statement, values, NULL);
}

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

#include "utils/timestamp.h"

#include "compat.h"
#include "history.h"

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

static const char *const columns[] = {
	"instance_key", "execution", "event_id", "event_type", "task_id", "event_time", "name",
	"input_hash", "payload", "failure"
};

static void write_event(BulkTable *history, const Event *e);

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
	BulkTable  *history;

	if (buffer->count == 0)
		return;
	history = pgdf_events_open();
	pgdf_events_write_to(history, buffer);
	pgdf_bulk_close(history);
}

BulkTable *
pgdf_events_open(void)
{
	return pgdf_bulk_open("history", columns, lengthof(columns));
}

void
pgdf_events_write_to(BulkTable *history, EventBuffer *buffer)
{
	for (int i = 0; i < buffer->count; i++)
		write_event(history, &buffer->events[i]);
	buffer->count = 0;
}

static void
write_event(BulkTable *history, const Event *e)
{
	Datum		values[lengthof(columns)];
	bool		nulls[lengthof(columns)] = {0};

	values[0] = Int64GetDatum(e->instance_key);
	values[1] = Int32GetDatum(e->execution);
	values[2] = Int32GetDatum(e->event_id);
	values[3] = Int16GetDatum((int16) e->type);
	values[4] = Int32GetDatum(e->task_id);
	nulls[4] = e->task_id == 0;
	values[5] = TimestampTzGetDatum(e->time);
	values[6] = PointerGetDatum(e->name);
	nulls[6] = e->name == NULL;
	values[7] = Int64GetDatum(e->input_hash);
	nulls[7] = !e->has_input_hash;
	values[8] = PointerGetDatum(e->payload);
	nulls[8] = e->payload == NULL;
	values[9] = PointerGetDatum(e->failure);
	nulls[9] = e->failure == NULL;
	pgdf_bulk_insert(history, values, nulls);
}

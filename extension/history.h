/*
 * history.h
 *		The events of an execution.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HISTORY_H
#define PGDF_HISTORY_H

#include "postgres.h"

#include "bulk.h"
#include "datatype/timestamp.h"

/* Durable Task's event types, with its numbers. */
typedef enum EventType
{
	EVENT_EXECUTION_STARTED = 0,
	EVENT_EXECUTION_COMPLETED = 1,
	EVENT_EXECUTION_TERMINATED = 3,
	EVENT_TASK_SCHEDULED = 4,
	EVENT_TASK_COMPLETED = 5,
	EVENT_TASK_FAILED = 6,
	EVENT_CHILD_CREATED = 7,
	EVENT_CHILD_COMPLETED = 8,
	EVENT_CHILD_FAILED = 9,
	EVENT_TIMER_CREATED = 10,
	EVENT_TIMER_FIRED = 11,
	EVENT_ORCHESTRATOR_STARTED = 12,
	EVENT_ORCHESTRATOR_COMPLETED = 13,
	EVENT_EVENT_SENT = 14,
	EVENT_EVENT_RAISED = 15,
	EVENT_CONTINUE_AS_NEW = 16,
	EVENT_GENERIC = 17,
	EVENT_EXECUTION_SUSPENDED = 19,
	EVENT_EXECUTION_RESUMED = 20,
	EVENT_EXECUTION_REWOUND = 21,

	/* ours: a map is shown as TaskScheduled, too; its progress is only ever on its way */
	EVENT_MAP_SCHEDULED = 50,
	EVENT_MAP_PROGRESS = 51
} EventType;

/* An event that is not yet in the table. */
typedef struct Event
{
	int64		instance_key;
	int			execution;
	int			event_id;		/* dense in an execution: 1, 2, 3 ... */
	EventType	type;
	int			task_id;		/* 0: none */
	TimestampTz time;
	text	   *name;			/* or NULL */
	bool		has_input_hash;
	int64		input_hash;
	text	   *payload;		/* JSON text, or NULL */
	text	   *failure;		/* failureDetails, or NULL */
} Event;

/* Events of an engine call, written together at its end. */
typedef struct EventBuffer
{
	MemoryContext context;
	Event	   *events;
	int			count;
	int			capacity;
} EventBuffer;

/* "TaskScheduled", ...; error XX000 for a number that is none. */
extern const char *pgdf_event_type_name(int event_type);

extern EventBuffer *pgdf_events_create(MemoryContext context);

/* A zeroed event at the end; the pointer is good until the next call. */
extern Event *pgdf_events_add(EventBuffer *buffer);

/* Size of the buffered payloads and failures. */
extern int64 pgdf_events_bytes(const EventBuffer *buffer);

/* Insert and forget all of them. */
extern void pgdf_events_write(EventBuffer *buffer);

/* The same for the events of many buffers: the table, to be closed by the caller. */
extern BulkTable *pgdf_events_open(void);
extern void pgdf_events_write_to(BulkTable *history, EventBuffer *buffer);

#endif							/* PGDF_HISTORY_H */

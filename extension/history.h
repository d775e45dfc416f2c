/*
 * history.h
 *		The events of an execution.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HISTORY_H
#define PGDF_HISTORY_H

#include "postgres.h"

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
	EVENT_EXECUTION_REWOUND = 21
} EventType;

/* "TaskScheduled", ...; error XX000 for a number that is none. */
extern const char *pgdf_event_type_name(int event_type);

#endif							/* PGDF_HISTORY_H */

/*
 * task.h
 *		Rows of df.tasks, for all who record outcomes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_TASK_H
#define PGDF_TASK_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "registry.h"
#include "spi.h"

/* What is known of a task whose attempt has ended. */
typedef struct TaskAttempt
{
	int64		instance_key;
	int			task_id;
	int			execution;
	int			attempts;		/* with the one that has ended */
	text	   *retry;			/* policy, or NULL */
	TimestampTz scheduled_at;
} TaskAttempt;

/* SQL: what the worker is told besides the input; after a postponement also where it was. */
#define PGDF_TASK_SETTINGS(t) \
	"CASE WHEN " t ".resume_state IS NULL THEN " t ".settings" \
	" ELSE json_build_object('$state', " t ".resume_state, '$settings', " t ".settings) END"

/* Whose lane the tasks of a name go into; registration NULL: it has none. */
extern text *pgdf_task_lane(const Registration *registration, const char *name);

/* May it be tried again after this failure?  Then *visible_at says when. */
extern bool pgdf_task_may_retry(const TaskAttempt *attempt, text *failure, TimestampTz now,
								TimestampTz *visible_at);

/* Its outcome is in history. */
extern void pgdf_task_delete(int64 instance_key, int task_id);

/* The same for rows that this transaction has locked: their ctids, as many as rows->count says. */
extern void pgdf_tasks_delete(const ColumnArray *rows);

/*
 * An attempt has failed: the row waits for the next one (true), or keeps the
 * failure (false), which is then to be delivered.
 */
extern bool pgdf_task_record_failure(const TaskAttempt *attempt, text *failure, TimestampTz now);

/*
 * An attempt has come to no end for reasons of the system's making: the row waits,
 * longer each time, and is a dead letter after pgdf.max_deliveries.
 */
extern void pgdf_task_record_transient(int64 instance_key, int task_id, text *failure, TimestampTz now);

/*
 * History does not have what scheduled it, so nobody knows its input: it is a dead
 * letter.  That is the work of somebody who changed the tables.
 */
extern void pgdf_task_set_aside(int64 instance_key, int task_id, TimestampTz now);

/*
 * What a worker reports that postpones an attempt: {"delay_ms": ..., "state": ...}.
 * False when it is not that: then it has failed.
 */
extern bool pgdf_postponement_read(text *payload, text **state, int64 *delay_ms);
extern text *pgdf_postponement_invalid(void);

/*
 * Neither done nor failed: the attempt goes on when the task is handed out again,
 * at that time, with state.  Nothing is counted.
 */
extern void pgdf_task_postpone(int64 instance_key, int task_id, TimestampTz visible_at, text *state);

/* Back into a lane, with nothing counted. */
extern void pgdf_task_requeue(int64 instance_key, int task_id, const char *lane);

#endif							/* PGDF_TASK_H */

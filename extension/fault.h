/*
 * fault.h
 *		Points at which a test build fails when it is told to: see test/faults.
 *
 * In any other build they are nothing.  Each step between claim, run, record, turn
 * and commit has one; test/tap/620 goes through all of them with each action.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_FAULT_H
#define PGDF_FAULT_H

/* In the order in which an engine call meets them; then the other calls. */
#define PGDF_FAULT_POINTS(point) \
	point(call_begun)			/* df.work: the session is there */ \
	point(record_locked)		/* rows of tasks and instances that were reported are locked */ \
	point(recorded)				/* outcomes are delivered */ \
	point(due_collected)		/* timers that are due are in the inbox */ \
	point(inbox_taken)			/* inbox rows are deleted and delivered */ \
	point(turn_begun)			/* before the orchestrator runs */ \
	point(turn_run)				/* it has suspended or ended, nothing is applied */ \
	point(turn_applied)			/* what it decided is in memory */ \
	point(sql_begun)			/* before a SQL activity inside the call */ \
	point(sql_run)				/* its effects are there */ \
	point(history_written)		/* new events, before new tasks */ \
	point(tasks_written)		/* new tasks, before the instances */ \
	point(instances_written)	/* everything of the turns */ \
	point(claimed)				/* tasks have their fences */ \
	point(before_commit)		/* of any transaction that passed another point */ \
	point(after_commit)			/* of the same; nobody has been told */ \
	point(slow_begun)			/* df.run_sql: before the activity */ \
	point(slow_run)				/* its effects are there */ \
	point(slow_recorded)		/* and its outcome */ \
	point(attached)				/* df.attach: the session's row and presence */ \
	point(swept)				/* df.sweep: its own lease is renewed */ \
	point(takeover_begun)		/* a lost worker's session is locked */ \
	point(takeover_done)		/* its tasks are queued again */ \
	point(started)				/* df_start: the instance and its first delivery are inserted */ \
	point(raised)				/* df_raise_event: the delivery is inserted */

/* What can be switched off, to see that a test notices. */
#define PGDF_FAULT_BREAKS(what) \
	what(fence)					/* any reporter may complete a task */ \
	what(presence)				/* a worker that is gone looks as if it were there */ \
	what(wake)					/* no look at producers before going to sleep */ \
	what(delivery)				/* an outcome now and then is lost */ \
	what(repeat)				/* an outcome now and then is delivered twice */

#ifdef PGDF_FAULTS

#include "postgres.h"

typedef enum FaultPoint
{
#define FAULT_ENUM(name) FAULT_##name,
	PGDF_FAULT_POINTS(FAULT_ENUM)
#undef FAULT_ENUM
	FAULT_POINT_COUNT
} FaultPoint;

typedef enum FaultBreak
{
#define BREAK_ENUM(name) BREAK_##name,
	PGDF_FAULT_BREAKS(BREAK_ENUM)
#undef BREAK_ENUM
	FAULT_BREAK_COUNT
} FaultBreak;

extern void pgdf_fault_init(void);
extern void pgdf_fault(FaultPoint point);
extern bool pgdf_is_broken(FaultBreak what);

#define PGDF_FAULT_INIT()	pgdf_fault_init()
#define PGDF_FAULT(point)	pgdf_fault(FAULT_##point)
#define PGDF_BROKEN(what)	pgdf_is_broken(BREAK_##what)

#else

#define PGDF_FAULT_INIT()	((void) 0)
#define PGDF_FAULT(point)	((void) 0)
#define PGDF_BROKEN(what)	false

#endif

#endif							/* PGDF_FAULT_H */

/*
 * fault.h
 *		Points at which a test build fails when it is told to: see test/faults.
 *
 * In any other build they are nothing.  A point is true when what follows is to
 * be done twice; whoever cannot ignores that.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_FAULT_H
#define PGDF_FAULT_H

#include <stdbool.h>

/* In the order in which a task meets them. */
#define FAULT_POINTS(point) \
	point(attach_answered)		/* the session is known; twice: attached again */ \
	point(sweep_answered)		/* after a look at other workers */ \
	point(task_read)			/* a claimed task is in the answer; twice: it is started twice */ \
	point(activity_starting)	/* before the activity begins */ \
	point(activity_ended)		/* its outcome is known, and not noted; twice: noted twice */ \
	point(call_made)			/* a call takes outcomes with it; twice: each of them twice */ \
	point(call_sent)			/* the call is on its way */ \
	point(call_answered)		/* it has committed; twice: the answer is lost, all is sent again */ \
	point(call_settled)			/* its outcomes are forgotten, its tasks have begun */ \
	point(sql_sent)				/* df.run_sql is on its way */ \
	point(sql_answered)			/* it has committed; twice: the answer is lost */ \
	point(detach_made)			/* at the end of a drain */

#ifdef PGDF_FAULTS

typedef enum FaultPoint
{
#define FAULT_ENUM(name) FAULT_##name,
	FAULT_POINTS(FAULT_ENUM)
#undef FAULT_ENUM
	FAULT_POINT_COUNT
} FaultPoint;

extern bool fault_reached(FaultPoint point);

#define PGDF_FAULT(point)	fault_reached(FAULT_##point)

#else

#define PGDF_FAULT(point)	false

#endif

#endif							/* PGDF_FAULT_H */

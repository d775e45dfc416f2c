/*
 * lane.h
 *		Does anything wait in a lane?  And what a session knows of one.
 *
 * A lane is (queue, name, priority).  A session remembers for each the highest seq
 * that it has claimed, its mark: below it are dead index entries that an old
 * snapshot may keep for hours, and rows that came late.  A claim looks behind the
 * mark; where that is less than it wants, it looks at the whole lane.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_LANE_H
#define PGDF_LANE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Lanes that are to be looked at: the index they are found by, open. */
typedef struct LaneScan LaneScan;

extern LaneScan *pgdf_lane_scan_begin(void);

/* Is a task queued in this lane, as far as this transaction sees?  Any priority. */
extern bool pgdf_lane_has_tasks(LaneScan *scan, const char *queue, const char *lane);

extern void pgdf_lane_scan_end(LaneScan *scan);

/* Priorities of one lane name that are remembered; more are found without marks. */
#define LANE_MARKS_MAX	8

/* What this session knows of (queue, name). */
typedef struct Lane
{
	char	   *queue;
	char	   *name;
	int			nmarks;
	struct
	{
		int			priority;
		int64		seq;		/* highest that was claimed */
	}			marks[LANE_MARKS_MAX];	/* highest priority first */
	TimestampTz look_again;		/* when the whole lane is worth another look */
	TimestampTz pass_again;		/* when new tasks may make it pass dead entries again */
	struct Lane *next;
} Lane;

/* Lives as long as the session. */
extern Lane *pgdf_lane_find(const char *queue, const char *name);

/* A task was claimed. */
extern void pgdf_lane_note_claim(Lane *lane, int priority, int64 seq);

/* Is a task queued behind that mark? */
extern bool pgdf_lane_waits_behind(const Lane *lane, int mark);

/*
 * Is a task queued anywhere in the lane?  With marks, false as well when a look
 * that had to pass many dead entries has found nothing a moment ago.
 */
extern bool pgdf_lane_waits(Lane *lane, bool with_marks);

/* Nothing waits there, but perhaps what was committed late, which a claim will find. */
extern bool pgdf_lane_seems_empty(LaneScan *scan, const char *queue, const char *name);

/* The same for one lane. */
extern bool pgdf_lane_is_empty(const char *queue, const char *lane);

#endif							/* PGDF_LANE_H */

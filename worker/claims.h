/*
 * claims.h
 *		The tasks that this worker has claimed and not finished.
 *
 * A Claim is an Activity and what the dispatcher knows about it.  It is made
 * from a row of df.work, started at once, and freed when its activity has ended;
 * what became of it goes into the list of outcomes, unless nobody wants to know.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLAIMS_H
#define PGDF_CLAIMS_H

#include <libpq-fe.h>

#include "activity.h"
#include "histogram.h"
#include "loop.h"
#include "outcome.h"
#include "registry.h"

/* Why an activity is being stopped. */
typedef enum ClaimStop
{
	STOP_NONE,
	STOP_TIMEOUT,				/* its own time is over: a failure */
	STOP_VOID,					/* cancelled, or fenced: nobody wants the result */
	STOP_SHUTDOWN				/* given back, unless it completes */
} ClaimStop;

typedef struct Claim
{
	Activity	activity;		/* first, so that an Activity is its Claim */
	struct Claim *next;			/* in its hash bucket */
	OfferedType *offered;		/* reference; NULL for a SQL activity */
	TaskKey		key;
	Timer		timeout;
	int64_t		started_us;
	ClaimStop	stop;
	bool		is_reported;	/* the database knows that it was started */
	bool		is_waiting;		/* in this worker, for its turn: no attempt yet, no time-out */
	char	   *progress;		/* newest report that was not sent, or NULL */
	size_t		progress_length;
	int64_t		progress_us;	/* when the last one was handed over to be sent; 0: never */
	Timer		progress_timer; /* runs while no other may be sent */
	bool		is_failed_early;	/* the failure was reported; the activity goes on, because it cannot be stopped */
} Claim;

#define CLAIM_BUCKETS 1024

typedef struct Claims
{
	Claim	   *buckets[CLAIM_BUCKETS];
	int			count;
	int64_t		completed;		/* since the last report */
	int64_t		failed;
	Histogram	times;			/* from claim to end, of both */
} Claims;

/* Make a claim from a T or Q row and start it, or give it back when nobody here knows its name. */
extern void claims_start(struct Worker *w, const PGresult *rows, int row);

/* This task is void: stop it.  Harmless when it is not running. */
extern void claims_void(struct Worker *w, const TaskKey *key);

/* Stop every activity for this reason. */
extern void claims_stop_all(struct Worker *w, ClaimStop reason);

/* Tell the database about activities that take long: an attempt counts from then on. */
extern void claims_report_started(struct Worker *w, int64_t older_than_ms);

/*
 * The activity has ended; payload is taken over.  OUTCOME_COMPLETED is recorded
 * unless the task is void; what OUTCOME_FAILED means depends on why the activity
 * was stopped.
 */
extern void claims_end(Activity *activity, char what, char *payload, size_t length);

/* See activity_progress(), activity_wait() and activity_begin(). */
extern void claims_progress(Activity *activity, const char *progress, size_t length);
extern void claims_wait(Activity *activity);
extern void claims_begin(Activity *activity);

/* A report of progress could not be recorded now; takes it over.  It is sent again unless there was a newer one. */
extern void claims_progress_back(struct Worker *w, Outcome *outcome);

/* A SQL activity has recorded its outcome itself. */
extern void claims_finish_recorded(Activity *activity);

/* The activity was not done and somebody else may do it. */
extern void claims_give_back(Activity *activity);

extern void claims_free(struct Worker *w);

#endif							/* PGDF_CLAIMS_H */

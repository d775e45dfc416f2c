/*
 * activity.h
 *		What an activity that the worker runs looks like to the rest of the worker.
 *
 * An Activity is one claimed task while it runs.  The dispatcher creates it,
 * calls start() once, and frees it after activity_complete() or activity_fail()
 * has been called, which happens exactly once, from the event loop's thread,
 * inside start() or later.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ACTIVITY_H
#define PGDF_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Worker;
struct Activity;

/* A kind of activity: what a name means in this worker. */
typedef struct ActivityType
{
	const char *name;			/* as offered to df.work, lower case */

	/* Begin.  May complete or fail the activity at once. */
	void		(*start) (struct Activity *activity);

	/*
	 * Stop soon: the task was cancelled, its time is over, or the worker shuts
	 * down.  The activity must still be failed (or completed, when it was
	 * faster).  NULL: cannot be stopped; its result is dropped by the fence.
	 */
	void		(*cancel) (struct Activity *activity);

	const void *config;			/* exec: the command; others: their own */
} ActivityType;

typedef struct Activity
{
	struct Worker *worker;
	const ActivityType *type;
	int64_t		instance_key;
	int32_t		task_id;
	int64_t		fence;
	char	   *name;			/* as scheduled */
	char	   *instance_id;
	int			attempt;		/* 1 for the first */
	char	   *idempotency_key;
	int64_t		timeout_ms;		/* 0: none */
	char	   *input;			/* JSON text, never NULL ("null") */
	char	   *settings;		/* JSON text of the registration, or NULL */
	char	   *traceparent;	/* or NULL */
	void	   *state;			/* belongs to the type */
	/* the dispatcher's own fields follow in dispatch.c */
} Activity;

/* Why an attempt was not successful: becomes failureDetails. */
typedef struct ActivityFailure
{
	const char *error_type;		/* stable name: "NotFound", "Timeout" */
	const char *message;		/* PostgreSQL's message style */
	bool		is_non_retriable;
	const char *properties;		/* JSON object text, or NULL */
} ActivityFailure;

/* The activity is done; result is JSON text, copied.  The activity may be freed on return. */
extern void activity_complete(Activity *activity, const char *result, size_t length);

/*
 * Not done yet, and nothing to wait for here: payload is {"delay_ms": ..., "state": ...}.
 * The task is handed out again, to any worker, after the delay, as a part of the
 * same attempt, with settings {"$state": state, "$settings": settings}.  Copied;
 * the activity may be freed on return.
 */
extern void activity_postpone(Activity *activity, const char *payload, size_t length);

/* The attempt has ended without a result; the failure is copied.  The activity may be freed on return. */
extern void activity_fail(Activity *activity, const ActivityFailure *failure);

/* Longest report of progress. */
#define PROGRESS_BYTES_MAX 16384

/*
 * How far it is, as JSON text, copied.  The newest one goes to the database at
 * most once a second; what is not JSON, or too long, is left out.  Never ends the
 * activity.
 */
extern void activity_progress(Activity *activity, const char *progress, size_t length);

/*
 * In start(): the activity waits in this worker for its turn.  Until
 * activity_begin() it has no time-out and counts no attempt, and it may be given
 * back with claims_give_back().
 */
extern void activity_wait(Activity *activity);
extern void activity_begin(Activity *activity);

/* The type offered under a name (lower case), or NULL. */
extern const ActivityType *activity_type_find(const struct Worker *worker, const char *name);

#endif							/* PGDF_ACTIVITY_H */

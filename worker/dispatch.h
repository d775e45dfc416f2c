/*
 * dispatch.h
 *		What to ask the database for, and when.
 *
 * The dispatcher gathers outcomes, keeps the engine connections busy while there
 * is work, goes to sleep by the idle protocol when there is none, and empties the
 * worker at shutdown.  Its parts are files of their own: session.c (control
 * connection), engine.c (df.work calls), claims.c (running tasks), sql_pool.c
 * (slow SQL activities).  Only dispatch.c decides.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_DISPATCH_H
#define PGDF_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "claims.h"
#include "engine.h"
#include "histogram.h"
#include "loop.h"
#include "outcome.h"
#include "session.h"

/* How far the shutdown is. */
typedef enum DrainStage
{
	DRAIN_NONE,
	DRAIN_WAITING,				/* for running activities, until drain_timer */
	DRAIN_STOPPING,				/* they were told to stop */
	DRAIN_LEAVING				/* no longer waited for: end the session and go */
} DrainStage;

/* Since the process began; what is counted for the next report comes on top. */
typedef struct DispatchTotals
{
	int64_t		claimed;
	int64_t		completed;
	int64_t		failed;
	int64_t		fenced;
	int64_t		recorded;		/* from here on complete */
	int64_t		turns;
	int64_t		calls;
	int64_t		failed_calls;
	Histogram	call_times;
} DispatchTotals;

typedef struct Dispatch
{
	Session		session;
	Engine		engine;
	Claims		claims;
	OutcomeList outcomes;		/* to be sent */
	OutcomeList parked;			/* could not be recorded now; sent again in a moment */
	Timer		parked_timer;
	Backoff		parked_backoff;

	/* what the next call is for */
	bool		has_chance;		/* something may be ready */
	bool		has_more;		/* the last call has left something ready */
	bool		has_crowd;		/* and advanced many instances */
	bool		is_scan_due;	/* look around once more before sleeping on */
	bool		was_full;		/* the last call that did something was full */
	bool		has_backlog;	/* the last call that could claim has filled all its places */
	int64_t		linger_until_us;	/* keep looking for a moment; 0: no */
	int64_t		busy_since_us;	/* 0: not busy */
	int			empty_more;		/* calls in a row that did nothing and said "more" */
	Timer		poll_timer;
	Timer		gather_timer;	/* outcomes wait for company at most so long */

	/* after an error */
	int			trust;			/* how much a call may carry; 0: everything */
	Backoff		error_backoff;
	Timer		error_timer;	/* runs while no call is to be made */

	/* shutdown */
	Timer		drain_timer;
	DrainStage	drain_stage;
	Timer		report_timer;
	int64_t		claimed;		/* since the last report */
	int64_t		fenced;
	DispatchTotals totals;
} Dispatch;

extern void dispatch_init(struct Worker *w);
extern void dispatch_free(struct Worker *w);

/* Make the calls that are due now.  Once a round of the loop. */
extern void dispatch_step(struct Worker *w);

/* Settings were reloaded. */
extern void dispatch_settings_changed(struct Worker *w);

/* Stop claiming; called again, stop waiting too. */
extern void dispatch_drain(struct Worker *w);

/* ---- what the parts report ---- */

/* Something may be ready: NOTIFY, taken-over tasks, a fresh session. */
extern void dispatch_chance(struct Worker *w);

/* The session's claims are void: it was swept away. */
extern void dispatch_claims_lost(struct Worker *w);

/* The fences of all that this worker holds, as bigint[]: running, or with an outcome on its way. */
extern void dispatch_held_fences(const struct Worker *w, PgArray *fences);

/* The idle lock is held now: look around once before sleeping. */
extern void dispatch_idle_begun(struct Worker *w);

extern void dispatch_call_done(struct Worker *w, EngineConn *conn, const CallReport *report);

/* An outcome is to be recorded; takes it over. */
extern void dispatch_outcome(struct Worker *w, Outcome *outcome);

/* Forget what is to be said of this task and was not sent yet: all of it, or only its progress. */
extern void dispatch_withdraw(struct Worker *w, const TaskKey *key);
extern void dispatch_withdraw_progress(struct Worker *w, const TaskKey *key);

/* This outcome could not be recorded now; takes it over. */
extern void dispatch_park(struct Worker *w, Outcome *outcome);

#endif							/* PGDF_DISPATCH_H */

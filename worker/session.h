/*
 * session.h
 *		The worker's session: presence, idle lock, sweeps and wake-ups, all on the
 *		control connection.
 *
 * One call is in flight at a time; what is wanted is kept as flags, and
 * session_step() sends the most urgent one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SESSION_H
#define PGDF_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "db.h"
#include "loop.h"

#define SESSION_MAX_SIGNALS 64

/* How a backend of ours is to be stopped. */
typedef enum BackendEnd
{
	BACKEND_CANCEL,				/* its query */
	BACKEND_TERMINATE,			/* all of it */
	BACKEND_RUNAWAY				/* all of it; counts against the instance whose code it runs */
} BackendEnd;

typedef struct BackendSignal
{
	int			pid;
	BackendEnd	end;
} BackendSignal;

typedef struct Session
{
	Db			db;
	char		boot_id[37];	/* new with every start of the process */
	int64_t		worker_key;		/* 0: never attached */
	bool		is_attached;
	bool		is_detached;	/* df.detach was answered, or cannot be */
	bool		is_calling;		/* a call is in flight */
	int64_t		lease_ms;
	int64_t		turn_timeout_ms;	/* the server's limit for one turn */
	bool		has_told_pooled;	/* the log says that a pooler is in between */
	int			timeline;		/* of the server that this process was last attached to, or 0 */

	bool		wants_attach;	/* again, because settings changed */
	bool		wants_idle;
	bool		holds_idle;
	bool		wants_sweep;
	bool		wants_wake;
	bool		wants_retire;	/* time to ask whether anything is to be deleted */
	bool		wants_recall;	/* of claims that we never heard of */
	int64_t		doubt_until_us; /* there may be such claims; 0: no */
	bool		wants_detach;
	BackendSignal signals[SESSION_MAX_SIGNALS];
	int			signal_count;
	int			signalled_pid;	/* of the one that was sent last */

	Timer		attach_timer;	/* next try */
	Timer		sweep_timer;
	Timer		retire_timer;
	Timer		wake_timer;		/* runs while a wake-up was sent a moment ago */
	Timer		idle_timer;		/* runs while df.idle is not to be tried again */
	Backoff		attach_backoff;
	int64_t		last_report_us; /* of an attach that did not work */
	int64_t		in_use_since_us;	/* somebody else has our boot id; 0: no */
} Session;

extern void session_init(struct Worker *w);
extern void session_free(struct Worker *w);

/* Send what is wanted most, if anything. */
extern void session_step(struct Worker *w);

/* Attach again with new queues and activities. */
extern void session_refresh(struct Worker *w);
extern void session_want_idle(struct Worker *w, bool wants_idle);

/* A pooler is between this worker and the server: no session locks, no notifications. */
extern bool session_is_pooled(const struct Worker *w);

/* Producers know that this worker may sleep, or it polls anyway. */
extern bool session_is_idle(const struct Worker *w);

/* False while df.idle has just failed: poll instead. */
extern bool session_can_idle(const struct Worker *w);
/* A call that may have claimed tasks was lost: look for them for a while. */
extern void session_doubt(struct Worker *w);
extern void session_want_sweep(struct Worker *w);
extern void session_want_wake(struct Worker *w);
extern void session_want_detach(struct Worker *w);

/* Stop a backend of this worker. */
extern void session_signal_backend(struct Worker *w, int pid, BackendEnd end);

#endif							/* PGDF_SESSION_H */

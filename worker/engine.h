/*
 * engine.h
 *		The engine connections and the df.work calls on them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ENGINE_H
#define PGDF_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "backoff.h"
#include "db.h"
#include "outcome.h"

/* Columns of df.work's rows, in the order in which they are selected. */
typedef enum WorkColumn
{
	WORK_WHAT,
	WORK_INSTANCE_KEY,
	WORK_TASK_ID,
	WORK_FENCE,
	WORK_NAME,
	WORK_INSTANCE_ID,
	WORK_ATTEMPT,
	WORK_IDEMPOTENCY_KEY,
	WORK_TIMEOUT_MS,
	WORK_INPUT,
	WORK_SETTINGS,
	WORK_TRACEPARENT
} WorkColumn;

typedef enum CallMode
{
	CALL_WORK,
	CALL_SCAN,					/* no low-water marks */
	CALL_IDLE					/* scan, and see whether a producer is in flight */
} CallMode;

/* One engine connection. */
typedef struct EngineConn
{
	Db			db;
	bool		is_calling;
	OutcomeList sent;			/* outcomes that the call in flight carries */
	CallMode	mode;
	int			room;
	int			turns;
	int64_t		sent_us;		/* when the call in flight was sent */
	bool		is_overdue;		/* the call in flight; its backend is being asked what it does */
	bool		is_working;		/* and said since: work of the engine's own */
} EngineConn;

typedef struct Engine
{
	EngineConn *conns;
	int			count;
	int			calls;			/* in flight */
	int			room_reserved;	/* by the calls in flight */
	PgArray		queues;			/* parameters of every call */
	PgArray		activities;
} Engine;

/* What a call came to. */
typedef struct CallReport
{
	bool		is_ok;
	bool		is_answered;	/* false: connection lost, outcome unknown */
	bool		is_durable;		/* false: a synchronous standby may not have it */
	CallMode	mode;
	bool		is_full;		/* it did as much as it was allowed to */
	int			claimed;
	int			recorded;
	int			turns;
	bool		more;
	bool		quiet;
	bool		surplus;
	int64_t		next_due_ms;	/* -1: nothing is due */
} CallReport;

extern void engine_init(struct Worker *w);
extern void engine_free(struct Worker *w);

/* Read queues and offered activities again. */
extern void engine_settings_changed(struct Worker *w);

/* A connection that is free for a call, or NULL. */
extern EngineConn *engine_free_conn(struct Worker *w);
extern int	engine_free_count(const struct Worker *w);

/* How long the oldest call that may claim something is in flight; 0: there is none. */
extern int64_t engine_oldest_claim_ms(const struct Worker *w);

/* For how long a call is in flight whose outcomes are all of this instance; -1: there is none. */
extern int64_t engine_recording_ms(const struct Worker *w, int64_t instance_key);

/* Call df.work; takes over what outcomes holds.  Ends in dispatch_call_done(). */
extern void engine_call(EngineConn *conn, CallMode mode, int room, int turns, OutcomeList *outcomes);

/* An overdue backend does work of the engine's own, or it was terminated or is not there. */
extern void engine_overdue_answered(struct Worker *w, int backend_pid, bool is_working);

#endif							/* PGDF_ENGINE_H */

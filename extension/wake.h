/*
 * wake.h
 *		Advisory locks in a tag space of our own, and the wake-up of idle workers.
 *
 * The SQL functions for advisory locks use field4 = 1 and 2; ours are out of
 * their reach.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WAKE_H
#define PGDF_WAKE_H

#include "postgres.h"

/*
 * Call before inserting anything that a worker should see: the producer's side
 * of the two-lock protocol.  Sends NOTIFY only if a worker is idle.
 */
extern void pgdf_wake_workers(void);

/* NOTIFY if a worker is idle; returns whether it did. */
extern bool pgdf_wake_if_idle(void);

/* The worker's side: no producer's transaction is in flight. */
extern bool pgdf_producers_are_quiet(void);

/* Take or release, at session level, the lock that says "I am idle". */
extern void pgdf_idle_set(bool is_idle);

/* Presence of a worker: a session lock on its control connection. */
extern bool pgdf_presence_take(int64 worker_key, int wait_ms);
extern void pgdf_presence_release(int64 worker_key);
extern bool pgdf_presence_is_held(int64 worker_key);

/* Until the end of the transaction: only one session deletes what is old; false: another does. */
extern bool pgdf_retention_lock(void);

/* Until the end of the transaction: only one session makes clones of pinned code. */
extern void pgdf_pin_lock(void);

/*
 * An engine call of a worker is going on, until this transaction ends: it may claim
 * tasks.  Waits for whoever has excluded that.
 */
extern void pgdf_call_begin(int64 worker_key);

/* No call of this worker begins until this transaction ends; false if one is going on. */
extern bool pgdf_call_exclude(int64 worker_key);

/* Names, until the end of the (sub)transaction, the instance whose code this backend runs. */
extern void pgdf_running_mark(int64 instance_key);

/* What pg_locks shows of such a lock as objsubid; classid and objid are the key's halves. */
extern int	pgdf_running_tag(void);

#endif							/* PGDF_WAKE_H */

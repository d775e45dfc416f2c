/*
 * replay_cache.h
 *		Histories that this backend has read, kept for the next turn.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_REPLAY_CACHE_H
#define PGDF_REPLAY_CACHE_H

#include "turn.h"

/* Which execution it is, and how much of its history is in the table. */
typedef struct StoredHistory
{
	int64		instance_key;
	pg_uuid_t	run_id;
	int			execution;
	int			last_event;
} StoredHistory;

/*
 * The stored history of an instance whose row this call has locked, as a replay
 * in context; what it points to is good until the end of the call.  Short ones are
 * read, of long ones only what is new.
 */
extern Replay *pgdf_replay_cache_load(const StoredHistory *history, MemoryContext context);

/* An engine call begins: what the one before it has used may go. */
extern void pgdf_replay_cache_begin_call(void);

#endif							/* PGDF_REPLAY_CACHE_H */

/*
 * orchestrate.h
 *		Parts of a turn that others use too: loading a history, running the
 *		function against it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ORCHESTRATE_H
#define PGDF_ORCHESTRATE_H

#include "turn.h"
#include "user_code.h"

/* Read what an execution's history has after an event into the replay of what was before. */
extern void pgdf_replay_load(Replay *replay, int64 instance_key, int execution, int after_event);

/* Run the function, and see whether it has made every task that history has. */
extern void pgdf_turn_run(Turn *turn, UserCode *code);

#endif							/* PGDF_ORCHESTRATE_H */

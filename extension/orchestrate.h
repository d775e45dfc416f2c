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

/* Read an execution's history from its table into an empty replay. */
extern void pgdf_replay_load(Replay *replay, int64 instance_key, int execution);

/* Run the function, and see whether it has made every task that history has. */
extern void pgdf_turn_run(Turn *turn, UserCode *code);

#endif							/* PGDF_ORCHESTRATE_H */

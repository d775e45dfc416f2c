/*
 * rewind.h
 *		Taking back the failure that ended an instance, and what came after it.
 *
 * The rewind point is kept with the event that ended the instance, and again in
 * ExecutionRewound: {"fromEvent": n, "failedTasks": [..]}.  Turns from that event
 * on, and what they decided, have not happened; the failed tasks are open again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_REWIND_H
#define PGDF_REWIND_H

#include "postgres.h"

#include "engine.h"

/* Of a turn that ends its instance with a failure, perhaps a task's; JSON text. */
extern text *pgdf_rewind_point(const Turn *turn, const RaisedFailure *cause);

/* What an ExecutionRewound event means for the next turn. */
extern void pgdf_replay_rewind(Replay *replay, text *point);

/* The first turn after it has been recorded: it has started the children that were to be started anew. */
extern void pgdf_replay_forget_restarts(Replay *replay);

/* Rewind a failed instance that is locked here. */
extern void pgdf_rewind_instance(Engine *engine, Instance *instance, const Delivery *delivery);

#endif							/* PGDF_REWIND_H */

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

/* Of a turn that ends its instance with a failure; JSON text. */
extern text *pgdf_rewind_point(const Turn *turn, bool is_task_failure);

/* What an ExecutionRewound event means for the next turn. */
extern void pgdf_replay_rewind(Replay *replay, text *point);

/* Rewind a failed instance that is locked here. */
extern void pgdf_rewind_instance(Engine *engine, Instance *instance, const Delivery *delivery);

#endif							/* PGDF_REWIND_H */

/*
 * runaway.h
 *		A time-out for user code that the engine runs, which no handler outlives.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_RUNAWAY_H
#define PGDF_RUNAWAY_H

#include "postgres.h"

/*
 * From now on the statement is cancelled after budget_ms, and again every second
 * in case it catches that, until pgdf_runaway_disarm().
 */
extern void pgdf_runaway_arm(int budget_ms);

/* Stop the timer; true when it had struck. */
extern bool pgdf_runaway_disarm(void);

#endif							/* PGDF_RUNAWAY_H */

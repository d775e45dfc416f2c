/*
 * child.h
 *		Instances that a turn starts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CHILD_H
#define PGDF_CHILD_H

#include "postgres.h"

#include "instance.h"
#include "turn.h"

/*
 * df_start in a turn: recorded, and done once when the turn is committed.
 * Returns the id that the instance will have.
 */
extern char *pgdf_start_from_turn(const StartRequest *request, Jsonb *input);

#endif							/* PGDF_CHILD_H */

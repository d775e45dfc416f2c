/*
 * hand_out.h
 *		New tasks that are claimed as they are made.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HAND_OUT_H
#define PGDF_HAND_OUT_H

#include "engine.h"

/*
 * Before new tasks are written: give those to the caller of this engine call that it has
 * room for, if nothing else waits for it and nothing more important is among them.
 */
extern void pgdf_hand_out_new(Engine *engine);

#endif							/* PGDF_HAND_OUT_H */

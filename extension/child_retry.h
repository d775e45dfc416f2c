/*
 * child_retry.h
 *		A failed sub-orchestration is started again, as its retry policy says.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CHILD_RETRY_H
#define PGDF_CHILD_RETRY_H

#include "postgres.h"

#include "engine.h"

/* A new child has this retry policy. */
extern void pgdf_child_note_policy(int64 instance_key, text *retry);

/* May it be tried again when it fails? */
extern bool pgdf_child_has_policy(const Instance *instance);

/* A child has been rewound: its attempts are counted from here. */
extern void pgdf_child_forget_attempts(int64 instance_key);

/*
 * The instance has failed.  True when it is a child that is to be tried again: it
 * has begun its next execution, now or later, and its parent is not told of an
 * outcome.
 */
extern bool pgdf_child_retry(Engine *engine, Instance *instance, text *failure);

#endif							/* PGDF_CHILD_RETRY_H */

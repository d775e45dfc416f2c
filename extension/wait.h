/*
 * wait.h
 *		Waiting, in a user's session, for an instance to finish.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WAIT_H
#define PGDF_WAIT_H

#include "postgres.h"

#include "instance.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#define PGDF_WAIT_FOREVER	(-1)

/* Milliseconds of a time-out: SQL NULL (NULL) is for ever, negative is none. */
extern int64 pgdf_wait_timeout(const Interval *timeout);

/*
 * Wait until the instance is final.  False: there is none that caller may see
 * (any more).  Otherwise *ref is what it was at last: final, unless time was up.
 * Error 55000 for an instance that this transaction has started.
 */
extern bool pgdf_wait(const char *instance_id, Oid caller, int64 timeout_ms, InstanceRef *ref);

/*
 * Wait for the result, made in context.  Errors: DF002 with failureDetails as
 * detail when the instance failed, DF004 when it was terminated, DF003 when time
 * was up, 42704 when there is none, 55000 as above.
 */
extern Jsonb *pgdf_wait_result(const char *instance_id, Oid caller, int64 timeout_ms,
							   MemoryContext context);

#endif							/* PGDF_WAIT_H */

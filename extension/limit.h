/*
 * limit.h
 *		How many tasks of an activity may run, and how many may begin in a second,
 *		over all workers.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_LIMIT_H
#define PGDF_LIMIT_H

#include "postgres.h"

#include "engine.h"

/* What a claim in progress knows of the limit of its activity. */
typedef struct LimitGrant
{
	const char *name_key;		/* NULL: no limit */
	bool		has_rate;
	double		tokens;
	TimestampTz refilled_at;
} LimitGrant;

/* Keys of all names that have or had a limit; char *, good until the next statement. */
extern List *pgdf_limit_names(void);

/* Is it one of them? */
extern bool pgdf_limit_is_set(const char *name);

/* The lanes of a SQL activity, and of a registered HTTP activity, that has or had a limit. */
extern text *pgdf_limit_lane(const char *name);
extern text *pgdf_limit_http_lane(const char *name);

/* The activity that a lane of any kind is for: its key. */
extern const char *pgdf_limit_lane_name(const char *lane);

/*
 * How many tasks of a lane, at most room, may be claimed now.  Above 0 with a limit
 * in state, nobody else claims this activity until this transaction ends.
 */
extern int	pgdf_limit_admit(Engine *engine, const char *queue, const char *lane, int room,
							 LimitGrant *state);

/* So many were. */
extern void pgdf_limit_note_claims(Engine *engine, const LimitGrant *state, int claimed);

#endif							/* PGDF_LIMIT_H */

/*
 * retry.h
 *		Retry policies: what df_retry() makes and the engine follows.
 *
 * A policy is a JSON object with the parameter names of df_retry() as keys and
 * times in seconds:
 *
 *	{"max_attempts": 3, "first_delay": 1, "backoff": 2, "max_delay": 60,
 *	 "retry_timeout": null, "jitter": 0, "retry_on": null, "no_retry_on": ["InvalidInput"]}
 *
 * Every key may be missing: it has the default of df_retry() then.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_RETRY_H
#define PGDF_RETRY_H

#include "postgres.h"

typedef struct RetryPolicy
{
	int			max_attempts;	/* 1: no retry */
	double		first_delay_ms;
	double		backoff;		/* 1 or more: factor between two delays */
	double		max_delay_ms;
	double		retry_timeout_ms;	/* since the first attempt began; negative: none */
	double		jitter;			/* 0 to 1: share of a delay that is random */
	int			nretry_on;
	char	  **retry_on;		/* retry only these error types; none: any */
	int			nno_retry_on;
	char	  **no_retry_on;	/* never retry these */
} RetryPolicy;

/* What df_retry() without arguments means. */
extern void pgdf_retry_init(RetryPolicy *policy);

/*
 * Read a stored policy into *policy, whose strings live in CurrentMemoryContext;
 * NULL json gives the defaults.  False when it is not a policy: *policy has the
 * defaults then.  Never raises for bad data.
 */
extern bool pgdf_retry_parse(text *json, RetryPolicy *policy);

/*
 * As above, with the reason why it is none: an error message's detail, in
 * CurrentMemoryContext.  NULL: it is a policy.
 */
extern const char *pgdf_retry_problem(text *json, RetryPolicy *policy);

/* Error 22023 unless json, which is a retry argument, is a policy. */
extern void pgdf_retry_check(text *json);

/*
 * May an activity be tried again, that has been tried attempts times, for the
 * first time elapsed_ms ago, and has failed with this error type?  If so,
 * *delay_ms says after which time.
 */
extern bool pgdf_retry_next(const RetryPolicy *policy, int attempts, int64 elapsed_ms,
							const char *error_type, bool is_non_retriable,
							int64 *delay_ms);

#endif							/* PGDF_RETRY_H */

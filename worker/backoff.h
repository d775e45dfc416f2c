/*
 * backoff.h
 *		How long to wait before the next try, as a value.
 *
 * Delays double from base to cap; each is drawn between half of it and all of
 * it, so that many clients do not come back together.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_BACKOFF_H
#define PGDF_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Backoff
{
	int64_t		base_ms;		/* first delay */
	int64_t		cap_ms;			/* longest delay */
	int64_t		deadline_us;	/* monotonic; no try after it; 0: try for ever */
	uint32_t	tries;			/* delays handed out since the last reset */
	uint64_t	random;			/* state of the jitter; 0: seeded at first use */
} Backoff;

extern void backoff_init(Backoff *backoff, int64_t base_ms, int64_t cap_ms);

/* The same, but give up when this much time has passed. */
extern void backoff_init_deadline(Backoff *backoff, int64_t base_ms, int64_t cap_ms, int64_t now_us, int64_t limit_ms);

/*
 * The next delay in milliseconds, or -1 when the deadline does not leave room
 * for it.
 */
extern int64_t backoff_next(Backoff *backoff, int64_t now_us);

/* It worked: begin at base again. */
extern void backoff_reset(Backoff *backoff);

#endif							/* PGDF_BACKOFF_H */

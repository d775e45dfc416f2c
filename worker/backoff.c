/*
 * backoff.c
 *		How long to wait before the next try, as a value.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "backoff.h"

#include <string.h>
#include <sys/random.h>

static uint64_t next_random(Backoff *backoff);

void
backoff_init(Backoff *backoff, int64_t base_ms, int64_t cap_ms)
{
	memset(backoff, 0, sizeof(*backoff));
	backoff->base_ms = base_ms;
	backoff->cap_ms = cap_ms;
}

void
backoff_init_deadline(Backoff *backoff, int64_t base_ms, int64_t cap_ms, int64_t now_us, int64_t limit_ms)
{
	backoff_init(backoff, base_ms, cap_ms);
	backoff->deadline_us = now_us + limit_ms * 1000;
}

int64_t
backoff_next(Backoff *backoff, int64_t now_us)
{
	int64_t		delay_ms = backoff->base_ms;

	for (uint32_t i = 0; i < backoff->tries && delay_ms < backoff->cap_ms; i++)
		delay_ms *= 2;
	if (delay_ms > backoff->cap_ms)
		delay_ms = backoff->cap_ms;

	/* between half of it and all of it */
	delay_ms -= (int64_t) (next_random(backoff) % (uint64_t) (delay_ms / 2 + 1));

	if (backoff->deadline_us != 0 && now_us + delay_ms * 1000 > backoff->deadline_us)
		return -1;
	if (backoff->tries < UINT32_MAX)
		backoff->tries++;
	return delay_ms;
}

void
backoff_reset(Backoff *backoff)
{
	backoff->tries = 0;
}

/* xorshift64: jitter needs no better one. */
static uint64_t
next_random(Backoff *backoff)
{
	uint64_t	x = backoff->random;

	while (x == 0)
	{
		/* before the kernel's pool is ready, the address will do */
		if (getrandom(&x, sizeof(x), GRND_NONBLOCK) != (ssize_t) sizeof(x))
			x = (uint64_t) (uintptr_t) backoff;
	}
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	backoff->random = x;
	return x;
}

/*
 * backoff_delays.c
 *		Delays double up to the cap, carry jitter, and respect a deadline.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "backoff.h"
#include "tap.h"

static void delays_double_to_the_cap(void);
static void delays_differ(void);
static void deadline_ends_the_tries(void);

int
main(void)
{
	delays_double_to_the_cap();
	delays_differ();
	deadline_ends_the_tries();
	return done_testing();
}

static void
delays_double_to_the_cap(void)
{
	static const int64_t full[] = {50, 100, 200, 400, 800, 1600, 3200, 5000, 5000};
	Backoff		backoff;
	int64_t		delay_ms;

	backoff_init(&backoff, 50, 5000);
	for (size_t i = 0; i < sizeof(full) / sizeof(full[0]); i++)
	{
		delay_ms = backoff_next(&backoff, 0);
		ok(delay_ms >= full[i] / 2 && delay_ms <= full[i], "delay %zu is between half and all of %lld",
			   i, (long long) full[i]);
	}
	for (int i = 0; i < 100000; i++)
		delay_ms = backoff_next(&backoff, 0);
	ok(delay_ms >= 2500 && delay_ms <= 5000, "many tries do not overflow");

	backoff_reset(&backoff);
	delay_ms = backoff_next(&backoff, 0);
	ok(delay_ms <= 50, "reset begins at base again");
}

static void
delays_differ(void)
{
	Backoff		backoff;
	int64_t		first;
	bool		differ = false;

	backoff_init(&backoff, 1000, 1000);
	first = backoff_next(&backoff, 0);
	for (int i = 0; i < 50; i++)
		differ |= backoff_next(&backoff, 0) != first;
	ok(differ, "delays have jitter");
}

static void
deadline_ends_the_tries(void)
{
	Backoff		backoff;

	backoff_init_deadline(&backoff, 100, 1000, 5000000, 200);
	ok(backoff_next(&backoff, 5000000) > 0, "a delay fits before the deadline");
	is_int(backoff_next(&backoff, 5150000), -1, "no delay reaches beyond the deadline");
	is_int(backoff_next(&backoff, 6000000), -1, "nor after it");
}

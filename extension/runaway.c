/*
 * runaway.c
 *		A time-out for user code that the engine runs.
 *
 * The timer cancels the query the way pg_cancel_backend() does.  A loop that
 * catches query_canceled is cancelled again a second later; the flag makes sure
 * that what it returns in the end is not believed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "runaway.h"

#define REPEAT_MS	1000

static TimeoutId timeout_id = MAX_TIMEOUTS;
static volatile sig_atomic_t is_armed = false;
static volatile sig_atomic_t has_struck = false;

static void
strike(void)
{
	if (!is_armed)
		return;
	has_struck = true;
	QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
	enable_timeout_after(timeout_id, REPEAT_MS);
}

void
pgdf_runaway_arm(int budget_ms)
{
	/* not in _PG_init(): the postmaster may have loaded the library */
	if (timeout_id == MAX_TIMEOUTS)
		timeout_id = RegisterTimeout(USER_TIMEOUT, strike);
	has_struck = false;
	is_armed = true;
	enable_timeout_after(timeout_id, budget_ms);
}

bool
pgdf_runaway_disarm(void)
{
	if (!is_armed)
		return false;
	is_armed = false;
	disable_timeout(timeout_id, false);
	if (has_struck)
		QueryCancelPending = false; /* ours; it must not hit the engine's own statements */
	return has_struck;
}

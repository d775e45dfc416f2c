/*
 * wait.c
 *		Waiting, in a user's session, for an instance to finish.
 *
 * It polls: whoever waits holds no lock, is told of nothing, and costs the engine
 * nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "failure.h"
#include "identity.h"
#include "payload.h"
#include "spi.h"
#include "wait.h"

/* The next look is after a sixth of the time that has passed, within these bounds. */
#define POLL_FIRST_US	200
#define POLL_LAST_US	(50 * 1000)
#define POLL_FRACTION	6

/* Below this the latch, which counts in ms, is too coarse to sleep on. */
#define LATCH_FROM_US	5000

/* A final instance. */
typedef struct Outcome
{
	InstanceStatus status;
	text	   *output;			/* JSON, or NULL */
	text	   *failure;		/* failureDetails, or NULL */
} Outcome;

static PgdfStatement outcome_stmt = {
	.sql = "SELECT status, output, failure FROM df.instance_state"
	" WHERE instance_key OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {INT8OID}
};

static bool look(const char *instance_id, Oid caller, InstanceRef *ref);
static void pause_for(int64 us);
static bool read_outcome(int64 instance_key, Outcome *outcome);
static void raise_outcome(const char *instance_id, const Outcome *outcome) pg_attribute_noreturn();

int64
pgdf_wait_timeout(const Interval *timeout)
{
	double		ms;

	if (timeout == NULL)
		return PGDF_WAIT_FOREVER;
	ms = ((double) timeout->month * DAYS_PER_MONTH + timeout->day) * SECS_PER_DAY * 1000.0 +
		timeout->time / 1000.0;
	if (ms <= 0)
		return 0;
	return ms < (double) (PG_INT64_MAX / 2) ? (int64) ms : PGDF_WAIT_FOREVER;
}

bool
pgdf_wait(const char *instance_id, Oid caller, int64 timeout_ms, InstanceRef *ref)
{
	TimestampTz start = GetCurrentTimestamp();

	for (;;)
	{
		int64		passed;
		int64		left = PG_INT64_MAX;

		CHECK_FOR_INTERRUPTS();
		if (!look(instance_id, caller, ref))
			return false;
		if (pgdf_status_is_final(ref->status))
			return true;
		if (ref->is_own_start)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("instance \"%s\" was started by this transaction", instance_id),
					 errhint("Commit before waiting: nothing runs until then.")));

		passed = Max(0, GetCurrentTimestamp() - start);
		if (timeout_ms != PGDF_WAIT_FOREVER)
			left = timeout_ms * 1000 - passed;
		if (left <= 0)
			return true;
		pause_for(Min(left, Max(POLL_FIRST_US, Min(passed / POLL_FRACTION, POLL_LAST_US))));
	}
}

Jsonb *
pgdf_wait_result(const char *instance_id, Oid caller, int64 timeout_ms, MemoryContext context)
{
	MemoryContext caller_context;
	InstanceRef ref;
	Outcome		outcome;
	Jsonb	   *result;

	if (!pgdf_wait(instance_id, caller, timeout_ms, &ref))
		pgdf_instance_raise_unknown(instance_id);
	if (!pgdf_status_is_final(ref.status))
		ereport(ERROR,
				(errcode(ERRCODE_DF_TIMED_OUT),
				 errmsg("instance \"%s\" did not finish in time", instance_id),
				 errdetail("Its status is %s.", pgdf_status_name(ref.status))));

	caller_context = MemoryContextSwitchTo(context);
	if (!read_outcome(ref.instance_key, &outcome))
		pgdf_instance_raise_unknown(instance_id);
	if (outcome.status != STATUS_COMPLETED)
		raise_outcome(instance_id, &outcome);
	result = pgdf_payload_to_jsonb(outcome.output);
	MemoryContextSwitchTo(caller_context);
	return result;
}

/* A look at the instance, leaving no snapshot behind: a waiting procedure holds none. */
static bool
look(const char *instance_id, Oid caller, InstanceRef *ref)
{
	PgdfIdentity identity;
	bool		is_found;

	pgdf_enter(&identity);
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	is_found = pgdf_instance_find(instance_id, caller, ref);
	PopActiveSnapshot();
	SPI_finish();
	pgdf_leave(&identity);
	return is_found;
}

/* A signal ends either sleep. */
static void
pause_for(int64 us)
{
	if (us < LATCH_FROM_US)
	{
		pg_usleep(us);
		return;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 us / 1000, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

/* Into CurrentMemoryContext; false when it was purged meanwhile. */
static bool
read_outcome(int64 instance_key, Outcome *outcome)
{
	MemoryContext context = CurrentMemoryContext;
	Datum		value = Int64GetDatum(instance_key);
	PgdfIdentity identity;
	bool		is_found;

	pgdf_enter(&identity);
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	is_found = pgdf_spi_execute_latest(&outcome_stmt, &value, NULL) > 0;
	if (is_found)
	{
		outcome->status = (InstanceStatus) pgdf_spi_int16(0, 1);
		outcome->output = pgdf_spi_text(0, 2, context);
		outcome->failure = pgdf_spi_text(0, 3, context);
	}
	PopActiveSnapshot();
	SPI_finish();
	pgdf_leave(&identity);
	return is_found;
}

static void
raise_outcome(const char *instance_id, const Outcome *outcome)
{
	Failure		failure;

	if (outcome->status == STATUS_FAILED)
	{
		pgdf_failure_from_json(outcome->failure, &failure);
		ereport(ERROR,
				(errcode(ERRCODE_DF_CHILD_FAILED),
				 errmsg("instance \"%s\" failed: %s", instance_id, failure.message),
				 outcome->failure == NULL ? 0 :
				 errdetail_internal("%s", text_to_cstring(outcome->failure))));
	}
	/* the output is the reason */
	ereport(ERROR,
			(errcode(ERRCODE_DF_CANCELLED),
			 errmsg("instance \"%s\" was terminated", instance_id),
			 outcome->output == NULL ? 0 :
			 errdetail("The reason given is %s.", text_to_cstring(outcome->output))));
	pg_unreachable();
}

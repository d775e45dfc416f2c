/*
 * repair.c
 *		What an administrator does about what stands still: df_redrive, df_repin;
 *		and what a worker does about a backend that runs away.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "engine.h"
#include "identity.h"
#include "instance.h"
#include "spi.h"
#include "turn.h"
#include "wake.h"

/* How long df_repin tries for the row of an instance that an engine call holds, in ms. */
#define REPIN_WAIT_MS	1000
#define REPIN_POLL_MS	10

/* What others hold is being seen to by them. */
static PgdfStatement redrive_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.tasks"
	"     WHERE instance_key = $1 AND state = 4 AND ($2 IS NULL OR coalesce(map_task_id, task_id) = $2)"
	"       FOR UPDATE SKIP LOCKED)"
	" UPDATE df.tasks"
	"    SET state = 0, deliveries = 0, attempts = 0, is_started = false, visible_at = NULL,"
	"        fence = NULL, worker_key = NULL, claimed_at = NULL, schedule_deadline = NULL"
	"  WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))",
	2, {INT8OID, INT8OID}
};

static PgdfStatement is_blocked_statement = {
	"SELECT FROM df.instance_state"
	" WHERE instance_key = $1 AND blocked_reason IS NOT NULL AND completed_at IS NULL",
	1, {INT8OID}
};

static PgdfStatement release_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.instance_state"
	"     WHERE instance_key = $1 AND blocked_reason IS NOT NULL AND completed_at IS NULL"
	"       FOR UPDATE SKIP LOCKED)"
	" UPDATE df.instance_state"
	"    SET blocked_reason = NULL, blocked_hash = NULL, code_hash = NULL, turn_failures = 0"
	"  WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))",
	1, {INT8OID}
};

/* Its lock says whose code a backend runs: see pgdf_running_mark(). */
static PgdfStatement running_statement = {
	"SELECT (classid::bigint << 32) | objid::bigint FROM pg_catalog.pg_locks"
	" WHERE locktype = 'advisory' AND objsubid = $2 AND pid = $1 AND granted"
	"   AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
	2, {INT4OID, INT4OID}
};

/* What waits for its client has done its work: the answer does not get there. */
static PgdfStatement is_working_statement = {
	"SELECT FROM pg_catalog.pg_stat_activity"
	" WHERE pid = $1 AND state = 'active' AND wait_event_type IS DISTINCT FROM 'Client'",
	1, {INT4OID}
};

PG_FUNCTION_INFO_V1(df_redrive);
PG_FUNCTION_INFO_V1(df_repin);
PG_FUNCTION_INFO_V1(df_terminate_runaway);

static void check_admin(const char *function);
static char *instance_id_arg(FunctionCallInfo fcinfo);
static bool release(int64 instance_key);
static int64 find_running(int pid);
static bool is_working(int pid);
static bool terminate_backend(int pid);

/* df_redrive(instance_id, task_id): dead letters back into their queues; how many. */
Datum
df_redrive(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef ref;
	uint64		redriven = 0;

	pgdf_refuse_in_engine("df_redrive");
	PreventCommandIfReadOnly("df_redrive()");
	check_admin("df_redrive");
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_instance_require(instance_id_arg(fcinfo), role, &ref);
	if (!pgdf_status_is_final(ref.status))	/* a failed one's are for df_rewind */
	{
		Datum		values[2] = {Int64GetDatum(ref.instance_key), PG_GETARG_DATUM(1)};
		bool		nulls[2] = {false, PG_ARGISNULL(1)};

		pgdf_wake_workers();
		redriven = pgdf_spi_execute(&redrive_statement, values, nulls);
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_INT64((int64) redriven);
}

/* df_repin(instance_id): out of quarantine, with the code as it is now; false when it is not in it. */
Datum
df_repin(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef ref;
	bool		is_released;

	pgdf_refuse_in_engine("df_repin");
	PreventCommandIfReadOnly("df_repin()");
	check_admin("df_repin");
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_instance_require(instance_id_arg(fcinfo), role, &ref);
	is_released = release(ref.instance_key);
	if (is_released)
	{
		pgdf_wake_workers();
		pgdf_inbox_insert(ref.instance_key, EVENT_ORCHESTRATOR_STARTED, NULL, NULL);
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_released);
}

/*
 * df.terminate_runaway(pid): end a backend of this worker whose engine call has
 * taken too long, and count that against the instance whose code it runs.  One
 * that is at the engine's own work, such as writing the inputs of a large map, is
 * left alone: NULL.
 */
Datum
df_terminate_runaway(PG_FUNCTION_ARGS)
{
	int			pid = PG_GETARG_INT32(0);
	PgdfIdentity caller;
	int64		instance_key;
	bool		is_terminated;

	pgdf_refuse_in_engine("df.terminate_runaway");
	SPI_connect();
	instance_key = find_running(pid);
	if (instance_key == 0 && is_working(pid))
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	is_terminated = terminate_backend(pid); /* as the caller: what that role may */
	if (is_terminated && instance_key != 0)
	{
		pgdf_enter(&caller);
		pgdf_wake_workers();
		pgdf_inbox_insert(instance_key, EVENT_ORCHESTRATOR_STARTED, PGDF_RUNAWAY_NAME, NULL);
		pgdf_leave(&caller);
	}
	SPI_finish();
	PG_RETURN_BOOL(is_terminated);
}

static void
check_admin(const char *function)
{
	if (!pgdf_is_admin(GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", function),
				 errdetail("Only members of the role that owns the extension may call it.")));
}

/* No instance has the empty id. */
static char *
instance_id_arg(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(0));
}

/*
 * A quarantined instance gets no turns: whoever holds its row does so for a moment,
 * or is another session that does the same.  Nobody waits in a queue for it, so
 * two sessions that release overlapping sets cannot lock each other out for ever.
 */
static bool
release(int64 instance_key)
{
	Datum		key = Int64GetDatum(instance_key);

	for (int waited = 0; pgdf_spi_execute(&release_statement, &key, NULL) == 0; waited += REPIN_POLL_MS)
	{
		if (pgdf_spi_execute_latest(&is_blocked_statement, &key, NULL) == 0)
			return false;
		if (waited >= REPIN_WAIT_MS)
			ereport(ERROR,
					(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
					 errmsg("could not lock instance with key " INT64_FORMAT, instance_key),
					 errdetail("Another session holds it.")));
		pg_usleep(REPIN_POLL_MS * 1000L);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

/* The instance whose code that backend runs; 0: none. */
static int64
find_running(int pid)
{
	Datum		values[2] = {Int32GetDatum(pid), Int32GetDatum(pgdf_running_tag())};

	if (pgdf_spi_execute_latest(&running_statement, values, NULL) == 0)
		return 0;
	return pgdf_spi_int64(0, 1);
}

static bool
is_working(int pid)
{
	Datum		value = Int32GetDatum(pid);

	return pgdf_spi_execute_latest(&is_working_statement, &value, NULL) > 0;
}

static bool
terminate_backend(int pid)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(pid);
	bool		isnull;

	if (SPI_execute_with_args("SELECT pg_catalog.pg_terminate_backend($1)", 1, &type, &value, NULL,
							  false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not terminate backend %d", pid);
	return DatumGetBool(pgdf_spi_datum(0, 1, &isnull)) && !isnull;
}

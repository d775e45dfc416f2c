/*
 * worker_session.c
 *		Life of a worker's session: attach, sweep, idle, wake, detach.
 *
 * A worker is alive while its control connection holds its presence lock and its
 * lease has not run out.  Whoever finds the lock free notes the time in
 * absent_since, and after pgdf.reconnect_grace takes the worker's tasks over.
 * The row of df.worker_sessions is locked while that happens, so two sweepers do
 * not do it twice; what the worker then reports meets void fences.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "engine.h"
#include "failure.h"
#include "fault.h"
#include "home.h"
#include "identity.h"
#include "map.h"
#include "spi.h"
#include "wake.h"

/* How long attach waits for a predecessor's backend to let go of the lock, in ms. */
#define PRESENCE_WAIT_MS	2000

/* How often to look after others while they hold claims, and at most, in ms. */
#define SWEEP_BUSY_MS		250
#define SWEEP_IDLE_MS		5000

static PgdfStatement find_statement = {
	"SELECT worker_key FROM df.worker_sessions WHERE boot_id = $1",
	1, {UUIDOID}
};

static PgdfStatement insert_statement = {
	"INSERT INTO df.worker_sessions (boot_id, name, role, queues, activities, slots, details,"
	"                                attached_at, last_seen_at, lease_until, is_pooled)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)"
	" ON CONFLICT (boot_id) DO UPDATE"
	"    SET name = EXCLUDED.name, role = EXCLUDED.role, queues = EXCLUDED.queues,"
	"        activities = EXCLUDED.activities, slots = EXCLUDED.slots, details = EXCLUDED.details,"
	"        last_seen_at = EXCLUDED.last_seen_at, lease_until = EXCLUDED.lease_until,"
	"        absent_since = NULL, is_pooled = EXCLUDED.is_pooled"
	" RETURNING worker_key",
	10, {UUIDOID, TEXTOID, REGROLEOID, TEXTARRAYOID, TEXTARRAYOID, INT4OID, JSONOID,
		TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID}
};

static PgdfStatement pooled_statement = {
	"SELECT coalesce(($1 ->> 'pooled')::boolean, false)",
	1, {JSONOID}
};

static PgdfStatement renew_statement = {
	"UPDATE df.worker_sessions SET last_seen_at = $2, lease_until = $3"
	" WHERE worker_key = $1 AND (lease_until < $4 OR absent_since IS NOT NULL)",
	4, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

static PgdfStatement exists_statement = {
	"SELECT FROM df.worker_sessions WHERE worker_key = $1",
	1, {INT8OID}
};

static PgdfStatement others_statement = {
	"SELECT w.worker_key, w.absent_since, w.lease_until,"
	"       EXISTS (SELECT FROM df.tasks t WHERE t.worker_key = w.worker_key AND t.state = 1), w.is_pooled"
	"  FROM df.worker_sessions w"
	" WHERE w.worker_key <> $1"
	" ORDER BY w.worker_key",
	1, {INT8OID}
};

static PgdfStatement absent_statement = {
	"UPDATE df.worker_sessions SET absent_since = $2 WHERE worker_key = $1"
	" AND absent_since IS DISTINCT FROM $2",
	2, {INT8OID, TIMESTAMPTZOID}
};

/* Locks the session; a worker that has come back meanwhile is left alone. */
static PgdfStatement lock_statement = {
	"SELECT FROM df.worker_sessions"
	" WHERE worker_key = $1 AND (absent_since = $2 OR lease_until < $3)"
	"   FOR UPDATE SKIP LOCKED",
	3, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

/*
 * What a lost worker holds; of maps, see map_lost.c.  A row that is locked is a slow SQL activity that still
 * runs: a sweep does not wait for it, and the session stays for the next sweep.
 */
#define LOST_TASKS(condition) \
	"WITH c AS MATERIALIZED (" \
	"    SELECT instance_key, task_id FROM df.tasks" \
	"     WHERE worker_key = $1 AND state = 1 AND map_task_id IS NULL AND " condition \
	"       FOR UPDATE SKIP LOCKED)"

/* What may have been started goes back too, unless it may be started only once. */
static PgdfStatement requeue_statement = {
	LOST_TASKS("(NOT at_most_once OR resume_state IS NOT NULL)")
	" UPDATE df.tasks t"
	"    SET state = CASE WHEN deliveries >= $2 THEN 4 ELSE 0 END,"
	"        fence = NULL, worker_key = NULL, claimed_at = NULL, is_started = false"
	"   FROM c WHERE t.instance_key = c.instance_key AND t.task_id = c.task_id",
	2, {INT8OID, INT4OID}
};

static PgdfStatement fail_statement = {
	LOST_TASKS("at_most_once AND resume_state IS NULL") ","
	" lost AS ("
	"    UPDATE df.tasks t"
	"       SET state = 3, fence = NULL, worker_key = NULL, claimed_at = NULL, last_failure = $2"
	"      FROM c WHERE t.instance_key = c.instance_key AND t.task_id = c.task_id"
	"    RETURNING t.instance_key, t.execution, t.task_id)"
	" INSERT INTO df.inbox (instance_key, execution, event_type, task_id, event_time, failure)"
	" SELECT instance_key, execution, 6, task_id, $3, $2 FROM lost",
	3, {INT8OID, JSONOID, TIMESTAMPTZOID}
};

static PgdfStatement delete_statement = {
	"DELETE FROM df.worker_sessions WHERE worker_key = $1"
	" AND NOT EXISTS (SELECT FROM df.tasks WHERE worker_key = $1 AND state = 1)",
	1, {INT8OID}
};

static PgdfStatement forget_statement = {
	"DELETE FROM df.cancellations WHERE worker_key = $1",
	1, {INT8OID}
};

/* What may be started only once has been, or the worker would have given it back itself. */
static PgdfStatement give_back_statement = {
	"UPDATE df.tasks"
	"   SET state = 0, fence = NULL, worker_key = NULL, claimed_at = NULL,"
	"       is_started = false, deliveries = greatest(0, deliveries - 1)"
	" WHERE worker_key = $1 AND state = 1 AND map_task_id IS NULL"
	"   AND (NOT at_most_once OR resume_state IS NOT NULL)",
	1, {INT8OID}
};

/*
 * Sessions that are gone, and left claims: a dump does not save sessions, and a
 * call may claim while its session ends.
 */
static PgdfStatement strays_statement = {
	"WITH RECURSIVE holder AS ("
	"    (SELECT worker_key FROM df.tasks WHERE state = 1 ORDER BY worker_key LIMIT 1)"
	"    UNION ALL"
	"    SELECT (SELECT t.worker_key FROM df.tasks t"
	"             WHERE t.state = 1 AND t.worker_key > holder.worker_key"
	"             ORDER BY t.worker_key LIMIT 1)"
	"      FROM holder WHERE holder.worker_key IS NOT NULL)"
	" SELECT worker_key FROM holder"
	"  WHERE worker_key IS NOT NULL"
	"    AND NOT EXISTS (SELECT FROM df.worker_sessions w WHERE w.worker_key = holder.worker_key)",
	0, {0}
};

PG_FUNCTION_INFO_V1(df_attach);
PG_FUNCTION_INFO_V1(df_sweep);
PG_FUNCTION_INFO_V1(df_idle);
PG_FUNCTION_INFO_V1(df_wake);
PG_FUNCTION_INFO_V1(df_detach);

/* Another worker, as a sweep finds it. */
typedef struct Peer
{
	int64		worker_key;
	bool		is_absent;		/* noted earlier */
	TimestampTz absent_since;
	TimestampTz lease_until;
	bool		has_claims;
	bool		is_pooled;		/* has no presence lock; there is only the lease */
} Peer;

static TimestampTz lease_end(TimestampTz now);
static Datum one_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls);
static bool says_pooled(FunctionCallInfo fcinfo);
static void take_presence(int64 worker_key);
static int64 insert_session(FunctionCallInfo fcinfo, TimestampTz now, bool is_pooled);
static List *find_peers(int64 worker_key);
static bool renew(int64 worker_key, TimestampTz now);
static int	sweep_peer(Peer *peer, TimestampTz now, int *next_ms);
static int	take_over(const Peer *peer, TimestampTz now);
static int	take_strays(TimestampTz now);
static int	take_tasks(int64 worker_key, TimestampTz now);
static int	fail_only_attempts(int64 worker_key, TimestampTz now);

/*
 * df.attach(boot_id, name, queues, activities, slots, details): begin or resume a
 * worker's session on this, its control connection.
 */
Datum
df_attach(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	TimestampTz now = GetCurrentTimestamp();
	Datum		boot_id = PG_GETARG_DATUM(0);
	int64		worker_key;
	bool		is_pooled;
	Datum		values[4];
	bool		nulls[4] = {0};

	for (int i = 0; i < 5; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d of df.attach must not be null", i + 1)));
	}
	pgdf_refuse_in_engine("df.attach");
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_home_check(PG_GETARG_DATUM(5), PG_ARGISNULL(5));

	is_pooled = says_pooled(fcinfo);

	/* presence before the row: nobody may find the row of a worker that is not there */
	if (!is_pooled && pgdf_spi_execute(&find_statement, &boot_id, NULL) > 0)
	{
		take_presence(pgdf_spi_int64(0, 1));
		now = GetCurrentTimestamp();
	}
	worker_key = insert_session(fcinfo, now, is_pooled);
	if (!is_pooled)
		take_presence(worker_key);
	PGDF_FAULT(attached);
	SPI_finish();
	pgdf_leave(&caller);

	values[0] = Int64GetDatum(worker_key);
	values[1] = Int32GetDatum(pgdf_lease);
	values[2] = Int32GetDatum(pgdf_reconnect_grace);
	values[3] = CStringGetTextDatum(PGDF_VERSION);
	return one_row(fcinfo, values, nulls);
}

/*
 * df.sweep(worker_key): renew this worker's lease, take over from others that are
 * gone.  Returns (alive, taken, next_ms).
 */
Datum
df_sweep(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	int64		worker_key = PG_GETARG_INT64(0);
	TimestampTz now = GetCurrentTimestamp();
	int			next_ms = Min(SWEEP_IDLE_MS, pgdf_lease / 3);
	int			taken = 0;
	bool		is_alive;
	ListCell   *cell;
	Datum		values[3];
	bool		nulls[3] = {0};

	pgdf_refuse_in_engine("df.sweep");
	pgdf_enter(&caller);
	SPI_connect();
	is_alive = renew(worker_key, now);
	PGDF_FAULT(swept);
	foreach(cell, find_peers(worker_key))
		taken += sweep_peer(lfirst(cell), now, &next_ms);
	taken += take_strays(now);
	SPI_finish();
	pgdf_leave(&caller);

	values[0] = BoolGetDatum(is_alive);
	values[1] = Int32GetDatum(taken);
	values[2] = Int32GetDatum(Max(1, next_ms));
	return one_row(fcinfo, values, nulls);
}

/* df.idle(is_idle): say on the control connection that this worker sleeps, or works. */
Datum
df_idle(PG_FUNCTION_ARGS)
{
	pgdf_refuse_in_engine("df.idle");
	pgdf_idle_set(PG_GETARG_BOOL(0));
	PG_RETURN_VOID();
}

/* df.wake(): NOTIFY if a worker is idle. */
Datum
df_wake(PG_FUNCTION_ARGS)
{
	pgdf_refuse_in_engine("df.wake");
	PG_RETURN_BOOL(pgdf_wake_if_idle());
}

/* df.detach(worker_key): give everything back and end the session. */
Datum
df_detach(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	Datum		key = PG_GETARG_DATUM(0);
	uint64		given_back;

	pgdf_refuse_in_engine("df.detach");
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_wake_workers();
	given_back = pgdf_spi_execute(&give_back_statement, &key, NULL);
	given_back += fail_only_attempts(PG_GETARG_INT64(0), GetCurrentTimestamp());
	given_back += pgdf_map_detach(PG_GETARG_INT64(0), GetCurrentTimestamp());
	pgdf_spi_execute(&forget_statement, &key, NULL);
	pgdf_spi_execute(&delete_statement, &key, NULL);
	SPI_finish();
	pgdf_leave(&caller);
	pgdf_idle_set(false);
	pgdf_presence_release(PG_GETARG_INT64(0));
	PG_RETURN_INT32((int32) given_back);
}

static TimestampTz
lease_end(TimestampTz now)
{
	return TimestampTzPlusMilliseconds(now, pgdf_lease);
}

static Datum
one_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* Through a pooler a session lock would stay with a connection that serves others. */
static bool
says_pooled(FunctionCallInfo fcinfo)
{
	Datum		details = PG_GETARG_DATUM(5);
	bool		isnull;

	if (PG_ARGISNULL(5))
		return false;
	pgdf_spi_execute(&pooled_statement, &details, NULL);
	return DatumGetBool(pgdf_spi_datum(0, 1, &isnull));
}

static void
take_presence(int64 worker_key)
{
	if (!pgdf_presence_take(worker_key, PRESENCE_WAIT_MS))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("worker session " INT64_FORMAT " is in use by another connection", worker_key),
				 errhint("Two processes use one boot id; start one of them anew.")));
}

static int64
insert_session(FunctionCallInfo fcinfo, TimestampTz now, bool is_pooled)
{
	Datum		values[10];
	bool		nulls[10] = {0};

	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = ObjectIdGetDatum(GetSessionUserId());
	values[3] = PG_GETARG_DATUM(2);
	values[4] = PG_GETARG_DATUM(3);
	values[5] = PG_GETARG_DATUM(4);
	values[6] = PG_ARGISNULL(5) ? (Datum) 0 : PG_GETARG_DATUM(5);
	nulls[6] = PG_ARGISNULL(5);
	values[7] = TimestampTzGetDatum(now);
	values[8] = TimestampTzGetDatum(lease_end(now));
	values[9] = BoolGetDatum(is_pooled);
	pgdf_spi_execute(&insert_statement, values, nulls);
	return pgdf_spi_int64(0, 1);
}

static List *
find_peers(int64 worker_key)
{
	Datum		key = Int64GetDatum(worker_key);
	uint64		n = pgdf_spi_execute(&others_statement, &key, NULL);
	List	   *peers = NIL;

	for (uint64 row = 0; row < n; row++)
	{
		Peer	   *peer = palloc0(sizeof(Peer));
		bool		isnull;

		peer->worker_key = pgdf_spi_int64(row, 1);
		peer->absent_since = DatumGetTimestampTz(pgdf_spi_datum(row, 2, &isnull));
		peer->is_absent = !isnull;
		peer->lease_until = DatumGetTimestampTz(pgdf_spi_datum(row, 3, &isnull));
		peer->has_claims = DatumGetBool(pgdf_spi_datum(row, 4, &isnull));
		peer->is_pooled = DatumGetBool(pgdf_spi_datum(row, 5, &isnull));
		peers = lappend(peers, peer);
	}
	return peers;
}

/* False when the session has been swept away. */
static bool
renew(int64 worker_key, TimestampTz now)
{
	Datum		values[4];

	values[0] = Int64GetDatum(worker_key);
	values[1] = TimestampTzGetDatum(now);
	values[2] = TimestampTzGetDatum(lease_end(now));
	/* not more often than needed: two thirds of the lease may be left */
	values[3] = TimestampTzGetDatum(TimestampTzPlusMilliseconds(now, pgdf_lease / 4 * 3));
	if (pgdf_spi_execute(&renew_statement, values, NULL) > 0)
		return true;
	return pgdf_spi_execute(&exists_statement, values, NULL) > 0;
}

/* Returns how many of its tasks were taken over; lowers *next_ms to when to look again. */
static int
sweep_peer(Peer *peer, TimestampTz now, int *next_ms)
{
	TimestampTz over;
	Datum		values[2] = {Int64GetDatum(peer->worker_key), TimestampTzGetDatum(now)};
	bool		nulls[2] = {false, false};

	if (peer->has_claims)
		*next_ms = Min(*next_ms, SWEEP_BUSY_MS);

	if (peer->is_pooled)
		return peer->lease_until < now ? take_over(peer, now) : 0;
	if (pgdf_presence_is_held(peer->worker_key))
	{
		if (peer->is_absent)
		{
			nulls[1] = true;
			pgdf_spi_execute(&absent_statement, values, nulls);
			peer->is_absent = false;
		}
		return peer->lease_until < now ? take_over(peer, now) : 0;
	}

	if (!peer->is_absent)
	{
		pgdf_spi_execute(&absent_statement, values, nulls);
		*next_ms = Min(*next_ms, pgdf_reconnect_grace + 1);
		if (pgdf_reconnect_grace > 0)
			return 0;
		peer->absent_since = now;
	}
	/* after a restart of the server every worker is absent for a moment */
	over = TimestampTzPlusMilliseconds(Max(peer->absent_since, PgStartTime), pgdf_reconnect_grace);
	if (now < over)
	{
		*next_ms = Min(*next_ms, (int) ((over - now) / 1000) + 1);
		return 0;
	}
	return take_over(peer, now);
}

static int
take_over(const Peer *peer, TimestampTz now)
{
	Datum		values[3];
	bool		nulls[3] = {false, !peer->is_absent && peer->lease_until < now, false};
	int			taken;

	values[0] = Int64GetDatum(peer->worker_key);
	values[1] = TimestampTzGetDatum(peer->absent_since);
	values[2] = TimestampTzGetDatum(now);
	if (!pgdf_call_exclude(peer->worker_key) ||
		pgdf_spi_execute(&lock_statement, values, nulls) == 0)
		return 0;

	PGDF_FAULT(takeover_begun);
	taken = take_tasks(peer->worker_key, now);
	PGDF_FAULT(takeover_done);
	pgdf_spi_execute(&forget_statement, values, NULL);
	pgdf_spi_execute(&delete_statement, values, NULL);
	return taken;
}

static int
take_strays(TimestampTz now)
{
	uint64		n = pgdf_spi_execute(&strays_statement, NULL, NULL);
	int64	   *keys = palloc(Max(1, n) * sizeof(int64));
	int			taken = 0;

	for (uint64 row = 0; row < n; row++)
		keys[row] = pgdf_spi_int64(row, 1);
	for (uint64 i = 0; i < n; i++)
	{
		if (pgdf_call_exclude(keys[i]))
			taken += take_tasks(keys[i], now);
	}
	return taken;
}

/* Put what a worker held back into the queues; it is gone. */
static int
take_tasks(int64 worker_key, TimestampTz now)
{
	Datum		values[2] = {Int64GetDatum(worker_key), Int32GetDatum(pgdf_max_deliveries)};
	uint64		taken;

	pgdf_wake_workers();
	taken = pgdf_spi_execute(&requeue_statement, values, NULL);
	return (int) taken + fail_only_attempts(worker_key, now) + pgdf_map_take_over(worker_key, now);
}

/* Whether they were started nobody knows: they are not started again. */
static int
fail_only_attempts(int64 worker_key, TimestampTz now)
{
	Failure		lost = {.error_type = "WorkerLost",
	.message = "worker was lost while it ran the only attempt", .is_non_retriable = true};
	Datum		values[3] = {
		Int64GetDatum(worker_key), PointerGetDatum(pgdf_failure_to_json(&lost)),
		TimestampTzGetDatum(now)
	};

	return (int) pgdf_spi_execute(&fail_statement, values, NULL);
}

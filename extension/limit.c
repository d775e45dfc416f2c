/*
 * limit.c
 *		Limits of activities: how many tasks may run, and how many may begin in a
 *		second, over all workers (df_limit).
 *
 * What is running is counted, not kept in a counter: the rows of df.tasks that are
 * claimed.  So takeover, cancellation and crashes need no care.  A claim of a
 * limited activity holds the row of its bucket until it commits; another session
 * that finds the row locked leaves the lane for now (SKIP LOCKED) and asks again in
 * 20 ms.  Lanes of other activities never look at it.
 *
 * df_limit() writes df.limits, claims write df.limit_buckets: a transaction that
 * has changed a limit and does not end holds up nobody.
 *
 * SQL activities with a limit do not run inside engine calls: each has a lane of
 * its own, from which it is claimed as those of the slow lane are.  So has a
 * registered HTTP activity, for those without a limit share a lane; items of maps of
 * HTTP activities are claimed from that of maps, and not limited.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "identity.h"
#include "limit.h"
#include "map.h"
#include "registry.h"
#include "spi.h"
#include "turn.h"
#include "wake.h"

#define RATE_MAX			1000000.0
#define RUNNING_MAX			1000000

/* A bucket holds what accrues in a tenth of a second, and at least one token. */
#define BURST_SECONDS		0.1

/* When to look again for a slot that nobody has told of, in ms. */
#define SLOT_POLL_MS		1000

static PgdfStatement set_statement = {
	"INSERT INTO df.limits (name_key, name, max_running, rate) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (name_key) DO UPDATE"
	"    SET name = EXCLUDED.name, max_running = EXCLUDED.max_running, rate = EXCLUDED.rate",
	4, {TEXTOID, TEXTOID, INT4OID, FLOAT8OID}
};

/* The row stays: its lane may still have tasks. */
static PgdfStatement remove_statement = {
	"UPDATE df.limits SET max_running = NULL, rate = NULL WHERE name_key = $1",
	1, {TEXTOID}
};

static PgdfStatement bucket_statement = {
	"INSERT INTO df.limit_buckets (name_key, tokens, refilled_at) VALUES ($1, 1, $2)"
	" ON CONFLICT DO NOTHING",
	2, {TEXTOID, TIMESTAMPTZOID}
};

static PgdfStatement owner_statement = {
	"SELECT registrar::oid, kind FROM df.registrations WHERE name_key = $1 LIMIT 1",
	1, {TEXTOID}
};

static PgdfStatement names_statement = {
	"SELECT name_key FROM df.limits ORDER BY name_key",
	0, {0}
};

static PgdfStatement waiting_statement = {
	"SELECT EXISTS (SELECT FROM df.tasks WHERE state = 0 AND queue = $1 AND lane = $2)",
	2, {TEXTOID, TEXTOID}
};

static PgdfStatement lock_statement = {
	"SELECT l.max_running, l.rate, b.tokens, b.refilled_at"
	"  FROM (SELECT * FROM df.limit_buckets WHERE name_key = $1 FOR UPDATE SKIP LOCKED) b"
	" CROSS JOIN LATERAL (SELECT * FROM df.limits WHERE name_key = b.name_key OFFSET 0) l",
	1, {TEXTOID}
};

/*
 * Those that were claimed from lanes of several activities before there was a limit
 * count too; of a chunk of a map, each item.
 */
static PgdfStatement running_statement = {
	"SELECT coalesce(sum(coalesce(bit_count(open_items::bit(64)), 1)), 0)::bigint FROM df.tasks"
	" WHERE state = 1 AND worker_key IS NOT NULL"
	"   AND (lane = $1 OR (left(lane, 1) = '*' OR lane = 'df_http') AND lower(name) = $1)",
	1, {TEXTOID}
};

static PgdfStatement take_statement = {
	"UPDATE df.limit_buckets SET tokens = $2, refilled_at = $3 WHERE name_key = $1",
	3, {TEXTOID, FLOAT8OID, TIMESTAMPTZOID}
};

PG_FUNCTION_INFO_V1(df_limit);

static void check_arguments(FunctionCallInfo fcinfo);
static void check_right(const char *name, Oid role);
static void on_limits_changed(Datum arg, Oid relation);
static bool is_waiting(const char *queue, const char *lane);
static int	free_slots(const char *name_key, int max_running);
static void refill(LimitGrant *state, double rate);
static void write_bucket(const LimitGrant *state, double tokens);
static void wait_ms(Engine *engine, int64 ms);

/* Names with a limit, as this session knows them. */
static List *names = NIL;
static MemoryContext names_context = NULL;
static bool names_are_known = false;
static Oid	limits_relation = InvalidOid;

/* df_limit(activity, max_running, rate): both NULL takes the limit away. */
Datum
df_limit(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	PgdfIdentity caller;
	char	   *name;
	Datum		values[4];
	bool		nulls[4] = {false, false, PG_ARGISNULL(1), PG_ARGISNULL(2)};

	pgdf_refuse_in_engine("df_limit");
	PreventCommandIfReadOnly("df_limit()");
	check_arguments(fcinfo);
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	pgdf_enter(&caller);
	SPI_connect();
	check_right(name, role);
	pgdf_wake_workers();		/* there may be more to claim */
	values[0] = CStringGetTextDatum(pgdf_name_key(name));
	values[1] = PG_GETARG_DATUM(0);
	values[2] = PG_GETARG_DATUM(1);
	values[3] = PG_GETARG_DATUM(2);
	if (nulls[2] && nulls[3])
		pgdf_spi_execute(&remove_statement, values, NULL);
	else
	{
		pgdf_spi_execute(&set_statement, values, nulls);
		values[1] = TimestampTzGetDatum(GetCurrentTimestamp());
		pgdf_spi_execute(&bucket_statement, values, NULL);
		CacheInvalidateRelcacheByRelid(get_relname_relid("limits", get_namespace_oid("df", false)));
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_VOID();
}

static void
check_arguments(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("activity name must not be null")));
	pgdf_check_name(text_to_cstring(PG_GETARG_TEXT_PP(0)), "activity name", PGDF_NAME_MAX);
	if (!PG_ARGISNULL(1) && (PG_GETARG_INT32(1) < 0 || PG_GETARG_INT32(1) > RUNNING_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid max_running %d", PG_GETARG_INT32(1)),
				 errdetail("It must be from 0 to %d.", RUNNING_MAX)));
	if (!PG_ARGISNULL(2) && !(PG_GETARG_FLOAT8(2) > 0 && PG_GETARG_FLOAT8(2) <= RATE_MAX))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid rate %g", PG_GETARG_FLOAT8(2)),
				 errdetail("It must be more than 0 and at most %.0f a second.", RATE_MAX),
				 errhint("To let none begin, set max_running to 0.")));
}

/* An activity that nobody has registered is everybody's: administrators limit it. */
static void
check_right(const char *name, Oid role)
{
	Datum		key = CStringGetTextDatum(pgdf_name_key(name));
	bool		is_registered = pgdf_spi_execute_latest(&owner_statement, &key, NULL) > 0;
	bool		isnull;
	Oid			owner;

	if (is_registered && strcmp(pgdf_spi_cstring(0, 2), "orchestrator") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is an orchestrator, not an activity", name)));
	if (!is_registered && !pgdf_is_admin(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to limit activity \"%s\"", name),
				 errdetail("It is not registered, and only an administrator can limit it."),
				 errhint("Register it with df_register_activity() first.")));
	owner = is_registered ? DatumGetObjectId(pgdf_spi_datum(0, 1, &isnull)) : role;
	if (!pgdf_may_act_for(role, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of name \"%s\"", name),
				 errdetail("It belongs to role \"%s\".", GetUserNameFromId(owner, true))));
}

/* ------------------------------------------------------------ names and lanes */

List *
pgdf_limit_names(void)
{
	static bool is_watching = false;
	MemoryContext caller;
	uint64		n;

	if (names_are_known)
		return names;
	limits_relation = get_relname_relid("limits", get_namespace_oid("df", false));
	if (!OidIsValid(limits_relation))
		return NIL;				/* a database that was not updated to 1.1 */
	if (!is_watching)
	{
		CacheRegisterRelcacheCallback(on_limits_changed, (Datum) 0);
		names_context = AllocSetContextCreate(TopMemoryContext, "pgdf limits", ALLOCSET_SMALL_SIZES);
		is_watching = true;
	}
	names_are_known = true;		/* before looking: an invalidation meanwhile counts */
	names = NIL;
	MemoryContextReset(names_context);
	n = pgdf_spi_execute(&names_statement, NULL, NULL);
	caller = MemoryContextSwitchTo(names_context);
	for (uint64 row = 0; row < n; row++)
		names = lappend(names, pgdf_spi_cstring(row, 1));
	MemoryContextSwitchTo(caller);
	return names;
}

static void
on_limits_changed(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == limits_relation)
		names_are_known = false;
}

bool
pgdf_limit_is_set(const char *name)
{
	List	   *limited = pgdf_limit_names();
	ListCell   *cell;
	char	   *key;

	if (limited == NIL)
		return false;
	key = pgdf_name_key(name);
	foreach(cell, limited)
	{
		if (strcmp(lfirst(cell), key) == 0)
			return true;
	}
	return false;
}

text *
pgdf_limit_lane(const char *name)
{
	return cstring_to_text(psprintf(PGDF_LANE_LIMITED "%s", pgdf_name_key(name)));
}

text *
pgdf_limit_http_lane(const char *name)
{
	return cstring_to_text(psprintf(PGDF_LANE_LIMITED_HTTP "%s", pgdf_name_key(name)));
}

const char *
pgdf_limit_lane_name(const char *lane)
{
	static const char *const prefixes[] = {PGDF_LANE_LIMITED, PGDF_LANE_LIMITED_HTTP, MAP_LANE_LIMITED, MAP_LANE_PREFIX};

	for (int i = 0; i < lengthof(prefixes); i++)
	{
		size_t		length = strlen(prefixes[i]);

		if (strncmp(lane, prefixes[i], length) == 0)
			return lane + length;
	}
	return lane;
}

/* --------------------------------------------------------------------- claims */

int
pgdf_limit_admit(Engine *engine, const char *queue, const char *lane, int room, LimitGrant *state)
{
	const char *name = pgdf_limit_lane_name(lane);
	int			max_running;
	double		rate;
	bool		no_max;
	bool		no_rate;
	bool		isnull;
	Datum		key;

	memset(state, 0, sizeof(LimitGrant));
	if (!pgdf_limit_is_set(name))
		return room;
	if (!is_waiting(queue, lane))
		return 0;
	key = CStringGetTextDatum(name);
	if (pgdf_spi_execute(&lock_statement, &key, NULL) == 0)
	{
		engine->skipped = true;
		return 0;
	}
	max_running = DatumGetInt32(pgdf_spi_datum(0, 1, &no_max));
	rate = DatumGetFloat8(pgdf_spi_datum(0, 2, &no_rate));
	state->tokens = DatumGetFloat8(pgdf_spi_datum(0, 3, &isnull));
	state->refilled_at = DatumGetTimestampTz(pgdf_spi_datum(0, 4, &isnull));
	if (no_max && no_rate)
		return room;
	state->name_key = name;

	if (!no_max)
	{
		room = Min(room, free_slots(name, max_running));
		if (room <= 0)
			wait_ms(engine, SLOT_POLL_MS);
	}
	if (!no_rate && room > 0)
	{
		state->has_rate = true;
		refill(state, rate);
		if (state->tokens < 1)
			wait_ms(engine, (int64) ceil((1 - state->tokens) / rate * 1000));
		room = (int) Min((double) room, floor(state->tokens));
	}
	return Max(0, room);
}

void
pgdf_limit_note_claims(Engine *engine, const LimitGrant *state, int claimed)
{
	if (state->name_key == NULL || claimed == 0)
		return;
	/* a claim that is lost in a crash of the server would run beside the one after it */
	engine->must_be_durable = true;
	if (state->has_rate)
		write_bucket(state, state->tokens - claimed);
}

static bool
is_waiting(const char *queue, const char *lane)
{
	Datum		values[2] = {CStringGetTextDatum(queue), CStringGetTextDatum(lane)};
	bool		isnull;

	pgdf_spi_execute(&waiting_statement, values, NULL);
	return DatumGetBool(pgdf_spi_datum(0, 1, &isnull));
}

/* With a snapshot that is newer than the lock: it sees every claim that held the lock before. */
static int
free_slots(const char *name_key, int max_running)
{
	Datum		key = CStringGetTextDatum(name_key);

	pgdf_spi_execute(&running_statement, &key, NULL);
	return max_running - (int) Min(pgdf_spi_int64(0, 1), RUNNING_MAX);
}

/* A clock that was set back gives no tokens, and is the one that counts from now on. */
static void
refill(LimitGrant *state, double rate)
{
	TimestampTz now = GetCurrentTimestamp();
	bool		is_set_back = now < state->refilled_at;
	double		seconds = Max(0, now - state->refilled_at) / 1000000.0;

	state->tokens = Min(Max(1, rate * BURST_SECONDS), state->tokens + seconds * rate);
	state->refilled_at = now;
	if (is_set_back)
		write_bucket(state, state->tokens);
}

static void
write_bucket(const LimitGrant *state, double tokens)
{
	Datum		values[3] = {
		CStringGetTextDatum(state->name_key), Float8GetDatum(tokens),
		TimestampTzGetDatum(state->refilled_at)
	};

	pgdf_spi_execute(&take_statement, values, NULL);
}

/* Nothing tells this worker: it asks again after so long. */
static void
wait_ms(Engine *engine, int64 ms)
{
	ms = Max(1, ms);
	if (engine->limit_due_ms == 0 || ms < engine->limit_due_ms)
		engine->limit_due_ms = ms;
}

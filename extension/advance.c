/*
 * advance.c
 *		The second part of an engine call: instances that have something in their
 *		inbox, and what they do with it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "advance.h"
#include "inbox.h"
#include "instance.h"
#include "map.h"
#include "probe.h"
#include "spi.h"
#include "sql_activity.h"

/* Rows whose instances are gone are looked for among so many. */
#define ORPHANS_WINDOW	1000

/* Instances that are taken from the inbox at a time: first, and later on. */
#define TAKE_FIRST		8
#define TAKE_AT_ONCE	64

/* Rows of instances that were purged; a start that was to replace one of them is still to be done. */
static PgdfStatement orphans_statement = {
	"WITH gone AS ("
	"    DELETE FROM df.inbox WHERE inbox_id IN ("
	"        SELECT i.inbox_id FROM (SELECT inbox_id, instance_key FROM df.inbox"
	"                                 ORDER BY inbox_id LIMIT $1) i"
	"          LEFT JOIN df.instance_state s ON s.instance_key = i.instance_key"
	"         WHERE s.instance_key IS NULL)"
	"    RETURNING inbox_id, name, payload)"
	" SELECT payload FROM gone WHERE name = '" PGDF_REPLACE_NAME "' ORDER BY inbox_id",
	1, {INT4OID}
};

static PgdfStatement poison_statement = {
	"UPDATE df.instance_state"
	"   SET turn_failures = least(turn_failures + 1, 2 * $3),"
	"       blocked_reason = CASE WHEN turn_failures + 1 >= $3 THEN $2 ELSE blocked_reason END"
	" WHERE instance_key = $1"
	" RETURNING name, version",
	3, {INT8OID, TEXTOID, INT4OID}
};

static PgdfStatement blocked_hash_statement = {
	"UPDATE df.instance_state SET blocked_hash = $2 WHERE instance_key = $1",
	2, {INT8OID, TEXTOID}
};

bool		pgdf_owners_wait = false;

static void advance(WorkCall *call);
static void advance_contained(WorkCall *call);
static bool is_passing(const ErrorData *error);
static bool is_contention(const ErrorData *error);
static void collect_orphans(Engine *engine);
static void note_poison(Engine *engine, const ErrorData *error);
static void advance_inbox(WorkCall *call);
static int	fit(const Engine *engine, int taken);
static int	take_first(Engine *engine, InboxWalk *walk);

void
pgdf_advance(WorkCall *call)
{
	if (call->engine->is_careful)
		advance_contained(call);
	else
		advance(call);
}

static void
advance(WorkCall *call)
{
	Engine	   *engine = call->engine;

	if (call->mode != WORK_NORMAL)
		collect_orphans(engine);
	advance_inbox(call);
	if (!engine->is_careful || engine->suspect == 0)
	{
		pgdf_sql_lane_run(engine, engine->is_careful ? 1 : Max(call->room, 1));
		pgdf_map_sql_run(engine);
	}
	pgdf_engine_advance(engine);
	pgdf_engine_flush(engine);
}

/*
 * The call before this one raised an error.  One instance at a time, in a
 * subtransaction: the one that raises it again is counted, and stands still
 * after the third time; the others go on.
 */
static void
advance_contained(WorkCall *call)
{
	Engine	   *engine = call->engine;
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	engine->suspect = 0;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		advance(call);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = resource_owner;

	if (error == NULL)
		return;
	if (engine->suspect == 0 || is_passing(error))
		ReThrowError(error);
	pgdf_engine_forget(engine);
	note_poison(engine, error);
	engine->more = true;
	engine->must_be_durable = true;
}

/* Locks and deadlocks: somebody's transaction is in the way, perhaps for hours. */
static bool
is_contention(const ErrorData *error)
{
	return pgdf_error_is_transient(error) &&
		ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_INTERNAL_ERROR;
}

static void
note_poison(Engine *engine, const ErrorData *error)
{
	const char *message = pgdf_clip(error->message);
	char	   *reason = psprintf("what it decided could not be written: %s (SQLSTATE %s)",
								  message, unpack_sql_state(error->sqlerrcode));
	Datum		values[3] = {
		Int64GetDatum(engine->suspect), CStringGetTextDatum(reason), Int32GetDatum(PGDF_POISON_FAILURES)
	};
	const Registration *registration;
	const char *hash;
	bool		nulls[2] = {false, false};

	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("could not advance instance " INT64_FORMAT ": %s", engine->suspect, message)));
	if (pgdf_spi_execute(&poison_statement, values, NULL) == 0)
		return;

	/* tried again when its code has changed; or at the next scan, when it stumbled over what others hold */
	registration = pgdf_engine_registration(engine, pgdf_spi_cstring(0, 1), pgdf_spi_cstring(0, 2));
	hash = is_contention(error) ? "" : registration ? pgdf_registry_current_hash(registration) : NULL;
	nulls[1] = hash == NULL;
	values[1] = hash ? CStringGetTextDatum(hash) : (Datum) 0;
	pgdf_spi_execute(&blocked_hash_statement, values, nulls);
}

/* Of the server's state, not of this instance: class XX is neither here nor there, so it counts. */
static bool
is_passing(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return false;
	}
}

static void
collect_orphans(Engine *engine)
{
	Datum		window = Int32GetDatum(ORPHANS_WINDOW);
	uint64		n = pgdf_spi_execute(&orphans_statement, &window, NULL);
	SPITupleTable *rows = SPI_tuptable;

	for (uint64 row = 0; row < n; row++)
	{
		StartRequest request;

		SPI_tuptable = rows;	/* a start runs statements of its own */
		pgdf_start_request_parse(pgdf_spi_text(row, 1, CurrentMemoryContext), &request);
		(void) pgdf_instance_try_start(&request);
		engine->sent++;
		engine->more = true;
	}
}

/*
 * A few instances of the inbox at a time, as long as there is time: what is taken out and
 * cannot have its turn has to be written again.  Before the second time, what results have
 * woken has its turns.
 */
static void
advance_inbox(WorkCall *call)
{
	Engine	   *engine = call->engine;
	InboxWalk  *walk = pgdf_inbox_begin(engine, call->mode == WORK_NORMAL);
	int			last = take_first(engine, walk);
	int			taken = last;

	pgdf_engine_advance(engine);
	while (last > 0 && engine->turns_left > 0 && GetCurrentTimestamp() < engine->deadline)
	{
		last = pgdf_inbox_take(walk, Min(engine->turns_left, fit(engine, taken)));
		taken += last;
		pgdf_engine_advance(engine);
	}
	pgdf_inbox_end(walk);
}

/* So many more instances will have their turns in the time that is left, if these are like those. */
static int
fit(const Engine *engine, int taken)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		fitting = taken * (engine->deadline - now) / Max(1, now - engine->now);

	return (int) Max(1, Min(fitting, TAKE_AT_ONCE));
}

/* Results must not keep the oldest of the others from their turns. */
static int
take_first(Engine *engine, InboxWalk *walk)
{
	List	   *woken = engine->ready;
	int			taken;

	if (engine->turns_left <= 0)
		return 0;
	engine->ready = NIL;
	taken = pgdf_inbox_take(walk, Min(engine->turns_left, TAKE_FIRST));
	engine->ready = list_concat(engine->ready, woken);
	return taken;
}

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
#include "fault.h"
#include "instance.h"
#include "map.h"
#include "probe.h"
#include "spi.h"
#include "sql_activity.h"
#include "user_code.h"

/*
 * Inbox rows looked at in one call: as many as there are turns for and a few more.
 * If other sessions hold all of those, so many.
 */
#define INBOX_MARGIN	50
#define INBOX_WINDOW	1000

/*
 * Dead rows that an old snapshot keeps lie before the living ones.  When to pass them takes
 * so long, a look begins at the row that was the oldest a while ago; one that is
 * committed later than that, with a lower number, is found by the next look at
 * everything.
 */
#define SLOW_LOOK_MS	3
#define INBOX_MARK_MS	1000

static struct
{
	bool		is_needed;
	int64		from;			/* oldest at the look at everything before the last one */
	int64		next;			/* at the last one */
	TimestampTz looked_at;		/* when that was */
}			marks;

/* So often in a row may writing what an instance decided raise an error. */
#define POISON_FAILURES	3

/* An instance that the inbox has something for. */
typedef struct ReadyInstance
{
	int64		key;
	Oid			owner;
} ReadyInstance;

/*
 * What waits for quarantined instances is left out here, and does not fill the
 * window: nobody else would be seen.  Twice POISON_FAILURES: their termination
 * has been tried as well.
 */
static PgdfStatement ready_statement = {
	"SELECT i.instance_key, s.owner::oid, min(i.inbox_id), count(*)"
	"  FROM (SELECT inbox_id, instance_key FROM df.inbox"
	"         WHERE inbox_id >= $3 AND (instance_key <> ALL (ARRAY("
	"                   SELECT instance_key FROM df.instance_state"
	"                    WHERE blocked_reason IS NOT NULL AND turn_failures > 0))"
	"            OR (event_type = 3 AND instance_key <> ALL (ARRAY("
	"                   SELECT instance_key FROM df.instance_state"
	"                    WHERE blocked_reason IS NOT NULL AND turn_failures >= 2 * $2))))"
	"         ORDER BY inbox_id LIMIT $1) i"
	"  LEFT JOIN LATERAL (SELECT owner FROM df.instance_state"
	"                      WHERE instance_key = i.instance_key OFFSET 0) s ON true"
	" GROUP BY i.instance_key, s.owner"
	" ORDER BY 3",
	3, {INT4OID, INT4OID, INT8OID}
};

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

static PgdfStatement take_inbox_statement = {
	"WITH taken AS (DELETE FROM df.inbox WHERE instance_key = ANY ($1) RETURNING *)"
	" SELECT instance_key, execution, event_type, task_id, event_time, name, payload, failure"
	"   FROM taken ORDER BY inbox_id",
	1, {INT8ARRAYOID}
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
static void collect_inbox(WorkCall *call);
static int	turns_for_inbox(const Engine *engine);
static bool look_at_inbox(Engine *engine, int window);
static int64 inbox_mark(const Engine *engine);
static void note_inbox_mark(const Engine *engine, int64 oldest, TimestampTz started);
static int	lock_ready(Engine *engine, const ReadyInstance *ready, int nready, int64 *keys);
static void note_replacements(Engine *engine, uint64 nrows);
static bool is_overtaken(Engine *engine, int64 key, uint64 row);
static void take_inbox(Engine *engine, const int64 *keys, int nkeys);

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

	collect_inbox(call);
	pgdf_engine_advance(engine);
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
		Int64GetDatum(engine->suspect), CStringGetTextDatum(reason), Int32GetDatum(POISON_FAILURES)
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
	Datum		window = Int32GetDatum(INBOX_WINDOW);
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

/* The inbox is the list of ready instances: lock those of one owner, and take their rows. */
static void
collect_inbox(WorkCall *call)
{
	Engine	   *engine = call->engine;
	int			window = turns_for_inbox(engine) + INBOX_MARGIN;

	if (call->mode != WORK_NORMAL)
		collect_orphans(engine);
	if (call->mode != WORK_NORMAL)
		marks.is_needed = false;	/* everything */
	if (!look_at_inbox(engine, Min(window, INBOX_WINDOW)) && window < INBOX_WINDOW)
		(void) look_at_inbox(engine, INBOX_WINDOW);
}

/* Where a look begins. */
static int64
inbox_mark(const Engine *engine)
{
	bool		is_fresh = !TimestampDifferenceExceeds(marks.looked_at, engine->now, INBOX_MARK_MS);

	return marks.is_needed && is_fresh ? marks.from : 0;
}

/* A look at everything has found this to be the oldest row, and that it took so long. */
static void
note_inbox_mark(const Engine *engine, int64 oldest, TimestampTz started)
{
	marks.is_needed = TimestampDifferenceExceeds(started, GetCurrentTimestamp(), SLOW_LOOK_MS);
	if (!TimestampDifferenceExceeds(marks.looked_at, engine->now, INBOX_MARK_MS))
		return;
	marks.from = marks.next;
	marks.next = oldest;
	marks.looked_at = engine->now;
}

/* What results have woken has its turns first, but does not keep others from theirs. */
static int
turns_for_inbox(const Engine *engine)
{
	int			woken = list_length(engine->ready);

	return Max(engine->turns_left - woken, (engine->turns_left + 3) / 4);
}

/* False when there was more than fits into the window, and nothing of it could be locked. */
static bool
look_at_inbox(Engine *engine, int window)
{
	int64		mark = inbox_mark(engine);
	TimestampTz started = GetCurrentTimestamp();
	Datum		values[3] = {
		Int32GetDatum(window), Int32GetDatum(POISON_FAILURES), Int64GetDatum(mark)
	};
	uint64		n = pgdf_probe_from("inbox", "inbox_pkey", mark) ?
		pgdf_spi_execute(&ready_statement, values, NULL) : 0;
	ReadyInstance *ready = palloc(Max(1, n) * sizeof(ReadyInstance));
	int64	   *keys = palloc(Max(1, n) * sizeof(int64));
	int64		nrows = 0;
	uint64		nready = 0;
	List	   *tried = NIL;
	int			nlocked = 0;

	for (uint64 row = 0; row < n; row++)
	{
		bool		is_orphan;

		ready[nready].key = pgdf_spi_int64(row, 1);
		ready[nready].owner = DatumGetObjectId(pgdf_spi_datum(row, 2, &is_orphan));
		nrows += pgdf_spi_int64(row, 4);
		nready += is_orphan ? 0 : 1;
	}

	if (mark == 0)
		note_inbox_mark(engine, n > 0 ? pgdf_spi_int64(0, 3) : marks.next, started);

	/* the owner who comes first, unless other sessions hold all that he has here */
	if (OidIsValid(engine->owner))
		nlocked = lock_ready(engine, ready, nready, keys);
	for (uint64 i = 0; i < nready && !OidIsValid(engine->owner); i++)
	{
		if (list_member_oid(tried, ready[i].owner))
			continue;
		tried = lappend_oid(tried, ready[i].owner);
		engine->owner = ready[i].owner;
		nlocked = lock_ready(engine, ready + i, nready - i, keys);
		if (nlocked > 0)
			pgdf_session_reset(engine->owner);
		else
			engine->owner = InvalidOid;
	}

	pgdf_owners_wait = false;
	for (uint64 i = 0; i < nready && OidIsValid(engine->owner); i++)
		pgdf_owners_wait = pgdf_owners_wait || ready[i].owner != engine->owner;
	engine->more = engine->more || pgdf_owners_wait || nrows >= window;
	if (nlocked > 0)
		take_inbox(engine, keys, nlocked);
	return nlocked > 0 || nrows < window;
}

/*
 * Lock what is ready of the engine's owner, as much as there are turns for.
 * Returns how many, and their keys in keys.
 */
static int
lock_ready(Engine *engine, const ReadyInstance *ready, int nready, int64 *keys)
{
	int			next = 0;
	int			nlocked = 0;
	int			limit = turns_for_inbox(engine);

	while (nlocked == 0 && next < nready && limit > 0)
	{
		int			nkeys = 0;

		for (; next < nready && nkeys < limit; next++)
		{
			if (ready[next].owner == engine->owner)
				keys[nkeys++] = ready[next].key;
		}
		if (nkeys == 0)
			break;
		engine->suspect = keys[0];
		pgdf_engine_lock(engine, keys, nkeys);
		for (int i = 0; i < nkeys; i++)
		{
			if (pgdf_engine_find(engine, keys[i]) != NULL)
				keys[nlocked++] = keys[i];
		}
		if (nlocked < nkeys)
			engine->skipped = true;
		if (nlocked == 0)
			engine->suspect = 0;
	}

	for (; next < nready; next++)
	{
		if (ready[next].owner == engine->owner)
			engine->more = true;
	}
	return nlocked;
}

static void
take_inbox(Engine *engine, const int64 *keys, int nkeys)
{
	ColumnArray column;
	Datum		value;
	SPITupleTable *rows;
	uint64		n;

	pgdf_column_init(&column, nkeys);
	for (int i = 0; i < nkeys; i++)
		pgdf_column_set(&column, i, Int64GetDatum(keys[i]), false);
	value = pgdf_column_array(&column, INT8ARRAYOID);
	n = pgdf_spi_execute(&take_inbox_statement, &value, NULL);
	rows = SPI_tuptable;
	engine->must_be_durable = engine->must_be_durable || n > 0;
	note_replacements(engine, n);

	for (uint64 row = 0; row < n; row++)
	{
		Delivery	delivery = {0};
		bool		isnull;
		int64		key;

		SPI_tuptable = rows;	/* a delivery may run statements of its own */
		key = pgdf_spi_int64(row, 1);
		if (is_overtaken(engine, key, row))
			continue;
		delivery.execution = DatumGetInt32(pgdf_spi_datum(row, 2, &isnull));
		if (isnull)
			delivery.execution = -1;
		delivery.type = (EventType) pgdf_spi_int16(row, 3);
		delivery.task_id = DatumGetInt32(pgdf_spi_datum(row, 4, &isnull));
		if (isnull)
			delivery.task_id = 0;
		delivery.time = DatumGetTimestampTz(pgdf_spi_datum(row, 5, &isnull));
		delivery.name = pgdf_spi_text(row, 6, CurrentMemoryContext);
		delivery.payload = pgdf_spi_text(row, 7, CurrentMemoryContext);
		delivery.failure = pgdf_spi_text(row, 8, CurrentMemoryContext);
		pgdf_engine_deliver(engine, key, &delivery);
		CHECK_FOR_INTERRUPTS();
	}
	PGDF_FAULT(inbox_taken);
}

/* Which rows of the last result begin which instance anew. */
static void
note_replacements(Engine *engine, uint64 nrows)
{
	for (uint64 row = 0; row < nrows; row++)
	{
		Delivery	delivery = {.type = (EventType) pgdf_spi_int16(row, 3)};
		Instance   *instance;

		if (delivery.type != EVENT_EXECUTION_TERMINATED)
			continue;
		delivery.name = pgdf_spi_text(row, 6, CurrentMemoryContext);
		instance = pgdf_engine_find(engine, pgdf_spi_int64(row, 1));
		if (instance == NULL || !pgdf_delivery_is_replacement(&delivery))
			continue;
		if (instance->first_replacement == 0)
			instance->first_replacement = row + 1;
		instance->last_replacement = row + 1;
	}
}

/*
 * Of several replacements only the last one is carried out, so that many of them
 * are no more work than one: the run that another would begin ends before its
 * first turn, and with it what came for that.
 */
static bool
is_overtaken(Engine *engine, int64 key, uint64 row)
{
	const Instance *instance = pgdf_engine_find(engine, key);

	return instance != NULL && instance->first_replacement != 0 &&
		row + 1 >= instance->first_replacement && row + 1 < instance->last_replacement;
}

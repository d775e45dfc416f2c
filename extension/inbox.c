/*
 * inbox.c
 *		The inbox as the list of ready instances.
 *
 * A call takes a few instances at a time, as long as it has time for them: a row
 * that was taken and not worked off has to be written again.  Rows are seen as
 * they were when the walk began, so what the call itself sends waits for the next
 * one.  An instance whose row is locked by another session is passed over, and so
 * are quarantined ones, and those of other owners.
 *
 * Only who holds an instance's row lock deletes its inbox rows.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "fault.h"
#include "inbox.h"
#include "user_code.h"

/* So many rows are looked at in one call, of instances that can be locked or not. */
#define ROWS_MAX		1000

/* Keys of instances are positive; 0 is in rows whose instance was purged before they were written. */
#define NO_KEY			(-1)

/*
 * Dead rows that an old snapshot keeps lie before the living ones.  When to pass them takes
 * so long, a walk begins at the row that was the oldest a while ago; one that is
 * committed later than that, with a lower number, is found by the next walk from the
 * beginning.  That is made after a second, or after ten times what it took.
 */
#define SLOW_LOOK_MS	3
#define MARK_MS			250
#define WHOLE_MS		1000
#define WHOLE_PART		10

static struct
{
	bool		is_needed;
	int64		from;			/* the oldest row, at the look before the last one */
	int64		next;			/* at the last one */
	TimestampTz looked_at;		/* when that was */
	TimestampTz look_whole_at;	/* when to begin with the oldest row again */
}			marks;

static const char *const inbox_names[] = {
	"inbox_id", "instance_key", "execution", "event_type", "task_id", "event_time", "name",
	"payload", "failure"
};

typedef enum InboxColumn
{
	INBOX_ID, INBOX_INSTANCE_KEY, INBOX_EXECUTION, INBOX_EVENT_TYPE, INBOX_TASK_ID,
	INBOX_EVENT_TIME, INBOX_NAME, INBOX_PAYLOAD, INBOX_FAILURE
} InboxColumn;

static const char *const state_names[] = {"owner", "blocked_reason", "turn_failures"};

typedef enum StateColumn
{
	STATE_OWNER, STATE_BLOCKED_REASON, STATE_TURN_FAILURES
} StateColumn;

static ScanColumns inbox_columns = {inbox_names, lengthof(inbox_names)};
static ScanColumns state_columns = {state_names, lengthof(state_names)};

/* What the walk knows of an instance. */
typedef enum Standing
{
	STANDING_OPEN,				/* to be taken */
	STANDING_SETTLED,			/* taken, locked by another session, or purged */
	STANDING_FOREIGN,			/* another owner's */
	STANDING_BLOCKED,			/* quarantined: only its termination is tried */
	STANDING_HOPELESS			/* and that has been tried as well */
} Standing;

typedef struct KnownInstance
{
	int64		key;			/* hash key */
	Standing	standing;
} KnownInstance;

/* A row that was taken out. */
typedef struct InboxRow
{
	int64		inbox_id;
	int64		instance_key;
	Delivery	delivery;
} InboxRow;

typedef struct InboxRows
{
	InboxRow   *rows;
	int			count;
	int			capacity;
} InboxRows;

struct InboxWalk
{
	Engine	   *engine;
	Snapshot	snapshot;		/* of the rows */
	HTAB	   *known;			/* KnownInstance; NULL: there was no row yet */
	int64		found_key;		/* of the instance whose row is in the slot of its scan; or NO_KEY */
	int64		next_id;		/* where to go on */
	int			nrows;			/* looked at */
	bool		has_begun;
	bool		is_whole;		/* it began with the oldest row */
	bool		is_at_end;
	bool		has_more;		/* something was left that could have been taken */
	bool		has_foreign;
	Oid			passed_owner;	/* of what another session has; looked at before the engine had an owner */
	TimestampTz began_at;
};

static int64 mark(const Engine *engine);
static void note_oldest(InboxWalk *walk, int64 oldest);
static int	find_instances(InboxWalk *walk, int limit, int64 *keys);
static bool next_row(InboxWalk *walk, TableScan *inbox);
static Datum column(const TableScan *scan, ScanColumns *columns, int number, bool *isnull);
static Datum value(const TableScan *scan, ScanColumns *columns, int number);
static bool is_wanted(InboxWalk *walk, TableScan *instances, int64 key, EventType type);
static Standing standing_of(InboxWalk *walk, TableScan *instances, int64 key);
static Standing look_at_instance(InboxWalk *walk, TableScan *instances, int64 key);
static bool find_instance(InboxWalk *walk, TableScan *instances, int64 key);
static bool take_instance(InboxWalk *walk, TableScan *instances, int64 key);
static void deliver_rows(Engine *engine, const int64 *keys, int nkeys);
static void take_rows(Engine *engine, TableScan *inbox, InboxRows *taken);
static void note_replacements(Engine *engine, const InboxRows *taken);
static bool is_overtaken(Engine *engine, const InboxRow *row);
static void read_row(const TableScan *inbox, InboxRow *row);
static text *text_copy(const TableScan *inbox, InboxColumn number);
static int	compare_rows(const void *a, const void *b);

InboxWalk *
pgdf_inbox_begin(Engine *engine, bool with_marks)
{
	InboxWalk  *walk = palloc0(sizeof(InboxWalk));

	if (!with_marks)
		marks.is_needed = false;	/* everything */
	walk->engine = engine;
	walk->next_id = mark(engine);
	walk->is_whole = walk->next_id == 0;
	walk->began_at = GetCurrentTimestamp();
	walk->snapshot = RegisterSnapshot(GetLatestSnapshot());
	return walk;
}

int
pgdf_inbox_take(InboxWalk *walk, int limit)
{
	Engine	   *engine = walk->engine;
	bool		has_owner = OidIsValid(engine->owner);
	int64	   *keys = palloc(Max(1, limit) * sizeof(int64));
	int			nkeys = find_instances(walk, limit, keys);

	if (nkeys > 0 && !has_owner)
		pgdf_session_reset(engine->owner);
	if (nkeys > 0)
		deliver_rows(engine, keys, nkeys);
	pfree(keys);
	return nkeys;
}

void
pgdf_inbox_end(InboxWalk *walk)
{
	Engine	   *engine = walk->engine;

	(void) find_instances(walk, 0, NULL);
	if (OidIsValid(walk->passed_owner) && walk->passed_owner != engine->owner)
		walk->has_foreign = true;
	pgdf_owners_wait = walk->has_foreign && OidIsValid(engine->owner);
	engine->more = engine->more || walk->has_more || pgdf_owners_wait;
	if (walk->known != NULL)
		hash_destroy(walk->known);
	UnregisterSnapshot(walk->snapshot);
	pfree(walk);
}

/* ------------------------------------------------------------------- marks */

/* Where a walk begins. */
static int64
mark(const Engine *engine)
{
	return marks.is_needed && engine->now < marks.look_whole_at ? marks.from : 0;
}

/* This was the oldest row, where the walk began; 0: there was none. */
static void
note_oldest(InboxWalk *walk, int64 oldest)
{
	TimestampTz now = GetCurrentTimestamp();

	if (walk->is_whole)
	{
		marks.is_needed = TimestampDifferenceExceeds(walk->began_at, now, SLOW_LOOK_MS);
		marks.look_whole_at = now + Max((now - walk->began_at) * WHOLE_PART, WHOLE_MS * INT64CONST(1000));
	}
	if (oldest == 0 || !TimestampDifferenceExceeds(marks.looked_at, now, MARK_MS))
		return;
	marks.from = marks.next;
	marks.next = oldest;
	marks.looked_at = now;
}

/* ---------------------------------------------------------------- the walk */

/* Go on until so many instances are locked; with a limit of 0, until one is left that could be. */
static int
find_instances(InboxWalk *walk, int limit, int64 *keys)
{
	TableScan  *inbox;
	TableScan  *instances = NULL;
	int			nfound = 0;

	if (walk->is_at_end || walk->has_more)
		return 0;
	inbox = pgdf_scan_begin("inbox", "inbox_pkey", 1, AccessShareLock, walk->snapshot);
	pgdf_scan_seek_int8(inbox, BTGreaterEqualStrategyNumber, walk->next_id);
	while ((limit == 0 || nfound < limit) && !walk->has_more && next_row(walk, inbox))
	{
		int64		key = DatumGetInt64(value(inbox, &inbox_columns, INBOX_INSTANCE_KEY));
		EventType	type = (EventType) DatumGetInt16(value(inbox, &inbox_columns, INBOX_EVENT_TYPE));

		if (instances == NULL)
		{
			instances = pgdf_engine_scan_instances();
			walk->found_key = NO_KEY;
		}
		if (!is_wanted(walk, instances, key, type))
			continue;
		if (limit == 0)
			walk->has_more = true;
		else if (take_instance(walk, instances, key))
			keys[nfound++] = key;
	}
	if (instances != NULL)
		pgdf_scan_end(instances);
	pgdf_scan_end(inbox);
	return nfound;
}

static bool
next_row(InboxWalk *walk, TableScan *inbox)
{
	int64		inbox_id;

	CHECK_FOR_INTERRUPTS();
	walk->is_at_end = !pgdf_scan_next(inbox);
	inbox_id = walk->is_at_end ? 0 : DatumGetInt64(value(inbox, &inbox_columns, INBOX_ID));
	if (!walk->has_begun)
		note_oldest(walk, inbox_id);
	walk->has_begun = true;
	walk->next_id = inbox_id + 1;
	return !walk->is_at_end;
}

static Datum
column(const TableScan *scan, ScanColumns *columns, int number, bool *isnull)
{
	return slot_getattr(scan->slot, pgdf_scan_columns(scan, columns)[number], isnull);
}

/* Of a column that is not null. */
static Datum
value(const TableScan *scan, ScanColumns *columns, int number)
{
	bool		isnull;
	Datum		datum = column(scan, columns, number, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %s", columns->names[number]);
	return datum;
}

/* What waits for quarantined instances does not fill the window: nobody else would be seen. */
static bool
is_wanted(InboxWalk *walk, TableScan *instances, int64 key, EventType type)
{
	Standing	standing = standing_of(walk, instances, key);

	if (standing == STANDING_HOPELESS ||
		(standing == STANDING_BLOCKED && type != EVENT_EXECUTION_TERMINATED))
		return false;
	if (++walk->nrows > ROWS_MAX)
	{
		walk->has_more = true;
		return false;
	}
	walk->has_foreign = walk->has_foreign || standing == STANDING_FOREIGN;
	return standing == STANDING_OPEN || standing == STANDING_BLOCKED;
}

static Standing
standing_of(InboxWalk *walk, TableScan *instances, int64 key)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(KnownInstance),
	.hcxt = GetMemoryChunkContext(walk)};
	KnownInstance *known;
	bool		is_known;

	if (walk->known == NULL)
		walk->known = hash_create("pgdf inbox", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	known = hash_search(walk->known, &key, HASH_ENTER, &is_known);
	if (!is_known)
		known->standing = pgdf_engine_find(walk->engine, key) != NULL ? STANDING_OPEN :
			look_at_instance(walk, instances, key);
	return known->standing;
}

static Standing
look_at_instance(InboxWalk *walk, TableScan *instances, int64 key)
{
	Oid			owner = walk->engine->owner;
	bool		is_free;
	int			failures;

	if (!find_instance(walk, instances, key))
		return STANDING_SETTLED;
	if (OidIsValid(owner) &&
		DatumGetObjectId(value(instances, &state_columns, STATE_OWNER)) != owner)
		return STANDING_FOREIGN;
	failures = DatumGetInt16(value(instances, &state_columns, STATE_TURN_FAILURES));
	(void) column(instances, &state_columns, STATE_BLOCKED_REASON, &is_free);
	if (is_free || failures == 0)
		return STANDING_OPEN;
	return failures >= 2 * PGDF_POISON_FAILURES ? STANDING_HOPELESS : STANDING_BLOCKED;
}

/* Its row, as it is committed now. */
static bool
find_instance(InboxWalk *walk, TableScan *instances, int64 key)
{
	if (walk->found_key == key)
		return true;
	pgdf_scan_seek_int8(instances, BTEqualStrategyNumber, key);
	walk->found_key = pgdf_scan_next(instances) ? key : NO_KEY;
	return walk->found_key != NO_KEY;
}

/* Lock it; once only, whatever comes of it. */
static bool
take_instance(InboxWalk *walk, TableScan *instances, int64 key)
{
	KnownInstance *known = hash_search(walk->known, &key, HASH_FIND, NULL);
	Engine	   *engine = walk->engine;
	bool		has_owner = OidIsValid(engine->owner);
	int64		suspect = engine->suspect;

	known->standing = STANDING_SETTLED;
	engine->suspect = key;
	if (pgdf_engine_find(engine, key) != NULL)
		return true;
	if (find_instance(walk, instances, key))
	{
		if (!has_owner)
			engine->owner = DatumGetObjectId(value(instances, &state_columns, STATE_OWNER));
		walk->found_key = NO_KEY;	/* the slot will have another version */
		if (pgdf_engine_lock_row(engine, instances))
			return true;
	}
	engine->skipped = true;
	engine->suspect = suspect;
	if (!has_owner)
	{
		walk->passed_owner = engine->owner;
		engine->owner = InvalidOid;
	}
	return false;
}

/* ----------------------------------------------------------------- delivery */

/* All that the inbox has for instances that are locked here, in the order in which it came. */
static void
deliver_rows(Engine *engine, const int64 *keys, int nkeys)
{
	TableScan  *inbox = pgdf_scan_begin("inbox", "inbox_instance_idx", 1, RowExclusiveLock, NULL);
	InboxRows	taken = {0};

	for (int i = 0; i < nkeys; i++)
	{
		pgdf_scan_seek_int8(inbox, BTEqualStrategyNumber, keys[i]);
		take_rows(engine, inbox, &taken);
	}
	pgdf_scan_end(inbox);
	if (taken.count == 0)
		return;
	CommandCounterIncrement();
	engine->must_be_durable = true;
	qsort(taken.rows, taken.count, sizeof(InboxRow), compare_rows);
	note_replacements(engine, &taken);
	for (int i = 0; i < taken.count; i++)
	{
		if (!is_overtaken(engine, &taken.rows[i]))
			pgdf_engine_deliver(engine, taken.rows[i].instance_key, &taken.rows[i].delivery);
		CHECK_FOR_INTERRUPTS();
	}
	PGDF_FAULT(inbox_taken);
}

/* Which rows begin which instance anew. */
static void
note_replacements(Engine *engine, const InboxRows *taken)
{
	for (int i = 0; i < taken->count; i++)
	{
		const InboxRow *row = &taken->rows[i];
		Instance   *instance;

		if (!pgdf_delivery_is_replacement(&row->delivery))
			continue;
		instance = pgdf_engine_find(engine, row->instance_key);
		if (instance->first_replacement == 0)
			instance->first_replacement = row->inbox_id;
		instance->last_replacement = row->inbox_id;
	}
}

/*
 * Of several replacements only the last one is carried out, so that many of them
 * are no more work than one: the run that another would begin ends before its
 * first turn, and with it what came for that.
 */
static bool
is_overtaken(Engine *engine, const InboxRow *row)
{
	const Instance *instance = pgdf_engine_find(engine, row->instance_key);

	return instance->first_replacement != 0 && row->inbox_id >= instance->first_replacement &&
		row->inbox_id < instance->last_replacement;
}

static void
take_rows(Engine *engine, TableScan *inbox, InboxRows *taken)
{
	while (pgdf_scan_next(inbox))
	{
		InboxRow   *row;

		if (taken->count == taken->capacity)
		{
			Size		capacity = taken->capacity == 0 ? 64 : (Size) taken->capacity * 2;

			taken->rows = taken->rows == NULL ? palloc(capacity * sizeof(InboxRow)) :
				repalloc_huge(taken->rows, capacity * sizeof(InboxRow));
			taken->capacity = capacity;
		}
		row = &taken->rows[taken->count];
		read_row(inbox, row);
		if (pgdf_scan_delete(inbox))
			taken->count++;
		else
			engine->skipped = true;
		CHECK_FOR_INTERRUPTS();
	}
}

static void
read_row(const TableScan *inbox, InboxRow *row)
{
	bool		isnull;
	Datum		datum;

	memset(row, 0, sizeof(InboxRow));
	row->inbox_id = DatumGetInt64(value(inbox, &inbox_columns, INBOX_ID));
	row->instance_key = DatumGetInt64(value(inbox, &inbox_columns, INBOX_INSTANCE_KEY));
	datum = column(inbox, &inbox_columns, INBOX_EXECUTION, &isnull);
	row->delivery.execution = isnull ? -1 : DatumGetInt32(datum);
	row->delivery.type = (EventType) DatumGetInt16(value(inbox, &inbox_columns, INBOX_EVENT_TYPE));
	datum = column(inbox, &inbox_columns, INBOX_TASK_ID, &isnull);
	row->delivery.task_id = isnull ? 0 : DatumGetInt32(datum);
	row->delivery.time = DatumGetTimestampTz(value(inbox, &inbox_columns, INBOX_EVENT_TIME));
	row->delivery.name = text_copy(inbox, INBOX_NAME);
	row->delivery.payload = text_copy(inbox, INBOX_PAYLOAD);
	row->delivery.failure = text_copy(inbox, INBOX_FAILURE);
}

static text *
text_copy(const TableScan *inbox, InboxColumn number)
{
	bool		isnull;
	Datum		datum = column(inbox, &inbox_columns, number, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(datum);
}

static int
compare_rows(const void *a, const void *b)
{
	int64		left = ((const InboxRow *) a)->inbox_id;
	int64		right = ((const InboxRow *) b)->inbox_id;

	return left < right ? -1 : left > right ? 1 : 0;
}

/*
 * engine.c
 *		The engine call's memory: instances that it has locked, registrations that
 *		it has looked up.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "instance.h"
#include "replay_cache.h"
#include "rewind.h"
#include "scan.h"
#include "user_code.h"

typedef struct RegistrationEntry
{
	char		key[2 * 4 * PGDF_NAME_MAX + 2]; /* name, newline, version */
	Registration *registration; /* NULL: not registered */
} RegistrationEntry;

Oid			pgdf_lane_owner = InvalidOid;

/* What a call knows of an instance; in the order of enum RowColumn. */
static const char *const row_columns[] = {
	"instance_key", "instance_id", "run_id", "execution", "name", "version", "owner", "status",
	"parent_instance_key", "parent_execution", "parent_task_id", "root_instance_key", "priority",
	"queue", "input", "next_event_id", "next_task_id", "tasks_total", "tasks_completed", "turns",
	"turn_failures", "awaited", "await_remaining", "blocked_reason", "code_hash", "buffered_events",
	"blocked_hash", "history_bytes", "traceparent"
};

typedef enum RowColumn
{
	ROW_INSTANCE_KEY, ROW_INSTANCE_ID, ROW_RUN_ID, ROW_EXECUTION, ROW_NAME, ROW_VERSION, ROW_OWNER,
	ROW_STATUS, ROW_PARENT_INSTANCE_KEY, ROW_PARENT_EXECUTION, ROW_PARENT_TASK_ID,
	ROW_ROOT_INSTANCE_KEY, ROW_PRIORITY, ROW_QUEUE, ROW_INPUT, ROW_NEXT_EVENT_ID, ROW_NEXT_TASK_ID,
	ROW_TASKS_TOTAL, ROW_TASKS_COMPLETED, ROW_TURNS, ROW_TURN_FAILURES, ROW_AWAITED,
	ROW_AWAIT_REMAINING, ROW_BLOCKED_REASON, ROW_CODE_HASH, ROW_BUFFERED_EVENTS, ROW_BLOCKED_HASH,
	ROW_HISTORY_BYTES, ROW_TRACEPARENT
} RowColumn;

StaticAssertDecl(lengthof(row_columns) == ROW_TRACEPARENT + 1, "one name for each column");

static ScanColumns row_numbers = {row_columns, lengthof(row_columns)};

/* The row that is being read. */
typedef struct InstanceRow
{
	TupleTableSlot *slot;
	const AttrNumber *numbers;
} InstanceRow;

static int	compare_keys(const void *a, const void *b);
static Datum row_datum(const InstanceRow *row, RowColumn column, bool *isnull);
static Datum row_value(const InstanceRow *row, RowColumn column);
static char *row_cstring(const InstanceRow *row, RowColumn column);
static void load_instance(Engine *engine, const InstanceRow *row);
static void load_parent(Instance *instance, const InstanceRow *row);
static AwaitTree *load_awaited(const InstanceRow *row);

Engine *
pgdf_engine_create(int64 worker_key, int turns)
{
	Engine	   *engine = palloc0(sizeof(Engine));
	HASHCTL		control = {0};

	engine->context = CurrentMemoryContext;
	engine->worker_key = worker_key;
	engine->now = GetCurrentTimestamp();
	engine->deadline = TimestampTzPlusMilliseconds(engine->now, pgdf_call_budget);
	engine->turns_left = turns;
	engine->is_careful = turns == 1;
	engine->purges_before = pgdf_purges;

	pgdf_replay_cache_begin_call();
	pgdf_engine_forget(engine);
	control.keysize = sizeof(((RegistrationEntry *) 0)->key);
	control.entrysize = sizeof(RegistrationEntry);
	engine->registrations = hash_create("pgdf registrations", 16, &control,
										HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	if (OidIsValid(pgdf_lane_owner))
	{
		engine->owner = pgdf_lane_owner;
		pgdf_lane_owner = InvalidOid;
		pgdf_session_reset(engine->owner);
	}
	return engine;
}

void
pgdf_engine_forget(Engine *engine)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(Instance),
	.hcxt = engine->context};

	engine->instances = hash_create("pgdf instances", 64, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	engine->ready = NIL;
	engine->pinned = NIL;
}

bool
pgdf_engine_serves_queue(const Engine *engine, const char *queue)
{
	ListCell   *cell;

	foreach(cell, engine->queues)
	{
		if (strcmp(lfirst(cell), queue) == 0)
			return true;
	}
	return false;
}

const Registration *
pgdf_engine_registration(Engine *engine, const char *name, const char *version)
{
	char		key[sizeof(((RegistrationEntry *) 0)->key)];
	RegistrationEntry *entry;
	MemoryContext caller;
	bool		found;

	snprintf(key, sizeof(key), "%s\n%s", name, version ? version : "");
	entry = hash_search(engine->registrations, key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->registration;

	caller = MemoryContextSwitchTo(engine->context);
	entry = hash_search(engine->registrations, key, HASH_ENTER, &found);
	entry->registration = NULL;
	entry->registration = pgdf_registry_find(name, version);
	MemoryContextSwitchTo(caller);
	return entry->registration;
}

void
pgdf_engine_lock(Engine *engine, const int64 *keys, int nkeys)
{
	int64	   *wanted = palloc(Max(1, nkeys) * sizeof(int64));
	int			nwanted = 0;
	TableScan  *scan;

	for (int i = 0; i < nkeys && OidIsValid(engine->owner); i++)
	{
		if (pgdf_engine_find(engine, keys[i]) == NULL)
			wanted[nwanted++] = keys[i];
	}
	if (nwanted == 0)
		return;
	if (nwanted > 1)
		qsort(wanted, nwanted, sizeof(int64), compare_keys);
	scan = pgdf_engine_scan_instances();
	for (int i = 0; i < nwanted; i++)
	{
		pgdf_scan_seek_int8(scan, BTEqualStrategyNumber, wanted[i]);
		if (pgdf_scan_next(scan))
			(void) pgdf_engine_lock_row(engine, scan);
	}
	pgdf_scan_end(scan);
	pfree(wanted);
}

static int
compare_keys(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

TableScan *
pgdf_engine_scan_instances(void)
{
	return pgdf_scan_begin("instance_state", "instance_state_pkey", 1, RowShareLock, NULL);
}

bool
pgdf_engine_lock_row(Engine *engine, TableScan *scan)
{
	InstanceRow row = {scan->slot, pgdf_scan_columns(scan, &row_numbers)};

	if (DatumGetObjectId(row_value(&row, ROW_OWNER)) != engine->owner || !pgdf_scan_lock(scan))
		return false;
	load_instance(engine, &row);
	return true;
}

Instance *
pgdf_engine_find(Engine *engine, int64 key)
{
	return hash_search(engine->instances, &key, HASH_FIND, NULL);
}

static Datum
row_datum(const InstanceRow *row, RowColumn column, bool *isnull)
{
	return slot_getattr(row->slot, row->numbers[column], isnull);
}

/* Of a column that is not null. */
static Datum
row_value(const InstanceRow *row, RowColumn column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %s", row_columns[column]);
	return value;
}

static char *
row_cstring(const InstanceRow *row, RowColumn column)
{
	bool		isnull;
	Datum		value = row_datum(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static void
load_instance(Engine *engine, const InstanceRow *row)
{
	int64		key = DatumGetInt64(row_value(row, ROW_INSTANCE_KEY));
	bool		found;
	Instance   *instance = hash_search(engine->instances, &key, HASH_ENTER, &found);
	MemoryContext caller;
	bool		isnull;
	Datum		datum;

	if (found)
		return;
	memset((char *) instance + sizeof(int64), 0, sizeof(Instance) - sizeof(int64));
	instance->context = AllocSetContextCreate(engine->context, "pgdf instance",
											  ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(instance->context);

	instance->place = row->slot->tts_tid;
	instance->instance_id = row_cstring(row, ROW_INSTANCE_ID);
	memcpy(&instance->run_id, DatumGetUUIDP(row_value(row, ROW_RUN_ID)), sizeof(pg_uuid_t));
	instance->execution = DatumGetInt32(row_value(row, ROW_EXECUTION));
	instance->name = row_cstring(row, ROW_NAME);
	instance->version = row_cstring(row, ROW_VERSION);
	instance->owner = DatumGetObjectId(row_value(row, ROW_OWNER));
	instance->status = (InstanceStatus) DatumGetInt16(row_value(row, ROW_STATUS));
	load_parent(instance, row);
	instance->priority = DatumGetInt32(row_value(row, ROW_PRIORITY));
	instance->queue = row_cstring(row, ROW_QUEUE);
	datum = row_datum(row, ROW_INPUT, &isnull);
	if (!isnull)
		instance->input = (struct varlena *) DatumGetPointer(datumCopy(datum, false, -1));
	instance->next_event_id = DatumGetInt32(row_value(row, ROW_NEXT_EVENT_ID));
	instance->next_task_id = DatumGetInt32(row_value(row, ROW_NEXT_TASK_ID));
	instance->tasks_total = DatumGetInt32(row_value(row, ROW_TASKS_TOTAL));
	instance->tasks_completed = DatumGetInt32(row_value(row, ROW_TASKS_COMPLETED));
	instance->turns = DatumGetInt32(row_value(row, ROW_TURNS));
	instance->turn_failures = DatumGetInt16(row_value(row, ROW_TURN_FAILURES));
	instance->awaited = load_awaited(row);
	instance->blocked_reason = row_cstring(row, ROW_BLOCKED_REASON);
	instance->code_hash = row_cstring(row, ROW_CODE_HASH);
	instance->buffered_events = DatumGetInt32(row_value(row, ROW_BUFFERED_EVENTS));
	instance->blocked_hash = row_cstring(row, ROW_BLOCKED_HASH);
	instance->history_bytes = DatumGetInt64(row_value(row, ROW_HISTORY_BYTES));
	datum = row_datum(row, ROW_TRACEPARENT, &isnull);
	if (!isnull)
		instance->traceparent = DatumGetTextPCopy(datum);
	instance->had_history = instance->next_event_id > 1;
	instance->had_tasks = instance->next_task_id > 1;
	instance->events = pgdf_events_create(instance->context);
	MemoryContextSwitchTo(caller);
}

static void
load_parent(Instance *instance, const InstanceRow *row)
{
	bool		isnull;
	Datum		datum = row_datum(row, ROW_PARENT_INSTANCE_KEY, &isnull);

	if (!isnull)
	{
		instance->parent_key = DatumGetInt64(datum);
		instance->parent_execution = DatumGetInt32(row_value(row, ROW_PARENT_EXECUTION));
		instance->parent_task_id = DatumGetInt32(row_value(row, ROW_PARENT_TASK_ID));
	}
	datum = row_datum(row, ROW_ROOT_INSTANCE_KEY, &isnull);
	instance->root_key = isnull ? instance->key : DatumGetInt64(datum);
}

static AwaitTree *
load_awaited(const InstanceRow *row)
{
	bool		isnull;
	Datum		awaited = row_datum(row, ROW_AWAITED, &isnull);
	ArrayType  *remaining;

	if (isnull)
		return NULL;
	remaining = DatumGetArrayTypeP(row_value(row, ROW_AWAIT_REMAINING));
	return pgdf_await_deserialize(DatumGetByteaPP(awaited),
								  (const int32 *) ARR_DATA_PTR(remaining),
								  ArrayGetNItems(ARR_NDIM(remaining), ARR_DIMS(remaining)));
}

/*
 * engine.c
 *		The engine call's memory: instances that it has locked, registrations that
 *		it has looked up.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/datum.h"
#include "utils/memutils.h"

#include "instance.h"
#include "replay_cache.h"
#include "rewind.h"
#include "spi.h"
#include "user_code.h"

typedef struct RegistrationEntry
{
	char		key[2 * 4 * PGDF_NAME_MAX + 2]; /* name, newline, version */
	Registration *registration; /* NULL: not registered */
} RegistrationEntry;

Oid			pgdf_lane_owner = InvalidOid;

static PgdfStatement lock_statement = {
	"SELECT instance_key, instance_id, run_id, execution, name, version, owner::oid, status,"
	"       parent_instance_key, parent_execution, parent_task_id, root_instance_key,"
	"       priority, queue, input, next_event_id, next_task_id, tasks_total, tasks_completed,"
	"       turns, turn_failures, awaited, await_remaining, blocked_reason, code_hash,"
	"       buffered_events, blocked_hash, history_bytes, ctid, traceparent"
	"  FROM df.instance_state"
	" WHERE instance_key = ANY ($1) AND owner::oid = $2"
	" ORDER BY instance_key"
	"   FOR UPDATE SKIP LOCKED",
	2, {INT8ARRAYOID, OIDOID}
};

static void load_instance(Engine *engine, uint64 row);
static AwaitTree *load_awaited(uint64 row, int awaited_col, int remaining_col);

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
	ColumnArray column;
	Datum		values[2];
	int			wanted = 0;

	pgdf_column_init(&column, nkeys);
	for (int i = 0; i < nkeys; i++)
	{
		if (pgdf_engine_find(engine, keys[i]) == NULL)
			pgdf_column_set(&column, wanted++, Int64GetDatum(keys[i]), false);
	}
	if (wanted == 0 || !OidIsValid(engine->owner))
		return;
	column.count = wanted;

	values[0] = pgdf_column_array(&column, INT8ARRAYOID);
	values[1] = ObjectIdGetDatum(engine->owner);
	pgdf_spi_execute(&lock_statement, values, NULL);
	for (uint64 row = 0; row < SPI_processed; row++)
		load_instance(engine, row);
}

Instance *
pgdf_engine_find(Engine *engine, int64 key)
{
	return hash_search(engine->instances, &key, HASH_FIND, NULL);
}

static void
load_instance(Engine *engine, uint64 row)
{
	int64		key = pgdf_spi_int64(row, 1);
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

	instance->instance_id = pgdf_spi_cstring(row, 2);
	memcpy(&instance->run_id, DatumGetUUIDP(pgdf_spi_datum(row, 3, &isnull)), sizeof(pg_uuid_t));
	instance->execution = pgdf_spi_int32(row, 4);
	instance->name = pgdf_spi_cstring(row, 5);
	instance->version = pgdf_spi_cstring(row, 6);
	instance->owner = DatumGetObjectId(pgdf_spi_datum(row, 7, &isnull));
	instance->status = (InstanceStatus) pgdf_spi_int16(row, 8);
	datum = pgdf_spi_datum(row, 9, &isnull);
	if (!isnull)
	{
		instance->parent_key = DatumGetInt64(datum);
		instance->parent_execution = pgdf_spi_int32(row, 10);
		instance->parent_task_id = pgdf_spi_int32(row, 11);
	}
	datum = pgdf_spi_datum(row, 12, &isnull);
	instance->root_key = isnull ? key : DatumGetInt64(datum);
	instance->priority = pgdf_spi_int32(row, 13);
	instance->queue = pgdf_spi_cstring(row, 14);
	datum = pgdf_spi_datum(row, 15, &isnull);
	if (!isnull)
		instance->input = (struct varlena *) DatumGetPointer(datumCopy(datum, false, -1));
	instance->next_event_id = pgdf_spi_int32(row, 16);
	instance->next_task_id = pgdf_spi_int32(row, 17);
	instance->tasks_total = pgdf_spi_int32(row, 18);
	instance->tasks_completed = pgdf_spi_int32(row, 19);
	instance->turns = pgdf_spi_int32(row, 20);
	instance->turn_failures = pgdf_spi_int16(row, 21);
	instance->awaited = load_awaited(row, 22, 23);
	instance->blocked_reason = pgdf_spi_cstring(row, 24);
	instance->code_hash = pgdf_spi_cstring(row, 25);
	instance->buffered_events = pgdf_spi_int32(row, 26);
	instance->blocked_hash = pgdf_spi_cstring(row, 27);
	instance->history_bytes = pgdf_spi_int64(row, 28);
	instance->place = *(ItemPointer) DatumGetPointer(pgdf_spi_datum(row, 29, &isnull));
	instance->traceparent = pgdf_spi_text(row, 30, instance->context);
	instance->had_history = instance->next_event_id > 1;
	instance->had_tasks = instance->next_task_id > 1;
	instance->events = pgdf_events_create(instance->context);
	MemoryContextSwitchTo(caller);
}

static AwaitTree *
load_awaited(uint64 row, int awaited_col, int remaining_col)
{
	bool		isnull;
	Datum		awaited = pgdf_spi_datum(row, awaited_col, &isnull);
	ArrayType  *remaining;

	if (isnull)
		return NULL;
	remaining = DatumGetArrayTypeP(pgdf_spi_datum(row, remaining_col, &isnull));
	return pgdf_await_deserialize(DatumGetByteaPP(awaited),
								  (const int32 *) ARR_DATA_PTR(remaining),
								  ArrayGetNItems(ARR_NDIM(remaining), ARR_DIMS(remaining)));
}

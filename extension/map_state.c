/*
 * map_state.c
 *		A map, from the turn that decides on it to its outcome in history.
 *
 * All of this runs while the engine call holds the map's instance.  So the
 * counters of df.maps have one writer at a time, and nobody waits for them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tupdesc.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "bulk.h"
#include "failure.h"
#include "map.h"
#include "spi.h"

/* So many chunks at least, if there are so many items: else workers would wait for one another's. */
#define CHUNKS_MIN			64

/* A map's counters, and what a release needs. */
typedef struct MapState
{
	int64		instance_key;
	int64		map_key;
	int			task_id;
	int			items;
	int			completed;
	int			failed;
	int			released;
	int			held;
	int			max_in_flight;	/* 0: any number */
	int			chunk_size;
} MapState;

static PgdfStatement insert_map_statement = {
	"INSERT INTO df.maps (instance_key, task_id, execution, scheduled_event, items, released,"
	"                     max_in_flight, chunk_size, lane, name, queue, priority, at_most_once,"
	"                     retry, timeout, settings, scheduled_at)"
	" VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
	" RETURNING map_key",
	16, {INT8OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT2OID, TEXTOID, TEXTOID, TEXTOID,
	INT4OID, BOOLOID, JSONOID, INTERVALOID, JSONOID, TIMESTAMPTZOID}
};

static PgdfStatement progress_statement = {
	"UPDATE df.maps SET completed = completed + $4, failed = failed + $5"
	" WHERE instance_key = $1 AND task_id = $2 AND map_key = $3 AND NOT is_closed"
	" RETURNING items, completed, failed, released, max_in_flight, chunk_size, held",
	5, {INT8OID, INT4OID, INT8OID, INT4OID, INT4OID}
};

static PgdfStatement released_statement = {
	"UPDATE df.maps SET released = $3, held = $4 WHERE instance_key = $1 AND task_id = $2",
	4, {INT8OID, INT4OID, INT4OID, INT4OID}
};

/* Each of them has one item. */
static PgdfStatement queue_held_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid FROM df.tasks"
	"     WHERE instance_key = $1 AND task_id < 0 AND map_task_id = $2 AND state + 0 = 6"
	"     ORDER BY first_item LIMIT $3 FOR UPDATE SKIP LOCKED)"
	" UPDATE df.tasks SET state = 0 WHERE ctid = ANY (ARRAY(SELECT ctid FROM c))",
	3, {INT8OID, INT4OID, INT4OID}
};

static PgdfStatement first_failure_statement = {
	"SELECT n, failure FROM df.map_results"
	" WHERE instance_key = $1 AND map_key = $2 AND failure IS NOT NULL"
	" ORDER BY n LIMIT 1",
	2, {INT8OID, INT8OID}
};

static PgdfStatement close_statement = {
	"UPDATE df.maps SET is_closed = true"
	" WHERE instance_key = $1 AND task_id = $2 AND NOT is_closed",
	2, {INT8OID, INT4OID}
};

/* A chunk that another call has locked goes when somebody claims it and finds the map closed. */
static PgdfStatement cancel_chunks_statement = {
	"WITH held AS MATERIALIZED ("
	"    SELECT ctid, worker_key, instance_key, task_id, fence, state FROM df.tasks"
	"     WHERE instance_key = $1 AND task_id < 0 AND map_task_id = $2"
	"       FOR UPDATE SKIP LOCKED),"
	" stopped AS ("
	"    INSERT INTO df.cancellations (worker_key, instance_key, task_id, fence)"
	"    SELECT worker_key, instance_key, task_id, fence FROM held WHERE state = 1"
	"    ON CONFLICT DO NOTHING)"
	" DELETE FROM df.tasks WHERE ctid = ANY (ARRAY(SELECT ctid FROM held))",
	2, {INT8OID, INT4OID}
};

static PgdfStatement forget_statement = {
	"WITH gone AS ("
	"    DELETE FROM df.maps WHERE instance_key = $1 AND scheduled_event >= $2"
	"    RETURNING map_key, items, completed),"
	" inputs AS ("
	"    DELETE FROM df.map_inputs WHERE instance_key = $1"
	"       AND map_key = ANY (ARRAY(SELECT map_key FROM gone))),"
	" results AS ("
	"    DELETE FROM df.map_results WHERE instance_key = $1"
	"       AND map_key = ANY (ARRAY(SELECT map_key FROM gone)))"
	" SELECT coalesce(sum(items), 0)::int, coalesce(sum(completed), 0)::int FROM gone",
	2, {INT8OID, INT4OID}
};

static PgdfStatement forget_failures_statement = {
	"WITH failed AS MATERIALIZED ("
	"    SELECT map_key FROM df.maps WHERE instance_key = $1 AND task_id = ANY ($2)),"
	" gone AS ("
	"    DELETE FROM df.map_results"
	"     WHERE instance_key = $1 AND map_key = ANY (ARRAY(SELECT map_key FROM failed))"
	"       AND failure IS NOT NULL"
	"    RETURNING map_key, n)"
	" SELECT m.task_id, g.n, g.map_key"
	"   FROM gone g"
	"  CROSS JOIN LATERAL (SELECT task_id FROM df.maps"
	"                       WHERE instance_key = $1 AND map_key = g.map_key AND task_id = ANY ($2) OFFSET 0) m"
	"  ORDER BY m.task_id, g.n",
	2, {INT8OID, INT4ARRAYOID}
};

static PgdfStatement reopen_statement = {
	"UPDATE df.maps SET completed = completed - $3, failed = failed - $3,"
	"       held = coalesce(greatest(0, $3 - max_in_flight), 0)"
	" WHERE instance_key = $1 AND task_id = $2"
	" RETURNING held",
	3, {INT8OID, INT4OID, INT4OID}
};

static PgdfStatement delete_statements[] = {
	{"DELETE FROM df.maps WHERE instance_key = $1", 1, {INT8OID}},
	{"DELETE FROM df.map_inputs WHERE instance_key = $1", 1, {INT8OID}},
	{"DELETE FROM df.map_results WHERE instance_key = $1", 1, {INT8OID}},
};

static void insert_map(const Engine *engine, const Instance *instance, MapState *map,
					   const TaskRow *activity);
static void insert_inputs(const MapState *map, MapInputs *inputs);
static void release_items(Engine *engine, MapState *map);
static void queue_held(Engine *engine, MapState *map);
static void note_released(const MapState *map);
static void complete_map(Engine *engine, Instance *instance, const MapState *map);
static text *map_failure(const MapState *map);
static void requeue_failed(Engine *engine, Instance *instance, uint64 n, SPITupleTable *rows);
static void requeue_items(Engine *engine, Instance *instance, int task_id, int64 map_key,
						  const int *items, int count);

bool
pgdf_maps_exist(void)
{
	Oid			relid = get_relname_relid("maps", get_namespace_oid("df", false));
	Relation	maps = table_open(relid, AccessShareLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(maps);

	table_close(maps, NoLock);
	return blocks > 0;
}

bool
pgdf_map_is_empty(text *payload)
{
	static const char empty[] = "{\"items\": 0,";

	return payload != NULL && VARSIZE_ANY_EXHDR(payload) >= strlen(empty) &&
		memcmp(VARDATA_ANY(payload), empty, strlen(empty)) == 0;
}

void
pgdf_map_schedule(Engine *engine, Instance *instance, MapInputs *inputs, int max_in_flight,
				  const TaskRow *activity)
{
	MapState	map = {0};
	int			at_once;

	if (inputs->count == 0)
	{
		/* for the function it was complete when it was made */
		Event	   *event = pgdf_instance_add_event(instance, EVENT_TASK_COMPLETED, engine->now);

		event->task_id = activity->task_id;
		event->payload = cstring_to_text("{\"items\": 0}");
		return;
	}
	map.instance_key = instance->key;
	map.task_id = activity->task_id;
	map.items = (int) inputs->count;
	map.max_in_flight = max_in_flight;
	at_once = max_in_flight > 0 ? Min(max_in_flight, map.items) : map.items;
	map.chunk_size = Max(1, Min(MAP_CHUNK_ITEMS, at_once / CHUNKS_MIN));

	insert_map(engine, instance, &map, activity);
	insert_inputs(&map, inputs);
	release_items(engine, &map);
	instance->tasks_total += map.items;
	instance->had_tasks = true;
	instance->is_dirty = true;
	engine->more = true;
}

void
pgdf_map_progress(Engine *engine, Instance *instance, const Delivery *delivery)
{
	MapState	map = {.instance_key = instance->key,.task_id = delivery->task_id};
	int			completed;
	int			failed;
	Datum		values[5];
	Datum		value;
	bool		isnull;

	if (sscanf(text_to_cstring(delivery->payload), "[" INT64_FORMAT ", %d, %d]", &map.map_key,
			   &completed, &failed) != 3)
		elog(ERROR, "invalid progress of map %d", delivery->task_id);
	values[0] = Int64GetDatum(map.instance_key);
	values[1] = Int32GetDatum(map.task_id);
	values[2] = Int64GetDatum(map.map_key);
	values[3] = Int32GetDatum(completed);
	values[4] = Int32GetDatum(failed);
	if (pgdf_spi_execute(&progress_statement, values, NULL) == 0)
		return;
	map.items = pgdf_spi_int32(0, 1);
	map.completed = pgdf_spi_int32(0, 2);
	map.failed = pgdf_spi_int32(0, 3);
	map.released = pgdf_spi_int32(0, 4);
	value = pgdf_spi_datum(0, 5, &isnull);
	map.max_in_flight = isnull ? 0 : DatumGetInt32(value);
	map.chunk_size = pgdf_spi_int16(0, 6);
	map.held = pgdf_spi_int32(0, 7);

	instance->tasks_completed += completed;
	instance->is_dirty = true;
	if (map.held > 0)
		queue_held(engine, &map);
	if (map.held == 0 && map.released < map.items)
		release_items(engine, &map);
	if (map.completed == map.items)
		complete_map(engine, instance, &map);
}

void
pgdf_map_cancel(Instance *instance, int task_id)
{
	Datum		values[2] = {Int64GetDatum(instance->key), Int32GetDatum(task_id)};

	if (pgdf_spi_execute(&close_statement, values, NULL) > 0)
		pgdf_spi_execute(&cancel_chunks_statement, values, NULL);
}

void
pgdf_map_rewind(Engine *engine, Instance *instance, int from_event, const int *failed, int nfailed)
{
	Datum	   *numbers = palloc(Max(1, nfailed) * sizeof(Datum));
	Datum		values[2] = {Int64GetDatum(instance->key), Int32GetDatum(from_event)};
	uint64		n;

	pgdf_spi_execute(&forget_statement, values, NULL);
	instance->tasks_total -= pgdf_spi_int32(0, 1);
	instance->tasks_completed -= pgdf_spi_int32(0, 2);

	for (int i = 0; i < nfailed; i++)
		numbers[i] = Int32GetDatum(failed[i]);
	values[1] = PointerGetDatum(construct_array(numbers, nfailed, INT4OID, sizeof(int32), true,
												TYPALIGN_INT));
	n = pgdf_spi_execute(&forget_failures_statement, values, NULL);
	requeue_failed(engine, instance, n, SPI_tuptable);
}

void
pgdf_map_forget_all(int64 instance_key)
{
	Datum		key = Int64GetDatum(instance_key);

	for (int i = 0; i < lengthof(delete_statements); i++)
		pgdf_spi_execute(&delete_statements[i], &key, NULL);
}

/* ---------------------------------------------------------------- writing */

static void
insert_map(const Engine *engine, const Instance *instance, MapState *map,
		   const TaskRow *activity)
{
	Datum		values[16];
	bool		nulls[16] = {0};

	values[0] = Int64GetDatum(map->instance_key);
	values[1] = Int32GetDatum(map->task_id);
	values[2] = Int32GetDatum(instance->execution);
	values[3] = Int32GetDatum(activity->scheduled_event);
	values[4] = Int32GetDatum(map->items);
	values[5] = Int32GetDatum(map->max_in_flight);
	nulls[5] = map->max_in_flight == 0;
	values[6] = Int16GetDatum((int16) map->chunk_size);
	values[7] = PointerGetDatum(activity->lane);
	values[8] = PointerGetDatum(activity->name);
	values[9] = PointerGetDatum(activity->queue);
	values[10] = Int32GetDatum(activity->priority);
	values[11] = BoolGetDatum(activity->at_most_once);
	values[12] = PointerGetDatum(activity->retry);
	nulls[12] = activity->retry == NULL;
	values[13] = IntervalPGetDatum(activity->timeout);
	nulls[13] = activity->timeout == NULL;
	values[14] = PointerGetDatum(activity->settings);
	nulls[14] = activity->settings == NULL;
	values[15] = TimestampTzGetDatum(engine->now);
	pgdf_spi_execute(&insert_map_statement, values, nulls);
	map->map_key = pgdf_spi_int64(0, 1);
}

/* A batch at a time: the set may be larger than memory. */
static void
insert_inputs(const MapState *map, MapInputs *inputs)
{
	static const char *const columns[] = {"instance_key", "map_key", "n", "input"};
	MemoryContext part = AllocSetContextCreate(CurrentMemoryContext, "pgdf map inputs",
											   ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(part);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(pgdf_map_inputs_desc(part), &TTSOpsMinimalTuple);
	BulkTable  *table = pgdf_bulk_open("map_inputs", columns, lengthof(columns));
	Datum		values[] = {Int64GetDatum(map->instance_key), Int64GetDatum(map->map_key), (Datum) 0, (Datum) 0};
	const bool	nulls[lengthof(values)] = {false};
	int			n = 0;

	while (tuplestore_gettupleslot(inputs->store, true, false, slot))
	{
		bool		isnull;

		values[2] = Int32GetDatum(++n);
		values[3] = slot_getattr(slot, 1, &isnull);
		pgdf_bulk_insert(table, values, nulls);
		CHECK_FOR_INTERRUPTS();
	}
	pgdf_bulk_close(table);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(part);
}

/* Put items into chunks, as many as may be in flight. */
static void
release_items(Engine *engine, MapState *map)
{
	int			last = map->max_in_flight == 0 ? map->items :
	(int) Min((int64) map->items, (int64) map->completed + map->max_in_flight);
	int			count = (last - map->released + map->chunk_size - 1) / map->chunk_size;
	NewChunk   *chunks;

	if (count <= 0)
		return;
	chunks = palloc0(count * sizeof(NewChunk));
	for (int i = 0; i < count; i++)
	{
		NewChunk   *chunk = &chunks[i];
		int			size = Min(map->chunk_size, last - map->released);

		chunk->instance_key = map->instance_key;
		chunk->map_key = map->map_key;
		chunk->map_task_id = map->task_id;
		chunk->first_item = map->released + 1;
		chunk->items = size == MAP_CHUNK_ITEMS ? PG_UINT64_MAX : (UINT64CONST(1) << size) - 1;
		chunk->state = TASK_QUEUED;
		map->released += size;
	}
	note_released(map);
	engine->tasks_queued += pgdf_chunks_insert(chunks, count);
	pfree(chunks);
}

/* What a rewind does again comes before what was not done yet. */
static void
queue_held(Engine *engine, MapState *map)
{
	int			room = map->max_in_flight - (map->released - map->held - map->completed);
	Datum		values[3] = {
		Int64GetDatum(map->instance_key), Int32GetDatum(map->task_id), Int32GetDatum(room)
	};
	uint64		queued;

	if (room <= 0)
		return;
	queued = pgdf_spi_execute(&queue_held_statement, values, NULL);
	map->held -= (int) queued;
	engine->tasks_queued += queued;
	note_released(map);
}

static void
note_released(const MapState *map)
{
	Datum		values[4] = {
		Int64GetDatum(map->instance_key), Int32GetDatum(map->task_id),
		Int32GetDatum(map->released), Int32GetDatum(map->held)
	};

	pgdf_spi_execute(&released_statement, values, NULL);
}

/* ---------------------------------------------------------------- outcome */

static void
complete_map(Engine *engine, Instance *instance, const MapState *map)
{
	Delivery	delivery = {.type = EVENT_TASK_COMPLETED,.execution = instance->execution,
	.task_id = map->task_id,.time = GetCurrentTimestamp()};

	if (map->failed > 0)
	{
		delivery.type = EVENT_TASK_FAILED;
		delivery.failure = map_failure(map);
	}
	else
		delivery.payload = cstring_to_text(psprintf("{\"items\": %d}", map->items));
	instance->tasks_completed--;	/* its items have been counted */
	pgdf_instance_record_outcome(instance, &delivery);
}

/* The first failed item in order, and how many there are. */
static text *
map_failure(const MapState *map)
{
	Failure		failure = {.error_type = MAP_FAILURE_TYPE,.is_non_retriable = true};
	Failure		item;
	Datum		values[2] = {Int64GetDatum(map->instance_key), Int64GetDatum(map->map_key)};
	int			n;

	if (pgdf_spi_execute(&first_failure_statement, values, NULL) == 0)
		elog(ERROR, "map %d has no failed item", map->task_id);
	n = pgdf_spi_int32(0, 1);
	failure.inner = pgdf_spi_text(0, 2, CurrentMemoryContext);
	pgdf_failure_from_json(failure.inner, &item);
	failure.message = map->failed == 1 ? psprintf("item %d: %s", n, pgdf_clip(item.message)) :
		psprintf("%d of %d items failed, first item %d: %s", map->failed, map->items, n,
				 pgdf_clip(item.message));
	failure.properties = cstring_to_text(psprintf("{\"item\": %d, \"failedItems\": %d, \"items\": %d}",
												  n, map->failed, map->items));
	return pgdf_failure_to_json(&failure);
}

/* ----------------------------------------------------------------- rewind */

/* The items of one map after the other. */
static void
requeue_failed(Engine *engine, Instance *instance, uint64 n, SPITupleTable *rows)
{
	uint64		first = 0;

	while (first < n)
	{
		int			task_id;
		int64		map_key;
		int			count = 0;
		int		   *items = palloc((n - first) * sizeof(int));

		SPI_tuptable = rows;
		task_id = pgdf_spi_int32(first, 1);
		map_key = pgdf_spi_int64(first, 3);
		for (; first < n && pgdf_spi_int32(first, 1) == task_id; first++)
			items[count++] = pgdf_spi_int32(first, 2);
		requeue_items(engine, instance, task_id, map_key, items, count);
		pfree(items);
	}
}

static void
requeue_items(Engine *engine, Instance *instance, int task_id, int64 map_key, const int *items,
			  int count)
{
	Datum		values[3] = {
		Int64GetDatum(instance->key), Int32GetDatum(task_id), Int32GetDatum(count)
	};
	NewChunk   *chunks = palloc0(count * sizeof(NewChunk));
	int			nchunks = 0;
	bool		isnull;
	int			held;
	bool		is_limited;

	pgdf_spi_execute(&reopen_statement, values, NULL);
	held = DatumGetInt32(pgdf_spi_datum(0, 1, &isnull));
	is_limited = held > 0;

	/* the rewind counts a failed task as one: here it is its items that are done again */
	instance->tasks_completed -= count - 1;
	for (int i = 0; i < count; i++)
	{
		NewChunk   *chunk = nchunks == 0 ? NULL : &chunks[nchunks - 1];

		if (chunk == NULL || is_limited || items[i] >= chunk->first_item + MAP_CHUNK_ITEMS)
		{
			chunk = &chunks[nchunks++];
			chunk->instance_key = instance->key;
			chunk->map_key = map_key;
			chunk->map_task_id = task_id;
			chunk->first_item = items[i];
			chunk->state = i < count - held ? TASK_QUEUED : TASK_HELD;
		}
		chunk->items |= UINT64CONST(1) << (items[i] - chunk->first_item);
	}
	engine->tasks_queued += pgdf_chunks_insert(chunks, nchunks);
	pfree(chunks);
}

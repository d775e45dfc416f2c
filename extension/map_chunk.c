/*
 * map_chunk.c
 *		Chunks, and what becomes of their items.
 *
 * Everything that ends or moves an item goes through a MapChanges: a few
 * statements write what happened to hundreds of items.  An item's bit is cleared
 * in the same transaction that writes its result or puts it into another chunk,
 * so at any time an item is in one chunk, or has an outcome, or is not yet
 * released.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "bulk.h"
#include "call_http.h"
#include "limit.h"
#include "map.h"
#include "spi.h"

/* The outcome of an item. */
typedef struct ItemResult
{
	const Chunk *chunk;
	int			n;
	text	   *result;			/* or NULL */
	text	   *failure;		/* or NULL */
} ItemResult;

/* How many items of a map have got their outcome. */
typedef struct MapProgress
{
	int64		instance_key;
	int64		map_key;
	int			map_task_id;
	int			execution;
	int			completed;
	int			failed;
} MapProgress;

/* What a chunk does not say for itself is its map's; without its map it is nobody's. */
static PgdfStatement insert_chunks_statement = {
	"INSERT INTO df.tasks (instance_key, task_id, execution, scheduled_event, lane, name, queue,"
	"                      priority, state, visible_at, attempts, deliveries, at_most_once, retry,"
	"                      timeout, scheduled_at, settings, last_failure,"
	"                      map_key, map_task_id, first_item, open_items, started_items, resume_state)"
	" SELECT m.instance_key, nextval('df.chunk_seq')::int, m.execution, m.scheduled_event,"
	"        coalesce(c.lane, m.lane), m.name, m.queue, m.priority, c.state, c.visible_at, c.attempts,"
	"        c.deliveries, m.at_most_once, m.retry, m.timeout, m.scheduled_at, m.settings,"
	"        c.last_failure, m.map_key, m.task_id, c.first_item, c.items, 0, c.resume_state"
	"   FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
	"     AS c(instance_key, map_key, task_id, first_item, items, state, visible_at, attempts, deliveries,"
	"          lane, last_failure, resume_state)"
	"  CROSS JOIN LATERAL (SELECT * FROM df.maps"
	"                       WHERE instance_key = c.instance_key AND task_id = c.task_id"
	"                         AND map_key = c.map_key OFFSET 0) m",
	12, {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT8ARRAYOID, INT2ARRAYOID, TIMESTAMPTZARRAYOID,
	INT2ARRAYOID, INT2ARRAYOID, TEXTARRAYOID, JSONARRAYOID, JSONARRAYOID}
};

/* Rows that this transaction has locked, by their places. */
static PgdfStatement delete_statement = {
	"DELETE FROM df.tasks WHERE ctid = ANY ($1)",
	1, {TIDARRAYOID}
};

static PgdfStatement update_statement = {
	"UPDATE df.tasks SET open_items = $2, started_items = $3 WHERE ctid = $1",
	3, {TIDOID, INT8OID, INT8OID}
};

static bool claim_counts(const Chunk *chunk);
static void leave(MapChanges *changes, Chunk *chunk, int bit);
static void add_result(MapChanges *changes, const Chunk *chunk, int bit, text *result, text *failure);
static void move(MapChanges *changes, Chunk *chunk, int bit, const NewChunk *target);
static bool is_same_place(const NewChunk *left, const NewChunk *right);
static NewChunk place_beside(const Chunk *chunk, TaskState state);
static void write_results(List *results);
static void write_chunks(List *chunks);
static void tell_instances(const MapChanges *changes, Engine *engine, TimestampTz now);
static void deliver_progress(const MapProgress *progress, Engine *engine, TimestampTz now);

text *
pgdf_map_lane(text *lane)
{
	const char *name = text_to_cstring(lane);

	if (strcmp(name, PGDF_LANE_SQL) == 0)
		return cstring_to_text(MAP_LANE_SQL);
	if (strncmp(name, PGDF_LANE_LIMITED, strlen(PGDF_LANE_LIMITED)) == 0)
		return cstring_to_text(psprintf(MAP_LANE_LIMITED "%s", pgdf_limit_lane_name(name)));
	/* the limit of a registered HTTP activity is not that of maps of it */
	if (strncmp(name, PGDF_LANE_LIMITED_HTTP, strlen(PGDF_LANE_LIMITED_HTTP)) == 0)
		return cstring_to_text(MAP_LANE_PREFIX PGDF_HTTP_ACTIVITY);
	return cstring_to_text(psprintf(MAP_LANE_PREFIX "%s", name));
}

Chunk *
pgdf_chunk_read(uint64 row, int col)
{
	Chunk	   *chunk = palloc0(sizeof(Chunk));
	bool		isnull;
	Datum		value;

	chunk->instance_key = pgdf_spi_int64(row, col);
	chunk->chunk_id = pgdf_spi_int32(row, col + 1);
	chunk->row = *(ItemPointer) DatumGetPointer(pgdf_spi_datum(row, col + 2, &isnull));
	chunk->state = (TaskState) pgdf_spi_int16(row, col + 3);
	value = pgdf_spi_datum(row, col + 4, &isnull);
	chunk->fence = isnull ? 0 : DatumGetInt64(value);
	chunk->execution = pgdf_spi_int32(row, col + 5);
	chunk->map_task_id = pgdf_spi_int32(row, col + 6);
	chunk->first_item = pgdf_spi_int32(row, col + 7);
	chunk->open = (uint64) pgdf_spi_int64(row, col + 8);
	chunk->started = (uint64) pgdf_spi_int64(row, col + 9);
	chunk->attempts = pgdf_spi_int16(row, col + 10);
	chunk->deliveries = pgdf_spi_int16(row, col + 11);
	chunk->at_most_once = DatumGetBool(pgdf_spi_datum(row, col + 12, &isnull));
	chunk->retry = pgdf_spi_text(row, col + 13, CurrentMemoryContext);
	chunk->scheduled_at = DatumGetTimestampTz(pgdf_spi_datum(row, col + 14, &isnull));
	chunk->name = pgdf_spi_cstring(row, col + 15);
	chunk->is_slow = DatumGetBool(pgdf_spi_datum(row, col + 16, &isnull));
	chunk->resume_state = pgdf_spi_text(row, col + 17, CurrentMemoryContext);
	chunk->map_key = pgdf_spi_int64(row, col + 18);
	return chunk;
}

int
pgdf_chunks_insert(const NewChunk *chunks, int nchunks)
{
	ColumnArray columns[12];
	Datum		values[12];
	int			queued = 0;

	if (nchunks == 0)
		return 0;
	for (int c = 0; c < lengthof(columns); c++)
		pgdf_column_init(&columns[c], nchunks);
	for (int i = 0; i < nchunks; i++)
	{
		const NewChunk *chunk = &chunks[i];

		if (chunk->state == TASK_QUEUED)
			queued += pg_popcount64(chunk->items);
		pgdf_column_set(&columns[0], i, Int64GetDatum(chunk->instance_key), false);
		pgdf_column_set(&columns[1], i, Int64GetDatum(chunk->map_key), false);
		pgdf_column_set(&columns[2], i, Int32GetDatum(chunk->map_task_id), false);
		pgdf_column_set(&columns[3], i, Int32GetDatum(chunk->first_item), false);
		pgdf_column_set(&columns[4], i, Int64GetDatum((int64) chunk->items), false);
		pgdf_column_set(&columns[5], i, Int16GetDatum((int16) chunk->state), false);
		pgdf_column_set(&columns[6], i, TimestampTzGetDatum(chunk->visible_at), chunk->state != TASK_DELAYED);
		pgdf_column_set(&columns[7], i, Int16GetDatum((int16) Min(chunk->attempts, PG_INT16_MAX)), false);
		pgdf_column_set(&columns[8], i, Int16GetDatum((int16) chunk->deliveries), false);
		pgdf_column_set(&columns[9], i, chunk->lane ? CStringGetTextDatum(chunk->lane) : (Datum) 0,
						chunk->lane == NULL);
		pgdf_column_set(&columns[10], i, PointerGetDatum(chunk->last_failure), chunk->last_failure == NULL);
		pgdf_column_set(&columns[11], i, PointerGetDatum(chunk->resume_state), chunk->resume_state == NULL);
	}
	for (int c = 0; c < lengthof(columns); c++)
		values[c] = pgdf_column_array(&columns[c], insert_chunks_statement.argtypes[c]);
	pgdf_spi_execute(&insert_chunks_statement, values, NULL);
	return queued;
}

void
pgdf_chunk_complete(MapChanges *changes, Chunk *chunk, int bit, text *result)
{
	add_result(changes, chunk, bit, result, NULL);
	leave(changes, chunk, bit);
}

void
pgdf_chunk_give_up(MapChanges *changes, Chunk *chunk, int bit, text *failure)
{
	add_result(changes, chunk, bit, NULL, failure);
	leave(changes, chunk, bit);
}

void
pgdf_chunk_fail(MapChanges *changes, Chunk *chunk, int bit, text *failure, TimestampTz now)
{
	TaskAttempt attempt = {
		.instance_key = chunk->instance_key,.task_id = chunk->map_task_id,
		.execution = chunk->execution,.retry = chunk->retry,.scheduled_at = chunk->scheduled_at
	};
	NewChunk	next = place_beside(chunk, TASK_DELAYED);

	attempt.attempts = next.attempts = chunk->attempts + (claim_counts(chunk) ? 0 : 1);
	next.visible_at = now;
	next.last_failure = failure;
	next.resume_state = NULL;
	if (!pgdf_task_may_retry(&attempt, failure, now, &next.visible_at))
	{
		pgdf_chunk_give_up(changes, chunk, bit, failure);
		return;
	}
	if (next.visible_at <= now)
		next.state = TASK_QUEUED;
	move(changes, chunk, bit, &next);
}

void
pgdf_chunk_postpone(MapChanges *changes, Chunk *chunk, int bit, TimestampTz visible_at, text *state)
{
	NewChunk   *single = palloc(sizeof(NewChunk));

	*single = place_beside(chunk, TASK_DELAYED);
	single->items = UINT64CONST(1) << bit;
	single->attempts = Max(0, chunk->attempts - (claim_counts(chunk) ? 1 : 0));
	single->visible_at = visible_at;
	single->resume_state = state;
	changes->new_chunks = lappend(changes->new_chunks, single);
	leave(changes, chunk, bit);
}

void
pgdf_chunk_rest(MapChanges *changes, Chunk *chunk, int bit, text *failure, TimestampTz now)
{
	bool		is_dead = chunk->deliveries >= pgdf_max_deliveries;
	NewChunk	next = place_beside(chunk, is_dead ? TASK_DEAD : TASK_DELAYED);
	int			delay_s = Min(60, 1 << Min(chunk->deliveries, 6));

	next.attempts = chunk->attempts;
	next.deliveries = chunk->deliveries;
	next.visible_at = TimestampTzPlusMilliseconds(now, delay_s * 1000);
	next.last_failure = failure;
	move(changes, chunk, bit, &next);
}

void
pgdf_chunk_give_back(MapChanges *changes, Chunk *chunk, int bit, const char *lane)
{
	NewChunk	next = place_beside(chunk, TASK_QUEUED);
	bool		is_counted = (chunk->started & (UINT64CONST(1) << bit)) != 0;

	next.attempts = Max(0, chunk->attempts + (claim_counts(chunk) ? -1 : is_counted ? 1 : 0));
	next.deliveries = Max(0, chunk->deliveries - 1);
	if (lane != NULL)
		next.lane = lane;
	move(changes, chunk, bit, &next);
}

void
pgdf_chunk_slow_down(MapChanges *changes, Chunk *chunk, int bit, const char *lane)
{
	NewChunk   *single = palloc(sizeof(NewChunk));

	*single = place_beside(chunk, TASK_QUEUED);
	single->items = UINT64CONST(1) << bit;
	single->attempts = chunk->attempts;
	single->deliveries = chunk->deliveries;
	single->lane = lane;
	changes->new_chunks = lappend(changes->new_chunks, single);
	leave(changes, chunk, bit);
}

void
pgdf_chunk_started(MapChanges *changes, Chunk *chunk, int bit)
{
	if (chunk->resume_state != NULL)
		return;					/* it counts when the attempt ends */
	chunk->started |= UINT64CONST(1) << bit;
	if (!chunk->is_touched)
		changes->chunks = lappend(changes->chunks, chunk);
	chunk->is_touched = true;
}

void
pgdf_chunk_requeue(MapChanges *changes, Chunk *chunk, int deliveries, int max_items)
{
	NewChunk	next = place_beside(chunk, deliveries >= pgdf_max_deliveries ? TASK_DEAD : TASK_QUEUED);

	next.deliveries = deliveries;
	for (int bit = 0; bit < MAP_CHUNK_ITEMS; bit++)
	{
		if (!pgdf_chunk_has(chunk, bit))
			continue;
		next.attempts = chunk->attempts + ((chunk->started >> bit) & 1);
		if (max_items == 1)
		{
			NewChunk   *single = palloc(sizeof(NewChunk));

			*single = next;
			single->items = UINT64CONST(1) << bit;
			changes->new_chunks = lappend(changes->new_chunks, single);
			leave(changes, chunk, bit);
		}
		else
			move(changes, chunk, bit, &next);
	}
}

int
pgdf_map_changes_write(MapChanges *changes, Engine *engine, TimestampTz now)
{
	int			nchunks = list_length(changes->new_chunks);
	NewChunk   *chunks = palloc(Max(1, nchunks) * sizeof(NewChunk));
	int			queued;

	write_results(changes->results);
	write_chunks(changes->chunks);
	for (int i = 0; i < nchunks; i++)
		chunks[i] = *(NewChunk *) list_nth(changes->new_chunks, i);
	queued = pgdf_chunks_insert(chunks, nchunks);
	if (engine != NULL)
		engine->tasks_queued += queued;
	tell_instances(changes, engine, now);
	return list_length(changes->results);
}

/* --------------------------------------------------------------- one item */

/* Is the attempt that goes on counted in attempts already? */
static bool
claim_counts(const Chunk *chunk)
{
	return chunk->at_most_once && chunk->state == TASK_CLAIMED;
}

static void
leave(MapChanges *changes, Chunk *chunk, int bit)
{
	Assert(pgdf_chunk_has(chunk, bit));
	chunk->open &= ~(UINT64CONST(1) << bit);
	chunk->started &= ~(UINT64CONST(1) << bit);
	if (!chunk->is_touched)
		changes->chunks = lappend(changes->chunks, chunk);
	chunk->is_touched = true;
}

static void
add_result(MapChanges *changes, const Chunk *chunk, int bit, text *result, text *failure)
{
	ItemResult *item = palloc(sizeof(ItemResult));

	item->chunk = chunk;
	item->n = chunk->first_item + bit;
	item->result = result;
	item->failure = failure;
	changes->results = lappend(changes->results, item);
}

/* Into a new chunk; those of one call that go the same way go together. */
static void
move(MapChanges *changes, Chunk *chunk, int bit, const NewChunk *target)
{
	NewChunk   *last = changes->new_chunks == NIL ? NULL : llast(changes->new_chunks);

	if (last == NULL || !is_same_place(last, target))
	{
		last = palloc(sizeof(NewChunk));
		*last = *target;
		last->items = 0;
		changes->new_chunks = lappend(changes->new_chunks, last);
	}
	last->items |= UINT64CONST(1) << bit;
	last->last_failure = target->last_failure;
	leave(changes, chunk, bit);
}

static bool
is_same_place(const NewChunk *left, const NewChunk *right)
{
	return left->instance_key == right->instance_key && left->map_key == right->map_key &&
		left->first_item == right->first_item && left->state == right->state &&
		left->visible_at == right->visible_at && left->attempts == right->attempts &&
		left->deliveries == right->deliveries && left->lane == right->lane &&
		left->resume_state == NULL && right->resume_state == NULL;
}

static NewChunk
place_beside(const Chunk *chunk, TaskState state)
{
	NewChunk	place = {
		.instance_key = chunk->instance_key,.map_key = chunk->map_key,
		.map_task_id = chunk->map_task_id,.first_item = chunk->first_item,.state = state,
		.lane = chunk->is_slow ? MAP_LANE_SLOW : NULL,.resume_state = chunk->resume_state
	};

	return place;
}

/* ---------------------------------------------------------------- writing */

static void
write_results(List *results)
{
	static const char *const columns[] = {"instance_key", "map_key", "n", "result", "failure"};
	BulkTable  *table;
	ListCell   *cell;

	if (results == NIL)
		return;
	table = pgdf_bulk_open("map_results", columns, lengthof(columns));
	foreach(cell, results)
	{
		const ItemResult *item = lfirst(cell);
		Datum		values[] = {
			Int64GetDatum(item->chunk->instance_key), Int64GetDatum(item->chunk->map_key),
			Int32GetDatum(item->n), PointerGetDatum(item->result), PointerGetDatum(item->failure)
		};
		bool		nulls[] = {false, false, false, item->result == NULL, item->failure == NULL};

		pgdf_bulk_insert(table, values, nulls);
	}
	pgdf_bulk_close(table);
}

/* A chunk disappears with its last item. */
static void
write_chunks(List *chunks)
{
	ColumnArray empty;
	int			n = 0;
	ListCell   *cell;
	Datum		value;

	pgdf_column_init(&empty, Max(1, list_length(chunks)));
	foreach(cell, chunks)
	{
		Chunk	   *chunk = lfirst(cell);

		if (chunk->open == 0)
			pgdf_column_set(&empty, n++, PointerGetDatum(&chunk->row), false);
		else
		{
			Datum		values[3] = {
				PointerGetDatum(&chunk->row), Int64GetDatum((int64) chunk->open),
				Int64GetDatum((int64) chunk->started)
			};

			pgdf_spi_execute(&update_statement, values, NULL);
		}
	}
	if (n == 0)
		return;
	empty.count = n;
	value = pgdf_column_array(&empty, TIDARRAYOID);
	pgdf_spi_execute(&delete_statement, &value, NULL);
}

static void
tell_instances(const MapChanges *changes, Engine *engine, TimestampTz now)
{
	MapProgress progress = {0};
	ListCell   *cell;

	/* results of a chunk lie together: mostly one delivery a map */
	foreach(cell, changes->results)
	{
		const ItemResult *item = lfirst(cell);

		if (progress.map_key != item->chunk->map_key)
		{
			deliver_progress(&progress, engine, now);
			memset(&progress, 0, sizeof(progress));
			progress.instance_key = item->chunk->instance_key;
			progress.map_key = item->chunk->map_key;
			progress.map_task_id = item->chunk->map_task_id;
			progress.execution = item->chunk->execution;
		}
		progress.completed++;
		progress.failed += item->failure != NULL ? 1 : 0;
	}
	deliver_progress(&progress, engine, now);
}

static void
deliver_progress(const MapProgress *progress, Engine *engine, TimestampTz now)
{
	Delivery	delivery = {.type = EVENT_MAP_PROGRESS,.execution = progress->execution,
	.task_id = progress->map_task_id,.time = now};

	if (progress->completed == 0)
		return;
	delivery.payload = cstring_to_text(psprintf("[" INT64_FORMAT ", %d, %d]", progress->map_key,
												progress->completed, progress->failed));
	if (engine != NULL)
		pgdf_engine_deliver(engine, progress->instance_key, &delivery);
	else
		pgdf_delivery_insert(progress->instance_key, &delivery);
}

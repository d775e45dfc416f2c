/*
 * map_sql.c
 *		Items whose activity is a function of this database.
 *
 * Inside an engine call they run one after the other, each in a subtransaction
 * of its own; effects and outcomes commit with the call.  One that does not fit
 * into the budget goes into a chunk of its own, in the lane of slow activities.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "claim.h"
#include "failure.h"
#include "instance.h"
#include "limit.h"
#include "map.h"
#include "payload.h"
#include "spi.h"
#include "sql_activity.h"
#include "user_code.h"
#include "wake.h"

/* Chunks taken at a time. */
#define CHUNKS_PER_ROUND	16

static PgdfStatement lane_statement = {
	"WITH c AS MATERIALIZED ("
	"    SELECT ctid, * FROM df.tasks"
	"     WHERE state = 0 AND queue = $1 AND lane = '" MAP_LANE_SQL "'"
	"     ORDER BY priority DESC, seq LIMIT $2 FOR UPDATE SKIP LOCKED)"
	" SELECT s.owner::oid, s.instance_key IS NULL OR s.completed_at IS NOT NULL, m.is_closed IS NOT FALSE, " CHUNK_COLUMNS("c")
	"   FROM c"
	"   LEFT JOIN LATERAL (SELECT * FROM df.instance_state"
	"                       WHERE instance_key = c.instance_key OFFSET 0) s ON true"
	"   LEFT JOIN LATERAL (SELECT is_closed FROM df.maps"
	"                       WHERE instance_key = c.instance_key AND task_id = c.map_task_id"
	"                         AND map_key = c.map_key OFFSET 0) m ON true",
	2, {TEXTOID, INT4OID}
};

static PgdfStatement slow_statement = {
	"SELECT s.owner::oid, t.timeout, " CHUNK_COLUMNS("t")
	"  FROM df.tasks t"
	"  JOIN df.instance_state s ON s.instance_key = t.instance_key"
	" WHERE t.instance_key = $1 AND t.task_id = $2 AND t.fence = $3"
	"   AND (t.lane = '" MAP_LANE_SLOW "' OR left(t.lane, 5) = '" MAP_LANE_LIMITED "')",
	3, {INT8OID, INT4OID, INT8OID}
};

/* The right to complete its items, held until commit. */
static PgdfStatement lock_statement = {
	"SELECT " CHUNK_COLUMNS("t") " FROM df.tasks t"
	" WHERE t.instance_key = $1 AND t.task_id = $2 AND t.fence = $3 FOR UPDATE",
	3, {INT8OID, INT4OID, INT8OID}
};

static PgdfStatement lane_of_statement = {
	"UPDATE df.tasks SET lane = $3 WHERE instance_key = $1 AND task_id = $2",
	3, {INT8OID, INT4OID, TEXTOID}
};

/* A queued chunk of SQL activities that this call has locked. */
typedef struct SqlChunk
{
	Chunk	   *chunk;
	Oid			owner;
	bool		is_final;		/* its instance, before this call; or there is none */
	bool		is_closed;		/* its map */
} SqlChunk;

static uint64 lock_lane(Engine *engine, const char *queue, SqlChunk **chunks);
static bool run_chunks(Engine *engine, SqlChunk *chunks, uint64 nchunks);
static bool is_gone(Engine *engine, const SqlChunk *chunk);
static bool run_chunk(Engine *engine, MapChanges *changes, const SqlChunk *chunk);
static text **read_inputs(Chunk *chunk);
static void run_item(Engine *engine, MapChanges *changes, const SqlChunk *chunk, int bit,
					 const Registration *registration, text *input);
static void move_to_worker_lane(const Chunk *chunk, const Registration *registration);
static void slow_down(MapChanges *changes, Chunk *chunk, const char *lane);
static Chunk *lock_slow(const Datum *key, int bit);

void
pgdf_map_sql_run(Engine *engine)
{
	ListCell   *queue;

	if (!pgdf_maps_exist())
		return;
	foreach(queue, engine->queues)
	{
		SqlChunk   *chunks;
		uint64		n;

		while ((n = lock_lane(engine, lfirst(queue), &chunks)) > 0)
		{
			if (!run_chunks(engine, chunks, n))
			{
				engine->more = true;
				return;
			}
		}
	}
}

bool
pgdf_map_run_slow(int64 instance_key, int chunk_id, int64 fence)
{
	Datum		key[3] = {
		Int64GetDatum(instance_key), Int32GetDatum(chunk_id), Int64GetDatum(pgdf_chunk_fence(fence))
	};
	int			bit = pgdf_chunk_bit(fence);
	UserCode	code = {0};
	MapChanges	changes = {0};
	TimestampTz now;
	Chunk	   *chunk;
	text	   *failure;
	Datum		timeout;
	bool		isnull;

	if (pgdf_spi_execute(&slow_statement, key, NULL) == 0)
		return false;
	chunk = pgdf_chunk_read(0, 3);
	if (!pgdf_chunk_has(chunk, bit))
		return false;
	code.owner = DatumGetObjectId(pgdf_spi_datum(0, 1, &isnull));
	timeout = pgdf_spi_datum(0, 2, &isnull);
	code.budget_ms = isnull ? pgdf_sql_activity_timeout : (int) Min(pgdf_timeout_ms(DatumGetIntervalP(timeout)), PG_INT32_MAX);
	code.input = pgdf_payload_to_jsonb(read_inputs(chunk)[bit]);
	code.instance_key = instance_key;
	code.registration = pgdf_registry_find(chunk->name, NULL);

	if (code.registration == NULL || code.registration->kind != KIND_SQL)
	{
		text	   *lane = pgdf_map_lane(pgdf_task_lane(code.registration, chunk->name));

		chunk = lock_slow(key, bit);
		pgdf_chunk_give_back(&changes, chunk, bit, text_to_cstring(lane));
		pgdf_wake_workers();
		pgdf_map_changes_write(&changes, NULL, GetCurrentTimestamp());
		return true;
	}
	failure = pgdf_sql_run_slow(&code);
	chunk = lock_slow(key, bit);
	now = GetCurrentTimestamp();
	if (failure != NULL)
		pgdf_chunk_fail(&changes, chunk, bit, failure, now);
	else
		pgdf_chunk_complete(&changes, chunk, bit, code.result);
	pgdf_wake_workers();
	pgdf_map_changes_write(&changes, NULL, now);
	return true;
}

/* ------------------------------------------------- inside the engine call */

static uint64
lock_lane(Engine *engine, const char *queue, SqlChunk **chunks)
{
	Datum		values[2] = {CStringGetTextDatum(queue), Int32GetDatum(CHUNKS_PER_ROUND)};
	uint64		n;

	if (engine->sql_is_exhausted)
		return 0;
	n = pgdf_spi_execute(&lane_statement, values, NULL);
	*chunks = palloc(Max(1, n) * sizeof(SqlChunk));
	for (uint64 row = 0; row < n; row++)
	{
		SqlChunk   *chunk = &(*chunks)[row];
		bool		isnull;

		chunk->owner = DatumGetObjectId(pgdf_spi_datum(row, 1, &isnull));
		chunk->is_final = DatumGetBool(pgdf_spi_datum(row, 2, &isnull));
		chunk->is_closed = DatumGetBool(pgdf_spi_datum(row, 3, &isnull));
		chunk->chunk = pgdf_chunk_read(row, 4);
	}
	for (uint64 i = 0; i < n && !OidIsValid(engine->owner); i++)
	{
		if ((*chunks)[i].is_final || (*chunks)[i].is_closed)
			continue;
		engine->owner = (*chunks)[i].owner;
		pgdf_session_reset(engine->owner);
	}
	return n;
}

/* False: something is left, for another call. */
static bool
run_chunks(Engine *engine, SqlChunk *chunks, uint64 nchunks)
{
	MapChanges	changes = {0};
	bool		is_done = true;

	for (uint64 i = 0; i < nchunks && is_done; i++)
	{
		if (is_gone(engine, &chunks[i]))
		{
			pgdf_task_delete(chunks[i].chunk->instance_key, chunks[i].chunk->chunk_id);
			continue;
		}
		if (chunks[i].owner != engine->owner)
		{
			pgdf_lane_owner = chunks[i].owner;
			is_done = false;
			break;
		}
		engine->suspect = chunks[i].chunk->instance_key;
		pgdf_engine_lock(engine, &chunks[i].chunk->instance_key, 1);
		is_done = run_chunk(engine, &changes, &chunks[i]);
	}
	pgdf_map_changes_write(&changes, engine, engine->now);
	return is_done;
}

/* The row may say final of an instance that this call is rewinding. */
static bool
is_gone(Engine *engine, const SqlChunk *chunk)
{
	const Instance *instance = pgdf_engine_find(engine, chunk->chunk->instance_key);

	return chunk->is_closed ||
		(instance != NULL ? pgdf_status_is_final(instance->status) : chunk->is_final);
}

static bool
run_chunk(Engine *engine, MapChanges *changes, const SqlChunk *chunk)
{
	const Registration *registration = pgdf_engine_registration(engine, chunk->chunk->name, NULL);
	text	  **inputs;

	if (registration == NULL || registration->kind != KIND_SQL)
	{
		/* registered anew since it was scheduled: a worker's business now */
		move_to_worker_lane(chunk->chunk, registration);
		engine->tasks_queued += pg_popcount64(chunk->chunk->open);
		return true;
	}
	if (pgdf_limit_is_set(chunk->chunk->name))
	{
		slow_down(changes, chunk->chunk, psprintf(MAP_LANE_LIMITED "%s", pgdf_name_key(chunk->chunk->name)));
		return GetCurrentTimestamp() < engine->deadline;
	}
	if (pgdf_inline_sql_budget == 0)
	{
		slow_down(changes, chunk->chunk, MAP_LANE_SLOW);
		return GetCurrentTimestamp() < engine->deadline;
	}
	inputs = read_inputs(chunk->chunk);
	for (int bit = 0; bit < MAP_CHUNK_ITEMS; bit++)
	{
		if (!pgdf_chunk_has(chunk->chunk, bit))
			continue;
		if (!pgdf_sql_budget_is_left(engine))
			return false;
		run_item(engine, changes, chunk, bit, registration, inputs[bit]);
	}
	return true;
}

/* By bit. */
static text **
read_inputs(Chunk *chunk)
{
	text	  **inputs = palloc0(MAP_CHUNK_ITEMS * sizeof(text *));
	uint64		n = pgdf_chunk_inputs(&chunk, 1);

	for (uint64 row = 0; row < n; row++)
		inputs[pgdf_spi_int32(row, 2) - chunk->first_item] = pgdf_spi_text(row, 3, CurrentMemoryContext);
	return inputs;
}

static void
run_item(Engine *engine, MapChanges *changes, const SqlChunk *chunk, int bit,
		 const Registration *registration, text *input)
{
	text	   *result = NULL;
	text	   *failure = NULL;

	switch (pgdf_sql_run_inline(engine, chunk->chunk->instance_key, chunk->owner, registration,
								input, &result, &failure))
	{
		case ATTEMPT_COMPLETED:
			pgdf_chunk_complete(changes, chunk->chunk, bit, result);
			engine->recorded++;
			break;
		case ATTEMPT_FAILED:
			pgdf_chunk_fail(changes, chunk->chunk, bit, failure, GetCurrentTimestamp());
			engine->recorded++;
			break;
		case ATTEMPT_UNDECIDED:
			pgdf_chunk_slow_down(changes, chunk->chunk, bit, MAP_LANE_SLOW);
			break;
	}
}

static void
move_to_worker_lane(const Chunk *chunk, const Registration *registration)
{
	Datum		values[3] = {
		Int64GetDatum(chunk->instance_key), Int32GetDatum(chunk->chunk_id),
		PointerGetDatum(pgdf_map_lane(pgdf_task_lane(registration, chunk->name)))
	};

	pgdf_spi_execute(&lane_of_statement, values, NULL);
}

/* With a budget of 0, or a limit, nothing of it runs inside an engine call. */
static void
slow_down(MapChanges *changes, Chunk *chunk, const char *lane)
{
	for (int bit = 0; bit < MAP_CHUNK_ITEMS; bit++)
	{
		if (pgdf_chunk_has(chunk, bit))
			pgdf_chunk_slow_down(changes, chunk, bit, lane);
	}
}

/* --------------------------------------------------------------- slow lane */

/*
 * While the activity ran, nobody waited for its chunk's row: its instance may have
 * ended, or its worker may have lost it.  Then its effects must not be committed.
 */
static Chunk *
lock_slow(const Datum *key, int bit)
{
	Chunk	   *chunk = pgdf_spi_execute(&lock_statement, key, NULL) == 0 ? NULL : pgdf_chunk_read(0, 1);

	if (chunk == NULL || !pgdf_chunk_has(chunk, bit))
		pgdf_sql_raise_lost();
	return chunk;
}

/*
 * map_lost.c
 *		Chunks of workers that are gone.
 *
 * Only items without an outcome are in them.  Those whose attempt had been counted
 * go back with it counted.  A chunk that comes back a second time is taken apart:
 * if one of its items ends every worker that takes it, it shall be a dead letter
 * alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "failure.h"
#include "map.h"
#include "spi.h"

/* From so many deliveries without an answer on, each item is a chunk of its own. */
#define DELIVERIES_TOGETHER		2

/* A row that is locked is one that somebody records, or a slow SQL activity that ends. */
static PgdfStatement lock_statement = {
	"SELECT " CHUNK_COLUMNS("t") " FROM df.tasks t"
	" WHERE t.worker_key = $1 AND t.state = 1 AND t.map_task_id IS NOT NULL"
	"   FOR UPDATE SKIP LOCKED",
	1, {INT8OID}
};

static int	lock_chunks(int64 worker_key, Chunk ***chunks);
static void give_up(MapChanges *changes, Chunk *chunk);

int
pgdf_map_take_over(int64 worker_key, TimestampTz now)
{
	MapChanges	changes = {0};
	Chunk	  **chunks;
	int			n = lock_chunks(worker_key, &chunks);
	int			items = 0;

	for (int i = 0; i < n; i++)
	{
		Chunk	   *chunk = chunks[i];

		items += pg_popcount64(chunk->open);
		if (chunk->at_most_once)
			give_up(&changes, chunk);
		else
			pgdf_chunk_requeue(&changes, chunk, chunk->deliveries,
							   chunk->deliveries < DELIVERIES_TOGETHER ? MAP_CHUNK_ITEMS : 1);
	}
	pgdf_map_changes_write(&changes, NULL, now);
	return items;
}

int
pgdf_map_detach(int64 worker_key, TimestampTz now)
{
	MapChanges	changes = {0};
	Chunk	  **chunks;
	int			n = lock_chunks(worker_key, &chunks);
	int			items = 0;

	for (int i = 0; i < n; i++)
	{
		items += pg_popcount64(chunks[i]->open);
		if (chunks[i]->at_most_once)
			give_up(&changes, chunks[i]);
		else
			pgdf_chunk_requeue(&changes, chunks[i], Max(0, chunks[i]->deliveries - 1), MAP_CHUNK_ITEMS);
	}
	pgdf_map_changes_write(&changes, NULL, now);
	return items;
}

static int
lock_chunks(int64 worker_key, Chunk ***chunks)
{
	Datum		key = Int64GetDatum(worker_key);
	uint64		n = pgdf_spi_execute(&lock_statement, &key, NULL);

	*chunks = palloc(Max(1, n) * sizeof(Chunk *));
	for (uint64 row = 0; row < n; row++)
		(*chunks)[row] = pgdf_chunk_read(row, 1);
	return (int) n;
}

/* Whether they were started nobody knows: they are not started again. */
static void
give_up(MapChanges *changes, Chunk *chunk)
{
	Failure		lost = {.error_type = "WorkerLost",
	.message = "worker was lost while it ran the only attempt",.is_non_retriable = true};
	text	   *failure = pgdf_failure_to_json(&lost);

	for (int bit = 0; bit < MAP_CHUNK_ITEMS; bit++)
	{
		if (pgdf_chunk_has(chunk, bit))
			pgdf_chunk_give_up(changes, chunk, bit, failure);
	}
}

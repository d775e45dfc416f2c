/*
 * map_record.c
 *		Outcomes of items that a worker reports.
 *
 * The row lock on the chunk and its fence decide, as for any task; and the item's
 * bit, for a report may be sent again while other items keep the chunk's row.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "failure.h"
#include "limit.h"
#include "map.h"
#include "payload.h"
#include "spi.h"

typedef struct ChunkKey
{
	int64		instance_key;
	int64		chunk_id;
} ChunkKey;

typedef struct ChunkEntry
{
	ChunkKey	key;
	Chunk	   *chunk;			/* NULL: its row is not there, or locked by somebody else */
} ChunkEntry;

static PgdfStatement lock_statement = {
	"SELECT " CHUNK_COLUMNS("t")
	"  FROM unnest($1, $2) AS d(instance_key, task_id)"
	" CROSS JOIN LATERAL ("
	"       SELECT ctid, * FROM df.tasks"
	"        WHERE instance_key = d.instance_key AND task_id = d.task_id AND map_task_id IS NOT NULL"
	"          FOR UPDATE SKIP LOCKED) t",
	2, {INT8ARRAYOID, INT4ARRAYOID}
};

static HTAB *collect_chunks(const Report *reports, int nreports);
static void lock_chunks(HTAB *chunks);
static ChunkEntry *find_chunk(HTAB *chunks, const Report *report);
static ReportState state_of(const ChunkEntry *entry, const Report *report);
static void settle(MapChanges *changes, Chunk *chunk, const Report *report, TimestampTz now);
static void postpone(MapChanges *changes, Chunk *chunk, int bit, text *payload, TimestampTz now);
static void complete(MapChanges *changes, Chunk *chunk, int bit, text *result);
static void fail(MapChanges *changes, Chunk *chunk, int bit, text *failure, TimestampTz now);

HTAB *
pgdf_map_lock_reported(Report *reports, int nreports)
{
	HTAB	   *chunks = collect_chunks(reports, nreports);

	if (chunks == NULL)
		return NULL;
	lock_chunks(chunks);
	for (int i = 0; i < nreports; i++)
	{
		if (pgdf_task_is_chunk(reports[i].task_id))
			reports[i].state = state_of(find_chunk(chunks, &reports[i]), &reports[i]);
	}
	return chunks;
}

void
pgdf_map_record(WorkCall *call, HTAB *chunks, Report *reports, int nreports)
{
	Engine	   *engine = call->engine;
	MapChanges	changes = {0};

	if (chunks == NULL)
		return;
	for (int i = 0; i < nreports; i++)
	{
		Report	   *report = &reports[i];
		ChunkEntry *entry;

		if (!pgdf_task_is_chunk(report->task_id))
			continue;
		entry = find_chunk(chunks, report);
		report->state = state_of(entry, report);	/* an earlier report may have ended it */
		if (report->state != REPORT_VALID)
		{
			pgdf_report_send_back(call, report);
			continue;
		}
		if (report->outcome == 'h')
			continue;			/* progress is shown of a map, not of its items */
		engine->recorded++;
		if (report->outcome != 's' && pgdf_limit_is_set(entry->chunk->name))
			engine->tasks_queued++; /* a slot is free: others may want to know */
		settle(&changes, entry->chunk, report, engine->now);
	}
	pgdf_map_changes_write(&changes, engine, engine->now);
	hash_destroy(chunks);
}

/* NULL when no report is of an item. */
static HTAB *
collect_chunks(const Report *reports, int nreports)
{
	HASHCTL		control = {.keysize = sizeof(ChunkKey),.entrysize = sizeof(ChunkEntry),
	.hcxt = CurrentMemoryContext};
	HTAB	   *chunks = NULL;

	for (int i = 0; i < nreports; i++)
	{
		ChunkKey	key = {reports[i].instance_key, reports[i].task_id};
		ChunkEntry *entry;
		bool		found;

		if (!pgdf_task_is_chunk(reports[i].task_id))
			continue;
		if (chunks == NULL)
			chunks = hash_create("pgdf chunks", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		entry = hash_search(chunks, &key, HASH_ENTER, &found);
		entry->chunk = NULL;
	}
	return chunks;
}

static void
lock_chunks(HTAB *chunks)
{
	HASH_SEQ_STATUS scan;
	ChunkEntry *entry;
	ColumnArray columns[2];
	Datum		values[2];
	uint64		found;
	int			n = 0;

	for (int c = 0; c < 2; c++)
		pgdf_column_init(&columns[c], hash_get_num_entries(chunks));
	hash_seq_init(&scan, chunks);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		pgdf_column_set(&columns[0], n, Int64GetDatum(entry->key.instance_key), false);
		pgdf_column_set(&columns[1], n++, Int32GetDatum((int32) entry->key.chunk_id), false);
	}
	values[0] = pgdf_column_array(&columns[0], INT8ARRAYOID);
	values[1] = pgdf_column_array(&columns[1], INT4ARRAYOID);
	found = pgdf_spi_execute(&lock_statement, values, NULL);
	for (uint64 row = 0; row < found; row++)
	{
		Chunk	   *chunk = pgdf_chunk_read(row, 1);
		ChunkKey	key = {chunk->instance_key, chunk->chunk_id};

		entry = hash_search(chunks, &key, HASH_FIND, NULL);
		entry->chunk = chunk;
	}
}

static ChunkEntry *
find_chunk(HTAB *chunks, const Report *report)
{
	ChunkKey	key = {report->instance_key, report->task_id};

	return hash_search(chunks, &key, HASH_FIND, NULL);
}

static ReportState
state_of(const ChunkEntry *entry, const Report *report)
{
	const Chunk *chunk = entry->chunk;

	if (chunk == NULL)
		return REPORT_UNSEEN;
	return chunk->state == TASK_CLAIMED && chunk->fence == pgdf_chunk_fence(report->fence) &&
		pgdf_chunk_has(chunk, pgdf_chunk_bit(report->fence)) ? REPORT_VALID : REPORT_FENCED;
}

static void
settle(MapChanges *changes, Chunk *chunk, const Report *report, TimestampTz now)
{
	int			bit = pgdf_chunk_bit(report->fence);

	switch (report->outcome)
	{
		case 'c':
			complete(changes, chunk, bit, report->payload);
			break;
		case 'f':
			fail(changes, chunk, bit, report->payload, now);
			break;
		case 'r':
			pgdf_chunk_give_back(changes, chunk, bit, NULL);
			break;
		case 's':
			pgdf_chunk_started(changes, chunk, bit);
			break;
		case 'p':
			postpone(changes, chunk, bit, report->payload, now);
			break;
	}
}

static void
postpone(MapChanges *changes, Chunk *chunk, int bit, text *payload, TimestampTz now)
{
	text	   *state;
	int64		delay_ms;

	if (!chunk->is_slow && pgdf_postponement_read(payload, &state, &delay_ms))
		pgdf_chunk_postpone(changes, chunk, bit, now + delay_ms * 1000, state);
	else
		fail(changes, chunk, bit, pgdf_postponement_invalid(), now);
}

static void
complete(MapChanges *changes, Chunk *chunk, int bit, text *result)
{
	text	   *failure = NULL;

	if (result == NULL)
		result = cstring_to_text("null");
	else
		failure = pgdf_report_invalid_result(chunk->name, result);
	if (failure != NULL)
		pgdf_chunk_give_up(changes, chunk, bit, failure);
	else
		pgdf_chunk_complete(changes, chunk, bit, result);
}

/* Of a SQL activity, an error of the system's making is no outcome. */
static void
fail(MapChanges *changes, Chunk *chunk, int bit, text *failure, TimestampTz now)
{
	Failure		parts;

	failure = pgdf_report_failure(failure);
	if (chunk->is_slow)
	{
		pgdf_failure_from_json(failure, &parts);
		if (pgdf_error_type_is_transient(parts.error_type))
		{
			pgdf_chunk_rest(changes, chunk, bit, failure, now);
			return;
		}
	}
	pgdf_chunk_fail(changes, chunk, bit, failure, now);
}

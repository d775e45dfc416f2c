/*
 * map_claim.c
 *		Handing out items of maps: whole chunks, or as much of one as there is room
 *		for.
 *
 * A claimed chunk has one fence; each of its items goes to the worker as a task
 * of its own, with the chunk's number and the fence of its bit.  What of a chunk
 * does not fit goes back into the lane as a chunk of its own, so that a worker with
 * few places does not keep items from others.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "call_http.h"
#include "claim.h"
#include "lane.h"
#include "limit.h"
#include "map.h"
#include "spi.h"

/*
 * MATERIALIZED, or the subquery might run again and lock more rows.  What a map and
 * its instance say is read once for all of its chunks: an old snapshot keeps many
 * versions of either row.
 */
#define CLAIM(condition, order) \
	"WITH c AS MATERIALIZED (" \
	"    SELECT ctid FROM df.tasks" \
	"     WHERE state = 0 AND queue = $1 AND lane = $2" condition \
	"     ORDER BY " order " LIMIT $3 FOR UPDATE SKIP LOCKED)," \
	" u AS (" \
	"    UPDATE df.tasks t" \
	"       SET state = 1, fence = (df.random_fence() >> 6) << 6, worker_key = $4, claimed_at = $5," \
	"           deliveries = t.deliveries + 1, started_items = 0," \
	"           attempts = CASE WHEN t.at_most_once AND t.resume_state IS NULL THEN t.attempts + 1" \
	"                           ELSE t.attempts END" \
	"     WHERE t.ctid = ANY (ARRAY(SELECT ctid FROM c))" \
	"    RETURNING t.ctid, t.*)," \
	" m AS MATERIALIZED (" \
	"    SELECT d.map_key, s.instance_id, s.run_id, s.traceparent," \
	"           s.instance_key IS NULL OR s.completed_at IS NOT NULL OR f.is_closed IS NOT FALSE AS is_gone" \
	"      FROM (SELECT DISTINCT instance_key, map_task_id, map_key FROM u) d" \
	"      LEFT JOIN LATERAL (SELECT * FROM df.instance_state" \
	"                          WHERE instance_key = d.instance_key OFFSET 0) s ON true" \
	"      LEFT JOIN LATERAL (SELECT is_closed FROM df.maps" \
	"                          WHERE instance_key = d.instance_key AND task_id = d.map_task_id" \
	"                            AND map_key = d.map_key OFFSET 0) f ON true)" \
	" SELECT m.instance_id, m.run_id, m.traceparent, u.timeout, " PGDF_TASK_SETTINGS("u") "," \
	"        m.is_gone, " CHUNK_COLUMNS("u") ", u.priority, u.seq" \
	"   FROM u" \
	"  CROSS JOIN LATERAL (SELECT * FROM m WHERE map_key = u.map_key OFFSET 0) m" \
	"  ORDER BY u.priority DESC, u.seq"

/* Columns of the result. */
#define COLUMN_CHUNK		7
#define COLUMN_PRIORITY		26
#define COLUMN_SEQ			27

static PgdfStatement claim_full = {
	CLAIM("", "priority DESC, seq"),
	5, {TEXTOID, TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID}
};

static PgdfStatement claim_marked = {
	CLAIM(" AND priority = $6 AND seq > $7", "seq"),
	7, {TEXTOID, TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID, INT4OID, INT8OID}
};

/* What does not fit: its claim is taken back. */
static PgdfStatement keep_statement = {
	"UPDATE df.tasks SET open_items = $3 WHERE instance_key = $1 AND task_id = $2",
	3, {INT8OID, INT4OID, INT8OID}
};

static PgdfStatement inputs_statement = {
	"SELECT c.chunk::int, i.n, i.input"
	"  FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS c(instance_key, map_key, first, last, chunk)"
	" CROSS JOIN LATERAL (SELECT n, input FROM df.map_inputs"
	"                      WHERE instance_key = c.instance_key AND map_key = c.map_key"
	"                        AND n BETWEEN c.first AND c.last OFFSET 0) i",
	4, {INT8ARRAYOID, INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID}
};

/* What all items of a claimed chunk have in common. */
typedef struct ClaimedChunk
{
	Chunk	   *chunk;
	text	   *name;
	text	   *instance_id;
	char	   *key_prefix;		/* of the idempotency keys */
	int			attempt;
	int64		timeout_ms;
	text	   *settings;
	text	   *traceparent;
	bool		is_gone;		/* nobody wants it any more */
	const char *lane;			/* where what is not taken of it goes; NULL: where it was */
} ClaimedChunk;

static List *lane_names(const WorkCall *call);
static void claim_lane(WorkCall *call, const char *queue, const char *name, bool with_marks);
static void claim_up_to(WorkCall *call, Lane *lane, bool with_marks);
static void claim_chunks(WorkCall *call, Lane *lane, int mark);
static bool is_sql_lane(const char *name);
static void move_to_limited_lane(ClaimedChunk *claimed);
static ClaimedChunk *read_claimed(uint64 row, const char *lane);
static int	take_items(ClaimedChunk *claimed, int room);
static uint64 lowest_bits(uint64 bits, int count);
static void add_items(WorkCall *call, ClaimedChunk **chunks, int nchunks, char what);
static void add_item(WorkCall *call, const ClaimedChunk *claimed, int bit, text *input, char what);

void
pgdf_map_claim(WorkCall *call, bool with_marks)
{
	List	   *names;
	ListCell   *queue;
	ListCell   *name;

	if (!pgdf_maps_exist())
		return;
	names = lane_names(call);
	foreach(queue, call->engine->queues)
	{
		foreach(name, names)
		{
			if (call->claimed >= call->room)
				return;
			claim_lane(call, lfirst(queue), lfirst(name), with_marks);
		}
	}
}

/* Every name comes first once. */
static List *
lane_names(const WorkCall *call)
{
	static unsigned int turn = 0;
	int			nnames = list_length(call->activities);
	List	   *names = list_make1(pstrdup(MAP_LANE_SLOW));
	ListCell   *cell;

	turn++;
	foreach(cell, pgdf_limit_names())
		names = lappend(names, psprintf(MAP_LANE_LIMITED "%s", (char *) lfirst(cell)));
	for (int i = 0; i < nnames; i++)
		names = lappend(names, psprintf(MAP_LANE_PREFIX "%s",
										(char *) list_nth(call->activities, (turn + i) % nnames)));
	return names;
}

static void
claim_lane(WorkCall *call, const char *queue, const char *name, bool with_marks)
{
	int			before = call->claimed;
	int			call_room = call->room;
	LimitGrant	limit;
	int			room = pgdf_limit_admit(call->engine, queue, name, call->room - before, &limit);

	if (room <= 0)
		return;
	call->room = before + room;
	claim_up_to(call, pgdf_lane_find(queue, name), with_marks);
	call->room = call_room;
	pgdf_limit_note_claims(call->engine, &limit, call->claimed - before);
}

static void
claim_up_to(WorkCall *call, Lane *lane, bool with_marks)
{
	for (int mark = 0; with_marks && mark < lane->nmarks && call->claimed < call->room; mark++)
	{
		if (pgdf_lane_waits_behind(lane, mark))
			claim_chunks(call, lane, mark);
	}
	if (call->claimed < call->room && pgdf_lane_waits(lane, with_marks))
	{
		lane->nmarks = 0;
		claim_chunks(call, lane, -1);
	}
}

/*
 * As many chunks as probably fit, behind a mark or (-1) wherever they are, until
 * there is no room or nothing left.
 */
static void
claim_chunks(WorkCall *call, Lane *lane, int mark)
{
	bool		is_slow = strcmp(lane->name, MAP_LANE_SLOW) == 0;
	char		what = is_sql_lane(lane->name) ? 'Q' : 'T';
	int			size = MAP_CHUNK_ITEMS; /* what a chunk has, as far as is known */
	Datum		values[7];

	values[0] = CStringGetTextDatum(lane->queue);
	values[1] = CStringGetTextDatum(lane->name);
	values[3] = Int64GetDatum(call->engine->worker_key);
	values[4] = TimestampTzGetDatum(call->engine->now);
	while (call->claimed < call->room)
	{
		int			wanted = Max(1, (call->room - call->claimed) / size);
		ClaimedChunk **chunks;
		int			before = call->claimed;
		uint64		n;

		values[2] = Int32GetDatum(wanted);
		if (mark >= 0)
		{
			values[5] = Int32GetDatum(lane->marks[mark].priority);
			values[6] = Int64GetDatum(lane->marks[mark].seq);
		}
		n = pgdf_spi_execute(mark >= 0 ? &claim_marked : &claim_full, values, NULL);
		chunks = palloc(Max(1, n) * sizeof(ClaimedChunk *));
		for (uint64 row = 0; row < n; row++)
		{
			pgdf_lane_note_claim(lane, pgdf_spi_int32(row, COLUMN_PRIORITY), pgdf_spi_int64(row, COLUMN_SEQ));
			chunks[row] = read_claimed(row, lane->name);
		}
		for (uint64 i = 0; i < n; i++)
		{
			/* what has got a limit since it became slow is claimed from a lane of its own */
			if (is_slow && pgdf_limit_is_set(chunks[i]->chunk->name))
				move_to_limited_lane(chunks[i]);
			else
				call->claimed += take_items(chunks[i], call->room - call->claimed);
		}
		add_items(call, chunks, n, what);
		if (n < (uint64) wanted)
			return;
		size = Max(1, (call->claimed - before) / (int) n);
	}
}

static bool
is_sql_lane(const char *name)
{
	return strcmp(name, MAP_LANE_SLOW) == 0 ||
		strncmp(name, MAP_LANE_LIMITED, strlen(MAP_LANE_LIMITED)) == 0;
}

static ClaimedChunk *
read_claimed(uint64 row, const char *lane)
{
	bool		is_http = strcmp(lane, MAP_LANE_PREFIX PGDF_HTTP_ACTIVITY) == 0;
	bool		is_sql = is_sql_lane(lane);
	ClaimedChunk *claimed = palloc0(sizeof(ClaimedChunk));
	Chunk	   *chunk = pgdf_chunk_read(row, COLUMN_CHUNK);
	bool		isnull;
	Datum		run_id;
	Datum		timeout;

	claimed->chunk = chunk;
	claimed->is_gone = DatumGetBool(pgdf_spi_datum(row, 6, &isnull));
	if (claimed->is_gone)
		return claimed;
	claimed->name = cstring_to_text(is_http ? PGDF_HTTP_ACTIVITY : chunk->name);
	claimed->instance_id = pgdf_spi_text(row, 1, CurrentMemoryContext);
	run_id = pgdf_spi_datum(row, 2, &isnull);
	claimed->key_prefix = psprintf("%s-%d-%d", DatumGetCString(DirectFunctionCall1(uuid_out, run_id)),
								   chunk->execution, chunk->map_task_id);
	claimed->traceparent = pgdf_spi_text(row, 3, CurrentMemoryContext);
	timeout = pgdf_spi_datum(row, 4, &isnull);
	claimed->timeout_ms = isnull ? (is_sql ? pgdf_sql_timeout_ms() : -1) : pgdf_timeout_ms(DatumGetIntervalP(timeout));
	claimed->settings = pgdf_spi_text(row, 5, CurrentMemoryContext);
	claimed->attempt = chunk->attempts + (chunk->at_most_once ? 0 : 1);
	return claimed;
}

/* Returns how many of its items are claimed; the others are in their lane again. */
static int
take_items(ClaimedChunk *claimed, int room)
{
	Chunk	   *chunk = claimed->chunk;
	uint64		taken = lowest_bits(chunk->open, room);
	NewChunk	rest = {
		.instance_key = chunk->instance_key,.map_key = chunk->map_key,
		.map_task_id = chunk->map_task_id,
		.first_item = chunk->first_item,.items = chunk->open & ~taken,.state = TASK_QUEUED,
		.attempts = chunk->attempts - (chunk->at_most_once ? 1 : 0),
		.deliveries = chunk->deliveries - 1,.lane = chunk->is_slow ? MAP_LANE_SLOW : NULL,
		.resume_state = chunk->resume_state
	};

	if (claimed->lane != NULL)
		rest.lane = claimed->lane;
	if (claimed->is_gone || taken == 0)
	{
		pgdf_task_delete(chunk->instance_key, chunk->chunk_id);
		if (!claimed->is_gone)
			pgdf_chunks_insert(&rest, 1);
		chunk->open = 0;
		return 0;
	}
	if (rest.items != 0)
	{
		Datum		values[3] = {
			Int64GetDatum(chunk->instance_key), Int32GetDatum(chunk->chunk_id), Int64GetDatum((int64) taken)
		};

		pgdf_spi_execute(&keep_statement, values, NULL);
		pgdf_chunks_insert(&rest, 1);
		chunk->open = taken;
	}
	return pg_popcount64(taken);
}

static void
move_to_limited_lane(ClaimedChunk *claimed)
{
	claimed->lane = psprintf(MAP_LANE_LIMITED "%s", pgdf_name_key(claimed->chunk->name));
	(void) take_items(claimed, 0);
}

static uint64
lowest_bits(uint64 bits, int count)
{
	uint64		lowest = 0;

	for (int i = 0; i < count && bits != 0; i++)
	{
		lowest |= bits & (~bits + 1);
		bits &= bits - 1;
	}
	return lowest;
}

/* A row of the answer for each item, with its input. */
static void
add_items(WorkCall *call, ClaimedChunk **chunks, int nchunks, char what)
{
	Chunk	  **plain = palloc(Max(1, nchunks) * sizeof(Chunk *));
	uint64		n;

	for (int i = 0; i < nchunks; i++)
	{
		plain[i] = chunks[i]->chunk;
		if (chunks[i]->chunk->at_most_once && chunks[i]->chunk->open != 0)
			call->engine->must_be_durable = true;
	}
	n = pgdf_chunk_inputs(plain, nchunks);
	for (uint64 row = 0; row < n; row++)
	{
		const ClaimedChunk *claimed = chunks[pgdf_spi_int32(row, 1) - 1];
		int			bit = pgdf_spi_int32(row, 2) - claimed->chunk->first_item;
		bool		isnull;

		/* the rows of the answer are made before those of the statement are freed */
		if (pgdf_chunk_has(claimed->chunk, bit))
			add_item(call, claimed, bit, DatumGetTextPP(pgdf_spi_datum(row, 3, &isnull)), what);
	}
}

uint64
pgdf_chunk_inputs(Chunk *const *chunks, int nchunks)
{
	ColumnArray columns[4];
	Datum		values[4];

	for (int c = 0; c < lengthof(columns); c++)
		pgdf_column_init(&columns[c], Max(1, nchunks));
	for (int i = 0; i < nchunks; i++)
	{
		const Chunk *chunk = chunks[i];
		int			first = chunk->open ? pg_rightmost_one_pos64(chunk->open) : 0;
		int			last = chunk->open ? pg_leftmost_one_pos64(chunk->open) : -1;

		pgdf_column_set(&columns[0], i, Int64GetDatum(chunk->instance_key), false);
		pgdf_column_set(&columns[1], i, Int64GetDatum(chunk->map_key), false);
		pgdf_column_set(&columns[2], i, Int32GetDatum(chunk->first_item + first), false);
		pgdf_column_set(&columns[3], i, Int32GetDatum(chunk->first_item + last), false);
	}
	if (nchunks == 0)
		return 0;
	for (int c = 0; c < lengthof(columns); c++)
		values[c] = pgdf_column_array(&columns[c], inputs_statement.argtypes[c]);
	return pgdf_spi_execute(&inputs_statement, values, NULL);
}

static void
add_item(WorkCall *call, const ClaimedChunk *claimed, int bit, text *input, char what)
{
	const Chunk *chunk = claimed->chunk;
	WorkRow    *task = pgdf_work_add_row(call, what);

	task->instance_key = chunk->instance_key;
	task->task_id = chunk->chunk_id;
	task->fence = chunk->fence | bit;
	task->name = claimed->name;
	task->instance_id = claimed->instance_id;
	task->execution = chunk->execution;
	task->attempt = claimed->attempt;
	task->idempotency_key = cstring_to_text(psprintf("%s-%d", claimed->key_prefix,
													 chunk->first_item + bit));
	task->timeout_ms = claimed->timeout_ms;
	task->input = input;
	task->settings = claimed->settings;
	task->traceparent = claimed->traceparent;
}

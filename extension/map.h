/*
 * map.h
 *		Maps: one activity for every member of a set, as one task.
 *
 * A map is a row of df.maps, its inputs are rows of df.map_inputs, what became of
 * them are rows of df.map_results.  Items are handed out in chunks: a chunk is a
 * row of df.tasks with a negative number of its own and a bit for each item that
 * is still to be done.  So lanes, claims, fences, presence and cancellation are
 * those of any task.
 *
 * A worker knows nothing of chunks.  It gets a task for each item: the number of
 * the chunk, and the chunk's fence with the number of the bit in its lowest bits.
 *
 * Who holds a chunk's row lock and its fence may write outcomes of its open items,
 * and nobody else.  The counters of df.maps belong to who holds the instance: who
 * does not sends what is to be added through the inbox, as a delivery of type
 * EVENT_MAP_PROGRESS.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_MAP_H
#define PGDF_MAP_H

#include "postgres.h"

#include "engine.h"
#include "port/pg_bitutils.h"
#include "record.h"
#include "storage/itemptr.h"
#include "task.h"
#include "utils/tuplestore.h"

/* Items of a chunk at most: the bits of a bigint. */
#define MAP_CHUNK_ITEMS		64

/* Lanes of chunks; no activity's name begins with '*'. */
#define MAP_LANE_PREFIX		"*map " /* of what workers do: and the activity's name */
#define MAP_LANE_SQL		"*map*sql"
#define MAP_LANE_SLOW		"*map*slow"
#define MAP_LANE_LIMITED	"*map:" /* of SQL activities with a limit: and the activity's name */

/* errorType of a map some of whose items have failed. */
#define MAP_FAILURE_TYPE	"ItemFailed"

/* Members of a set on their way from the function that scheduled them into df.map_inputs. */
typedef struct MapInputs
{
	Tuplestorestate *store;		/* JSON texts; NULL: none are kept */
	int64		count;
	uint64		hash;			/* of all, in order */
	bool		is_partial;		/* some were only hashed */
} MapInputs;

/* A chunk to be inserted. */
typedef struct NewChunk
{
	int64		instance_key;
	int64		map_key;
	int			map_task_id;
	int			first_item;		/* of bit 0 */
	uint64		items;			/* bits */
	TaskState	state;
	TimestampTz visible_at;		/* when delayed */
	int			attempts;
	int			deliveries;
	const char *lane;			/* NULL: the map's */
	text	   *last_failure;	/* or NULL */
	text	   *resume_state;	/* of its only item, whose attempt was postponed; or NULL */
} NewChunk;

/* A chunk whose row this transaction has locked. */
typedef struct Chunk
{
	int64		instance_key;
	int			chunk_id;		/* its task_id: negative */
	ItemPointerData row;
	TaskState	state;
	int64		fence;			/* as in the row: the lowest bits are 0 */
	int			execution;
	int64		map_key;
	int			map_task_id;
	int			first_item;
	uint64		open;			/* bits: still to be done */
	uint64		started;		/* bits: the running attempt has been counted */
	int			attempts;		/* of each of them, before the running one */
	int			deliveries;
	bool		at_most_once;	/* then the running one is counted already; not when it was postponed */
	text	   *retry;
	TimestampTz scheduled_at;
	char	   *name;
	bool		is_slow;		/* of SQL activities, each in a transaction of its own */
	text	   *resume_state;	/* of its only item, whose attempt was postponed; or NULL */
	bool		is_touched;
} Chunk;

/* Columns of df.tasks, in an order that pgdf_chunk_read() knows. */
#define CHUNK_COLUMNS(t) \
	t ".instance_key, " t ".task_id, " t ".ctid, " t ".state, " t ".fence, " t ".execution, " \
	t ".map_task_id, " t ".first_item, " t ".open_items, " t ".started_items, " t ".attempts, " \
	t ".deliveries, " t ".at_most_once AND " t ".resume_state IS NULL, " t ".retry, " t ".scheduled_at, " t ".name, " \
	t ".lane = '" MAP_LANE_SLOW "' OR left(" t ".lane, 5) = '" MAP_LANE_LIMITED "', " \
	t ".resume_state, " t ".map_key"

/* What a transaction does to chunks and items, written in bulk by pgdf_map_changes_write(). */
typedef struct MapChanges
{
	List	   *results;		/* ItemResult * */
	List	   *chunks;			/* Chunk *: touched */
	List	   *new_chunks;		/* NewChunk * */
} MapChanges;

static inline bool
pgdf_task_is_chunk(int task_id)
{
	return task_id < 0;
}

/* The fence of an item's chunk, and the item's bit. */
static inline int64
pgdf_chunk_fence(int64 fence)
{
	return fence & ~(int64) (MAP_CHUNK_ITEMS - 1);
}

static inline int
pgdf_chunk_bit(int64 fence)
{
	return (int) (fence & (MAP_CHUNK_ITEMS - 1));
}

static inline bool
pgdf_chunk_has(const Chunk *chunk, int bit)
{
	return (chunk->open & (UINT64CONST(1) << bit)) != 0;
}

/* --- map.c: what orchestrators call --- */

/* Row type of MapInputs.store: one text. */
extern TupleDesc pgdf_map_inputs_desc(MemoryContext context);

/* A turn is over: let go of the inputs that it has collected. */
extern void pgdf_map_inputs_free(Turn *turn);

/* --- map_result.c: what a map has come to, inside a turn --- */

/* Results of a completed map as a JSON array, in order. */
extern Jsonb *pgdf_map_result(const Turn *turn, int number);

/* A line for each failed item, for an error's detail. */
extern char *pgdf_map_failures(const Turn *turn, int number);

/* --- map_state.c: a map, for who holds its instance --- */

/* False where there has never been a map: then nobody need look for chunks.  Costs no statement. */
extern bool pgdf_maps_exist(void);

/* Is this, which is the payload of a scheduled map, one of an empty set? */
extern bool pgdf_map_is_empty(text *payload);

/* Write a map that a turn has decided on; activity says how its items are to be done. */
extern void pgdf_map_schedule(Engine *engine, Instance *instance, MapInputs *inputs,
							  int max_in_flight, const TaskRow *activity);

/* Items have got their outcomes: count them, release others, and complete the map with the last. */
extern void pgdf_map_progress(Engine *engine, Instance *instance, const Delivery *delivery);

/* df_cancel: nothing more of it is done or counted.  Harmless when the task is no map. */
extern void pgdf_map_cancel(Instance *instance, int task_id);

/* Maps scheduled from that event on are forgotten; the failed items of those listed are done again. */
extern void pgdf_map_rewind(Engine *engine, Instance *instance, int from_event,
							const int *failed, int nfailed);

/* The execution is over: forget all of its maps. */
extern void pgdf_map_forget_all(int64 instance_key);

/* --- map_chunk.c: chunks and their items --- */

/* Whose lane the chunks go into, when a task of that activity would go into this one. */
extern text *pgdf_map_lane(text *lane);

/* The chunk in a row of the last result, whose columns from col on are CHUNK_COLUMNS. */
extern Chunk *pgdf_chunk_read(uint64 row, int col);

/* Insert chunks of maps that exist; returns how many items were queued. */
extern int	pgdf_chunks_insert(const NewChunk *chunks, int nchunks);

/* An open item has its result. */
extern void pgdf_chunk_complete(MapChanges *changes, Chunk *chunk, int bit, text *result);

/* An open item has failed for good. */
extern void pgdf_chunk_give_up(MapChanges *changes, Chunk *chunk, int bit, text *failure);

/* An attempt has failed: the item has its outcome, or goes into a chunk that waits for the next one. */
extern void pgdf_chunk_fail(MapChanges *changes, Chunk *chunk, int bit, text *failure, TimestampTz now);

/* The attempt goes on at that time, with state; nothing counted. */
extern void pgdf_chunk_postpone(MapChanges *changes, Chunk *chunk, int bit, TimestampTz visible_at, text *state);

/* An attempt has come to no end for reasons of the system's making: later, and not for ever. */
extern void pgdf_chunk_rest(MapChanges *changes, Chunk *chunk, int bit, text *failure, TimestampTz now);

/* The item is queued again, nothing counted; lane NULL: where the chunk was. */
extern void pgdf_chunk_give_back(MapChanges *changes, Chunk *chunk, int bit, const char *lane);

/* A SQL activity that does not fit into an engine call: into a chunk of its own, in that lane. */
extern void pgdf_chunk_slow_down(MapChanges *changes, Chunk *chunk, int bit, const char *lane);

/* The attempt counts from here on. */
extern void pgdf_chunk_started(MapChanges *changes, Chunk *chunk, int bit);

/* All open items leave the chunk as they are, into new ones of so many items. */
extern void pgdf_chunk_requeue(MapChanges *changes, Chunk *chunk, int deliveries, int max_items);

/*
 * Write everything, and tell the instances.  engine NULL: outside of an engine
 * call; then the caller has woken the workers.  Returns how many items have got
 * their outcome.
 */
extern int	pgdf_map_changes_write(MapChanges *changes, Engine *engine, TimestampTz now);

/* --- map_record.c: outcomes that a worker reports --- */

/* Lock the chunks of reported items; NULL when there are none.  Sets the reports' states. */
extern HTAB *pgdf_map_lock_reported(Report *reports, int nreports);

/* Record the reports whose chunks are locked. */
extern void pgdf_map_record(WorkCall *call, HTAB *chunks, Report *reports, int nreports);

/* --- map_claim.c: handing out items --- */

/* with_marks: behind what this session has claimed, as far as that is enough. */
extern void pgdf_map_claim(WorkCall *call, bool with_marks);

/*
 * Inputs of the open items of chunks, and perhaps of others between them: rows of
 * (index of the chunk from 1, n, input) in the last result.
 */
extern uint64 pgdf_chunk_inputs(Chunk *const *chunks, int nchunks);

/* --- map_sql.c: SQL activities --- */

/* Run items of the engine's owner inside this call, as far as the budget goes. */
extern void pgdf_map_sql_run(Engine *engine);

/* df.run_sql of an item. */
extern bool pgdf_map_run_slow(int64 instance_key, int chunk_id, int64 fence);

/* --- map_lost.c: claims of workers that are gone --- */

/* What a lost worker holds goes back, or fails when it may be started only once; returns how many items. */
extern int	pgdf_map_take_over(int64 worker_key, TimestampTz now);

/* A worker ends: as above, and nothing of what was not started is counted. */
extern int	pgdf_map_detach(int64 worker_key, TimestampTz now);

#endif							/* PGDF_MAP_H */

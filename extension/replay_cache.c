/*
 * replay_cache.c
 *		Histories that this backend has read, kept for the next turn.
 *
 * A turn of a chain needs its whole history, of which all but a few events were
 * there a turn ago.  An entry is the replay of what was read from the table: turns
 * get a copy of its arrays, so what they decide never gets into it.  They leave there
 * which inputs they have compared: these have the hash that history says, for ever.  History is only appended to, under the instance's row lock, so an entry of the
 * same run and execution is a beginning of what the table has, and the rest is read.
 *
 * One exception: a transaction that reads what it has written itself, and is rolled
 * back.  Whatever is read is dropped when the (sub)transaction in which it was
 * read is rolled back.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "orchestrate.h"
#include "payload.h"
#include "replay_cache.h"

/* Shorter histories are read faster than they are kept. */
#define EVENTS_MIN		32

/* What a backend may keep, and how much of that may be of one instance. */
#define TOTAL_BYTES_MAX	(32 * 1024 * 1024)
#define ENTRY_BYTES_MAX	(8 * 1024 * 1024)

typedef struct CacheEntry
{
	int64		instance_key;	/* hash key */
	dlist_node	node;			/* in recently_used */
	MemoryContext context;		/* of all that belongs to the entry */
	pg_uuid_t	run_id;
	int			execution;
	int			last_event;		/* read so far */
	Replay	   *replay;			/* of exactly those events */
	Size		bytes;
	SubTransactionId read_in;	/* its last event; Invalid: in a transaction that has committed */
	uint64		call;			/* that used it last */
} CacheEntry;

static HTAB *entries = NULL;
static dlist_head recently_used = DLIST_STATIC_INIT(recently_used); /* the latest first */
static Size total_bytes = 0;
static uint64 call_number = 0;

static void start(void);
static CacheEntry *find_entry(const StoredHistory *history);
static void read_on(CacheEntry *entry, const StoredHistory *history);
static void convert_results(Replay *replay);
static void drop_entry(CacheEntry *entry);
static void make_room(void);

Replay *
pgdf_replay_cache_load(const StoredHistory *history, MemoryContext context)
{
	CacheEntry *entry;
	Replay	   *replay;

	if (history->last_event < EVENTS_MIN)
	{
		replay = pgdf_replay_create(context);
		pgdf_replay_load(replay, history->instance_key, history->execution, 0);
		return replay;
	}
	start();
	entry = find_entry(history);
	read_on(entry, history);
	make_room();
	replay = pgdf_replay_create(context);
	pgdf_replay_copy(replay, entry->replay);
	return replay;
}

void
pgdf_replay_cache_begin_call(void)
{
	call_number++;
	make_room();
}

/* The entry of this execution, perhaps an empty one. */
static CacheEntry *
find_entry(const StoredHistory *history)
{
	CacheEntry *entry = hash_search(entries, &history->instance_key, HASH_FIND, NULL);

	if (entry != NULL &&
		(memcmp(&entry->run_id, &history->run_id, sizeof(pg_uuid_t)) != 0 ||
		 entry->execution != history->execution || entry->last_event > history->last_event))
	{
		drop_entry(entry);
		entry = NULL;
	}
	if (entry == NULL)
	{
		MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pgdf replay",
													  ALLOCSET_DEFAULT_SIZES);
		Replay	   *replay = pgdf_replay_create(context);

		entry = hash_search(entries, &history->instance_key, HASH_ENTER, NULL);
		entry->context = context;
		entry->run_id = history->run_id;
		entry->execution = history->execution;
		entry->last_event = 0;
		entry->replay = replay;
		entry->bytes = 0;
		entry->read_in = InvalidSubTransactionId;
		dlist_push_head(&recently_used, &entry->node);
	}
	else
		dlist_move_head(&recently_used, &entry->node);
	entry->call = call_number;
	return entry;
}

static void
read_on(CacheEntry *entry, const StoredHistory *history)
{
	int			from = entry->last_event;

	if (from == history->last_event)
		return;
	entry->read_in = GetCurrentSubTransactionId();
	entry->last_event = -1;		/* no entry to be used again, if reading fails */
	pgdf_replay_load(entry->replay, history->instance_key, history->execution, from);
	convert_results(entry->replay);
	entry->last_event = history->last_event;

	total_bytes -= entry->bytes;
	entry->bytes = MemoryContextMemAllocated(entry->context, true);
	total_bytes += entry->bytes;
}

/*
 * A recorded result is returned at every replay: as jsonb, once and for all.  What a
 * conversion leaves behind is many times as large, and is not kept.
 */
static void
convert_results(Replay *replay)
{
	MemoryContext part = AllocSetContextCreate(CurrentMemoryContext, "pgdf replay results",
											   ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < replay->ntasks; i++)
	{
		TurnTask   *task = &replay->tasks[i];
		MemoryContext caller;
		Jsonb	   *json;

		if (task->result == NULL || task->result_json != NULL)
			continue;
		caller = MemoryContextSwitchTo(part);
		json = pgdf_payload_to_jsonb(task->result);
		MemoryContextSwitchTo(caller);
		task->result_json = MemoryContextAlloc(replay->context, VARSIZE(json));
		memcpy(task->result_json, json, VARSIZE(json));
		MemoryContextReset(part);
	}
	MemoryContextDelete(part);
}

static void
drop_entry(CacheEntry *entry)
{
	MemoryContext context = entry->context;

	total_bytes -= entry->bytes;
	dlist_delete(&entry->node);
	(void) hash_search(entries, &entry->instance_key, HASH_REMOVE, NULL);
	MemoryContextDelete(context);
}

/* Drop large entries, and those not used for the longest time; none that this call uses. */
static void
make_room(void)
{
	dlist_iter	iter;
	CacheEntry *oldest = NULL;

	do
	{
		oldest = NULL;
		dlist_reverse_foreach(iter, &recently_used)
		{
			CacheEntry *entry = dlist_container(CacheEntry, node, iter.cur);

			if (entry->call != call_number &&
				(entry->bytes > ENTRY_BYTES_MAX || total_bytes > TOTAL_BYTES_MAX))
			{
				oldest = entry;
				break;
			}
		}
		if (oldest != NULL)
			drop_entry(oldest);
	} while (oldest != NULL);
}

/* ---------------------------------------------------------------- rollback */

static void
drop_read_since(SubTransactionId subid)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &recently_used)
	{
		CacheEntry *entry = dlist_container(CacheEntry, node, iter.cur);

		if (entry->read_in != InvalidSubTransactionId && entry->read_in >= subid)
			drop_entry(entry);
	}
}

static void
keep_all(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &recently_used)
		dlist_container(CacheEntry, node, iter.cur)->read_in = InvalidSubTransactionId;
}

static void
on_transaction_end(XactEvent event, void *arg)
{
	/* of a prepared transaction nobody knows the end */
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		drop_read_since(TopSubTransactionId);
	else if (event == XACT_EVENT_COMMIT)
		keep_all();
}

static void
on_subtransaction_end(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		drop_read_since(subid);
}

static void
start(void)
{
	HASHCTL		control = {.keysize = sizeof(int64),.entrysize = sizeof(CacheEntry)};

	if (entries != NULL)
		return;
	entries = hash_create("pgdf replays", 64, &control, HASH_ELEM | HASH_BLOBS);
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
}

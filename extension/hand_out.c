/*
 * hand_out.c
 *		New tasks that are claimed as they are made.
 *
 * Most tasks are run by the worker whose call has made them: then to put them
 * into a lane, to find them there and to change their rows is work for nothing.  A
 * row is inserted as a claimed one instead.  Nobody is overtaken: it is done only
 * when all lanes of this worker are empty.  When there is no room for all new tasks
 * that it may have, the first ones are handed out if all would wait in one lane;
 * else they go into their lanes, and are claimed in order.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "call_http.h"
#include "hand_out.h"
#include "instance.h"
#include "lane.h"
#include "limit.h"
#include "map.h"
#include "task.h"

static List *find_candidates(Engine *engine);
static bool is_candidate(const Engine *engine, const TaskRow *row);
static bool are_alike(const TaskRow *a, const TaskRow *b);
static bool text_is(const text *value, const char *word);
static bool texts_are_equal(const text *a, const text *b);
static bool lanes_are_empty(const Engine *engine);

void
pgdf_hand_out_new(Engine *engine)
{
	List	   *candidates;
	ListCell   *cell;

	/* a careful call may take back what it has done */
	if (engine->room <= 0 || engine->is_careful)
		return;
	candidates = find_candidates(engine);
	if (candidates == NIL || !lanes_are_empty(engine))
		return;
	foreach(cell, candidates)
	{
		TaskRow    *row = unconstify(TaskRow *, ((HandedOut *) lfirst(cell))->row);

		row->state = TASK_CLAIMED;
		row->fence = pgdf_random_fence();
	}
	engine->handed_out = list_concat(engine->handed_out, candidates);
	engine->room -= list_length(candidates);
}

/* In the order in which they will be written.  None, if there are more than fit, and not all are alike. */
static List *
find_candidates(Engine *engine)
{
	List	   *candidates = NIL;
	const TaskRow *first = NULL;
	bool		all_alike = true;
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		ListCell   *cell;

		if (instance->is_deleted)
			continue;
		foreach(cell, instance->new_tasks)
		{
			TaskRow    *row = lfirst(cell);
			HandedOut  *handed_out;

			if (!(first != NULL && are_alike(first, row)) && !is_candidate(engine, row))
				continue;
			if (first == NULL)
				first = row;
			all_alike = all_alike && are_alike(first, row);
			if (list_length(candidates) < engine->room)
			{
				handed_out = palloc(sizeof(HandedOut));
				handed_out->instance = instance;
				handed_out->row = row;
				candidates = lappend(candidates, handed_out);
			}
			else if (!all_alike)
			{
				hash_seq_term(&scan);
				return NIL;
			}
		}
	}
	return candidates;
}

/* Do they wait in one lane, the one that is written first in front of the other? */
static bool
are_alike(const TaskRow *a, const TaskRow *b)
{
	return a->state == b->state && a->priority == b->priority && (a->input == NULL) == (b->input == NULL) &&
		texts_are_equal(a->lane, b->lane) && texts_are_equal(a->queue, b->queue) &&
		texts_are_equal(a->name, b->name);
}

/* A plain activity of a name that the caller offers, without limits. */
static bool
is_candidate(const Engine *engine, const TaskRow *row)
{
	ListCell   *cell;

	if (row->state != TASK_QUEUED || row->input == NULL || text_is(row->lane, PGDF_HTTP_ACTIVITY))
		return false;
	foreach(cell, engine->offered)
	{
		if (!text_is(row->lane, lfirst(cell)))
			continue;
		return pgdf_engine_serves_queue(engine, text_to_cstring(row->queue)) &&
			!pgdf_limit_is_set(text_to_cstring(row->name));
	}
	return false;
}

static bool
text_is(const text *value, const char *word)
{
	Size		length = strlen(word);

	return VARSIZE_ANY_EXHDR(value) == length && memcmp(VARDATA_ANY(value), word, length) == 0;
}

static bool
texts_are_equal(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/* All that this worker serves, also those of maps and of limited activities. */
static bool
lanes_are_empty(const Engine *engine)
{
	LaneScan   *scan;
	bool		are_empty = true;
	ListCell   *queue;

	if (pgdf_limit_names() != NIL)
		return false;			/* they have lanes of their own, and turns of their own */
	scan = pgdf_lane_scan_begin();
	foreach(queue, engine->queues)
	{
		ListCell   *cell;

		are_empty = are_empty &&
			pgdf_lane_seems_empty(scan, lfirst(queue), PGDF_LANE_SLOW) &&
			pgdf_lane_seems_empty(scan, lfirst(queue), MAP_LANE_SLOW);
		foreach(cell, engine->offered)
		{
			const char *name = lfirst(cell);

			are_empty = are_empty &&
				pgdf_lane_seems_empty(scan, lfirst(queue), name) &&
				pgdf_lane_seems_empty(scan, lfirst(queue), psprintf(MAP_LANE_PREFIX "%s", name));
		}
	}
	pgdf_lane_scan_end(scan);
	return are_empty;
}

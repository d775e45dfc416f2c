/*
 * lane.c
 *		Does anything wait in a lane?  And what a session knows of one.
 *
 * A worker serves a dozen lanes, and most are empty most of the time.  To look at
 * the first entry of a lane in its index costs a tenth of a claim that finds
 * nothing, unless there are thousands of dead ones before it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/instrument.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "lane.h"

/*
 * A whole lane in which nothing was found is looked at again after so many us for
 * each page that had to be read: ten times what that has taken, on a slow machine.
 */
#define LOOK_PAUSE_US	20

/* One that has read so many pages has passed dead entries: not again for so long, in us. */
#define PAGES_OF_DEAD	16
#define PASS_PAUSE_US	1000000

struct LaneScan
{
	Relation	tasks;
	Relation	index;			/* (queue, lane, ...) of queued tasks */
	Snapshot	snapshot;
	IndexScanDesc scan;
	TupleTableSlot *slot;
};

static Lane *lanes = NULL;

static LaneScan *scan_begin(int nkeys);
static bool find_entry(LaneScan *scan, ScanKey keys, int nkeys);
static int64 pages_read(void);

LaneScan *
pgdf_lane_scan_begin(void)
{
	return scan_begin(2);
}

static LaneScan *
scan_begin(int nkeys)
{
	LaneScan   *scan = palloc(sizeof(LaneScan));
	Oid			schema = get_namespace_oid("df", false);

	scan->tasks = table_open(get_relname_relid("tasks", schema), AccessShareLock);
	scan->index = index_open(get_relname_relid("tasks_lane_idx", schema), AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan->scan = pgdf_index_beginscan(scan->tasks, scan->index, scan->snapshot, nkeys);
	scan->slot = table_slot_create(scan->tasks, NULL);
	return scan;
}

bool
pgdf_lane_has_tasks(LaneScan *scan, const char *queue, const char *lane)
{
	ScanKeyData keys[2];

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, TEXTOID, C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(queue));
	ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, TEXTOID, C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(lane));
	return find_entry(scan, keys, 2);
}

static bool
find_entry(LaneScan *scan, ScanKey keys, int nkeys)
{
	bool		is_found;

	index_rescan(scan->scan, keys, nkeys, NULL, 0);
	is_found = index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
	ExecClearTuple(scan->slot);
	return is_found;
}

void
pgdf_lane_scan_end(LaneScan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	index_endscan(scan->scan);
	UnregisterSnapshot(scan->snapshot);
	index_close(scan->index, NoLock);
	table_close(scan->tasks, NoLock);
}

/*
 * The same, without passing dead entries again and again: what this session has
 * claimed is not looked at while the last look at the whole lane was a long one.
 */
bool
pgdf_lane_seems_empty(LaneScan *scan, const char *queue, const char *name)
{
	Lane	   *lane = pgdf_lane_find(queue, name);
	int64		before = pages_read();
	bool		has_tasks = false;
	int64		pages;

	if (lane->nmarks > 0 && GetCurrentTimestamp() < lane->pass_again)
	{
		for (int i = 0; i < lane->nmarks && !has_tasks; i++)
			has_tasks = pgdf_lane_waits_behind(lane, i);
		return !has_tasks;
	}
	has_tasks = pgdf_lane_has_tasks(scan, queue, name);
	pages = pages_read() - before;
	if (pages > PAGES_OF_DEAD)
		lane->pass_again = GetCurrentTimestamp() + Max(pages * LOOK_PAUSE_US, PASS_PAUSE_US);
	return !has_tasks;
}

bool
pgdf_lane_is_empty(const char *queue, const char *lane)
{
	LaneScan   *scan = pgdf_lane_scan_begin();
	bool		has_tasks = pgdf_lane_has_tasks(scan, queue, lane);

	pgdf_lane_scan_end(scan);
	return !has_tasks;
}

Lane *
pgdf_lane_find(const char *queue, const char *name)
{
	Lane	   *lane;

	for (lane = lanes; lane != NULL; lane = lane->next)
	{
		if (strcmp(lane->name, name) == 0 && strcmp(lane->queue, queue) == 0)
			return lane;
	}
	lane = MemoryContextAllocZero(TopMemoryContext, sizeof(Lane));
	lane->queue = MemoryContextStrdup(TopMemoryContext, queue);
	lane->name = MemoryContextStrdup(TopMemoryContext, name);
	lane->next = lanes;
	lanes = lane;
	return lane;
}

void
pgdf_lane_note_claim(Lane *lane, int priority, int64 seq)
{
	int			i = 0;

	while (i < lane->nmarks && lane->marks[i].priority > priority)
		i++;
	if (i < lane->nmarks && lane->marks[i].priority == priority)
	{
		lane->marks[i].seq = Max(lane->marks[i].seq, seq);
		return;
	}
	if (lane->nmarks == LANE_MARKS_MAX)
		return;
	memmove(&lane->marks[i + 1], &lane->marks[i], (lane->nmarks - i) * sizeof(lane->marks[0]));
	lane->marks[i].priority = priority;
	lane->marks[i].seq = seq;
	lane->nmarks++;
}

bool
pgdf_lane_waits_behind(const Lane *lane, int mark)
{
	LaneScan   *scan = scan_begin(4);
	ScanKeyData keys[4];
	bool		waits;

	ScanKeyEntryInitialize(&keys[0], 0, 1, BTEqualStrategyNumber, TEXTOID, C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(lane->queue));
	ScanKeyEntryInitialize(&keys[1], 0, 2, BTEqualStrategyNumber, TEXTOID, C_COLLATION_OID, F_TEXTEQ,
						   CStringGetTextDatum(lane->name));
	ScanKeyEntryInitialize(&keys[2], 0, 3, BTEqualStrategyNumber, INT4OID, InvalidOid, F_INT4EQ,
						   Int32GetDatum(lane->marks[mark].priority));
	ScanKeyEntryInitialize(&keys[3], 0, 4, BTGreaterStrategyNumber, INT8OID, InvalidOid, F_INT8GT,
						   Int64GetDatum(lane->marks[mark].seq));
	waits = find_entry(scan, keys, 4);
	pgdf_lane_scan_end(scan);
	return waits;
}

bool
pgdf_lane_waits(Lane *lane, bool with_marks)
{
	int64		before = pages_read();

	if (with_marks && lane->nmarks > 0 && GetCurrentTimestamp() < lane->look_again)
		return false;
	if (!pgdf_lane_is_empty(lane->queue, lane->name))
		return true;
	lane->look_again = GetCurrentTimestamp() + (pages_read() - before) * LOOK_PAUSE_US;
	return false;
}

static int64
pages_read(void)
{
	return pgBufferUsage.shared_blks_hit + pgBufferUsage.shared_blks_read;
}

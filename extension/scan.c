/*
 * scan.c
 *		Rows of the extension's own tables, read and locked through an index,
 *		without a plan.
 *
 * To start and end an executor costs several times what it costs to find a row.
 * What is done here is what the executor would do: rows are found with a snapshot,
 * and locked in their newest version, without waiting.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "home.h"
#include "scan.h"

TableScan *
pgdf_scan_begin(const char *table, const char *index, int nkeys, LOCKMODE lock, Snapshot snapshot)
{
	TableScan  *scan = palloc(sizeof(TableScan));
	Oid			schema = get_namespace_oid("df", false);

	if (lock == RowExclusiveLock)
		PreventCommandIfReadOnly("DELETE");
	scan->table = table_open(get_relname_relid(table, schema), lock);
	scan->index = index_open(get_relname_relid(index, schema), AccessShareLock);
	scan->snapshot = RegisterSnapshot(snapshot != NULL ? snapshot : GetLatestSnapshot());
	scan->scan = pgdf_index_beginscan(scan->table, scan->index, scan->snapshot, nkeys);
	scan->slot = table_slot_create(scan->table, NULL);
	return scan;
}

void
pgdf_scan_seek(TableScan *scan, ScanKey keys, int nkeys)
{
	index_rescan(scan->scan, keys, nkeys, NULL, 0);
}

void
pgdf_scan_seek_int8(TableScan *scan, StrategyNumber strategy, int64 value)
{
	ScanKeyData key;
	RegProcedure procedure = F_INT8EQ;

	if (strategy == BTGreaterEqualStrategyNumber)
		procedure = F_INT8GE;
	else if (strategy == BTGreaterStrategyNumber)
		procedure = F_INT8GT;
	else
		Assert(strategy == BTEqualStrategyNumber);
	ScanKeyInit(&key, 1, strategy, procedure, Int64GetDatum(value));
	pgdf_scan_seek(scan, &key, 1);
}

bool
pgdf_scan_next(TableScan *scan)
{
	return index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
}

bool
pgdf_scan_lock(TableScan *scan)
{
	ItemPointerData place = scan->slot->tts_tid;
	TM_FailureData failure;
	TM_Result	result = table_tuple_lock(scan->table, &place, scan->snapshot, scan->slot,
										  GetCurrentCommandId(true), LockTupleExclusive, LockWaitSkip,
										  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
										  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	return result == TM_Ok;
}

bool
pgdf_scan_delete(TableScan *scan)
{
	TM_FailureData failure;

	return table_tuple_delete(scan->table, &scan->slot->tts_tid, GetCurrentCommandId(true),
							  scan->snapshot, InvalidSnapshot, false, &failure, false) == TM_Ok;
}

void
pgdf_scan_end(TableScan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	index_endscan(scan->scan);
	UnregisterSnapshot(scan->snapshot);
	index_close(scan->index, NoLock);
	table_close(scan->table, NoLock);
	pfree(scan);
}

/* The name of a column stands for one number as long as there is the table. */
const AttrNumber *
pgdf_scan_columns(const TableScan *scan, ScanColumns *columns)
{
	Oid			relid = RelationGetRelid(scan->table);

	if (columns->relid == relid)
		return columns->numbers;
	columns->relid = InvalidOid;
	if (columns->numbers == NULL)
		columns->numbers = MemoryContextAlloc(TopMemoryContext, columns->count * sizeof(AttrNumber));
	for (int i = 0; i < columns->count; i++)
	{
		columns->numbers[i] = get_attnum(relid, columns->names[i]);
		if (columns->numbers[i] <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("table df.%s has no column %s", RelationGetRelationName(scan->table),
							columns->names[i]),
					 pgdf_home_is_updated() ? 0 : pgdf_home_outdated()));
	}
	columns->relid = relid;
	return columns->numbers;
}

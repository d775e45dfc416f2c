/*
 * scan.h
 *		Rows of the extension's own tables, read and locked through an index,
 *		without a plan.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SCAN_H
#define PGDF_SCAN_H

#include "postgres.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "utils/snapshot.h"

/* A table of schema df and the index that its rows are found by, both open. */
typedef struct TableScan
{
	Relation	table;
	Relation	index;
	Snapshot	snapshot;
	IndexScanDesc scan;
	TupleTableSlot *slot;		/* the row that was found */
} TableScan;

/* Columns of one table, by name; their numbers are looked up once in a backend. */
typedef struct ScanColumns
{
	const char *const *names;
	int			count;
	AttrNumber *numbers;
	Oid			relid;			/* that they are of; InvalidOid: not looked up yet */
} ScanColumns;

/*
 * With a snapshot that the caller has registered, or, when that is NULL, the newest.
 * The table is locked as it is for reading (AccessShareLock), for row locks
 * (RowShareLock) or for writing (RowExclusiveLock).
 */
extern TableScan *pgdf_scan_begin(const char *table, const char *index, int nkeys, LOCKMODE lock,
								  Snapshot snapshot);

/* Begin with the first row of those keys. */
extern void pgdf_scan_seek(TableScan *scan, ScanKey keys, int nkeys);

/* The same for the first column of the index, a bigint. */
extern void pgdf_scan_seek_int8(TableScan *scan, StrategyNumber strategy, int64 value);

/* The next row, in scan->slot; false: there is none. */
extern bool pgdf_scan_next(TableScan *scan);

/*
 * Lock the row in scan->slot, which then holds its newest version, as FOR UPDATE SKIP
 * LOCKED does.  False: somebody else has it, or has deleted it.
 */
extern bool pgdf_scan_lock(TableScan *scan);

/* Delete the row in scan->slot.  False, and no waiting: somebody else does so. */
extern bool pgdf_scan_delete(TableScan *scan);

extern void pgdf_scan_end(TableScan *scan);

/* Numbers of the columns in this table. */
extern const AttrNumber *pgdf_scan_columns(const TableScan *scan, ScanColumns *columns);

#endif							/* PGDF_SCAN_H */

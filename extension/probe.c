/*
 * probe.c
 *		Is there anything for a statement to do?  Asked of an index, without a plan.
 *
 * Most engine calls find the inbox empty and nothing due.  To start and end an
 * executor for that takes several times as long as to look into the index.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "executor/tuptable.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "probe.h"

static bool probe(const char *table_name, const char *index_name, ScanKey key, const char *column,
				  Datum *value);

bool
pgdf_probe_from(const char *table, const char *index, int64 from)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(from));
	return probe(table, index, &key, NULL, NULL);
}

bool
pgdf_probe_key(const char *table, const char *index, int64 key)
{
	ScanKeyData scan_key;

	ScanKeyInit(&scan_key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key));
	return probe(table, index, &scan_key, NULL, NULL);
}

bool
pgdf_probe_until(const char *table, const char *index, TimestampTz until)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE, TimestampTzGetDatum(until));
	return probe(table, index, &key, NULL, NULL);
}

Oid
pgdf_probe_oid(const char *table, const char *index, int64 key, const char *column)
{
	ScanKeyData scan_key;
	Datum		value;

	ScanKeyInit(&scan_key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(key));
	return probe(table, index, &scan_key, column, &value) ? DatumGetObjectId(value) : InvalidOid;
}

/* Is there a row?  And, when a column is named, that one's value, which is passed by value and not null. */
static bool
probe(const char *table_name, const char *index_name, ScanKey key, const char *column, Datum *value)
{
	Oid			schema = get_namespace_oid("df", false);
	Relation	table = table_open(get_relname_relid(table_name, schema), AccessShareLock);
	Relation	index = index_open(get_relname_relid(index_name, schema), AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	IndexScanDesc scan = pgdf_index_beginscan(table, index, snapshot, 1);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	bool		is_found;

	index_rescan(scan, key, 1, NULL, 0);
	is_found = index_getnext_slot(scan, ForwardScanDirection, slot);
	if (is_found && column != NULL)
	{
		bool		isnull;

		*value = slot_getattr(slot, get_attnum(RelationGetRelid(table), column), &isnull);
		if (isnull)
			elog(ERROR, "unexpected null in column %s of table df.%s", column, table_name);
	}

	ExecDropSingleTupleTableSlot(slot);
	index_endscan(scan);
	UnregisterSnapshot(snapshot);
	index_close(index, NoLock);
	table_close(table, NoLock);
	return is_found;
}

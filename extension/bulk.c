/*
 * bulk.c
 *		Rows written to the extension's own tables many at a time, without plans.
 *
 * A statement over unnest() costs more than the rows that it writes: arrays are
 * made and taken apart again, and an executor is started.  Here a row is formed
 * once, and a page's worth of rows is one record in the WAL.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "bulk.h"
#include "compat.h"
#include "pgdf.h"

/* Rows, and bytes of them, that are inserted at once. */
#define BATCH_ROWS	500
#define BATCH_BYTES	(256 * 1024)

struct BulkTable
{
	MemoryContext context;		/* of the table */
	MemoryContext row_context;	/* of the rows that wait */
	Relation	rel;
	EState	   *estate;
	ResultRelInfo *result;
	AttrNumber *attnums;		/* of the columns */
	int			ncolumns;
	ExprState **defaults;		/* of all attributes, for inserts; NULL: none, or given by the caller */

	TupleTableSlot *old;		/* of an update */
	TupleTableSlot *new;
	TupleTableSlot **rows;		/* that wait to be inserted */
	int			nrows;
	int			nslots;
	Size		bytes;
};

/* Numbers of columns that this backend has written before. */
typedef struct KnownColumns
{
	const char *const *names;	/* constant: its address says which they are */
	Oid			relid;			/* InvalidOid: not looked up yet */
	AttrNumber *attnums;
	struct KnownColumns *next;
} KnownColumns;

static KnownColumns *known_columns = NULL;

static void find_columns(BulkTable *bulk, const char *table, const char *const *columns);
static KnownColumns *find_known(const char *const *columns, int ncolumns);
static void find_defaults(BulkTable *bulk);
static void fill_slot(BulkTable *bulk, TupleTableSlot *slot, const Datum *values, const bool *nulls);
static void write_batch(BulkTable *bulk);

BulkTable *
pgdf_bulk_open(const char *table, const char *const *columns, int ncolumns)
{
	BulkTable  *bulk = palloc0(sizeof(BulkTable));
	Oid			oid = get_relname_relid(table, get_namespace_oid("df", false));

	if (!OidIsValid(oid))
		elog(ERROR, "table df.%s does not exist", table);
	bulk->context = CurrentMemoryContext;
	bulk->row_context = AllocSetContextCreate(bulk->context, "pgdf rows", ALLOCSET_DEFAULT_SIZES);
	bulk->rel = table_open(oid, RowExclusiveLock);
	bulk->ncolumns = ncolumns;
	find_columns(bulk, table, columns);

	bulk->estate = CreateExecutorState();
	bulk->result = makeNode(ResultRelInfo);
	InitResultRelInfo(bulk->result, bulk->rel, 0, NULL, 0); /* of no range table */
	return bulk;
}

/* The name of a column stands for one number as long as there is the table. */
static void
find_columns(BulkTable *bulk, const char *table, const char *const *columns)
{
	KnownColumns *known = find_known(columns, bulk->ncolumns);
	Oid			relid = RelationGetRelid(bulk->rel);

	bulk->attnums = known->attnums;
	if (known->relid == relid)
		return;
	known->relid = InvalidOid;
	for (int i = 0; i < bulk->ncolumns; i++)
	{
		known->attnums[i] = get_attnum(relid, columns[i]);
		if (known->attnums[i] <= 0)
			elog(ERROR, "table df.%s has no column %s", table, columns[i]);
	}
	known->relid = relid;
}

static KnownColumns *
find_known(const char *const *columns, int ncolumns)
{
	KnownColumns *known;

	for (known = known_columns; known != NULL; known = known->next)
	{
		if (known->names == columns)
			return known;
	}
	known = MemoryContextAllocZero(TopMemoryContext, sizeof(KnownColumns));
	known->attnums = MemoryContextAlloc(TopMemoryContext, ncolumns * sizeof(AttrNumber));
	known->names = columns;
	known->next = known_columns;
	known_columns = known;
	return known;
}

/* Of the columns that the caller does not give; generated ones there are none. */
static void
find_defaults(BulkTable *bulk)
{
	TupleDesc	desc = RelationGetDescr(bulk->rel);

	bulk->defaults = palloc0(desc->natts * sizeof(ExprState *));
	for (int attnum = 1; attnum <= desc->natts; attnum++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, attnum - 1);
		bool		is_given = false;
		Expr	   *expression;

		for (int i = 0; i < bulk->ncolumns; i++)
			is_given = is_given || bulk->attnums[i] == attnum;
		if (is_given || attribute->attisdropped || !attribute->atthasdef)
			continue;
		expression = (Expr *) build_column_default(bulk->rel, attnum);
		bulk->defaults[attnum - 1] = ExecInitExpr(expression_planner(expression), NULL);
	}
}

void
pgdf_bulk_insert(BulkTable *bulk, const Datum *values, const bool *nulls)
{
	MemoryContext caller;
	TupleTableSlot *slot;

	if (bulk->nrows == BATCH_ROWS || bulk->bytes > BATCH_BYTES)
		write_batch(bulk);

	caller = MemoryContextSwitchTo(bulk->context);
	if (bulk->rows == NULL)
	{
		bulk->rows = palloc(BATCH_ROWS * sizeof(TupleTableSlot *));
		ExecOpenIndices(bulk->result, false);
		find_defaults(bulk);
	}
	if (bulk->nrows == bulk->nslots)
		bulk->rows[bulk->nslots++] = MakeSingleTupleTableSlot(RelationGetDescr(bulk->rel), &TTSOpsHeapTuple);
	slot = bulk->rows[bulk->nrows++];

	/* formed at once: what the values point to may be gone before the batch is written */
	MemoryContextSwitchTo(bulk->row_context);
	fill_slot(bulk, slot, values, nulls);
	MemoryContextSwitchTo(caller);
}

static void
fill_slot(BulkTable *bulk, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	TupleDesc	desc = RelationGetDescr(bulk->rel);
	Datum		all_values[MaxHeapAttributeNumber];
	bool		all_nulls[MaxHeapAttributeNumber];
	HeapTuple	tuple;

	memset(all_nulls, true, desc->natts * sizeof(bool));
	for (int i = 0; i < desc->natts; i++)
	{
		if (bulk->defaults[i] != NULL)
			all_values[i] = ExecEvalExprSwitchContext(bulk->defaults[i],
													  GetPerTupleExprContext(bulk->estate),
													  &all_nulls[i]);
	}
	for (int i = 0; i < bulk->ncolumns; i++)
	{
		all_values[bulk->attnums[i] - 1] = values[i];
		all_nulls[bulk->attnums[i] - 1] = nulls[i];
	}
	tuple = heap_form_tuple(desc, all_values, all_nulls);
	tuple->t_tableOid = RelationGetRelid(bulk->rel);
	bulk->bytes += tuple->t_len;
	ExecStoreHeapTuple(tuple, slot, false);
	slot->tts_tableOid = RelationGetRelid(bulk->rel);
	if (desc->constr != NULL)
		ExecConstraints(bulk->result, slot, bulk->estate);
}

static void
write_batch(BulkTable *bulk)
{
	if (bulk->nrows == 0)
		return;
	table_multi_insert(bulk->rel, bulk->rows, bulk->nrows, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < bulk->nrows; i++)
	{
		if (bulk->result->ri_NumIndices > 0)
			pgdf_insert_index_tuples(bulk->result, bulk->rows[i], bulk->estate);
		ResetPerTupleExprContext(bulk->estate);
		ExecClearTuple(bulk->rows[i]);
	}
	bulk->nrows = 0;
	bulk->bytes = 0;
	MemoryContextReset(bulk->row_context);
}

bool
pgdf_bulk_update(BulkTable *bulk, ItemPointer place, const Datum *values, const bool *nulls,
				 const bool *is_changed)
{
	TupleDesc	desc = RelationGetDescr(bulk->rel);
	MemoryContext caller;

	if (bulk->old == NULL)
	{
		caller = MemoryContextSwitchTo(bulk->context);
		bulk->old = table_slot_create(bulk->rel, NULL);
		bulk->new = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
		MemoryContextSwitchTo(caller);
	}
	if (!table_tuple_fetch_row_version(bulk->rel, place, SnapshotSelf, bulk->old))
		return false;
	slot_getallattrs(bulk->old);

	ExecClearTuple(bulk->new);
	memcpy(bulk->new->tts_values, bulk->old->tts_values, desc->natts * sizeof(Datum));
	memcpy(bulk->new->tts_isnull, bulk->old->tts_isnull, desc->natts * sizeof(bool));
	for (int i = 0; i < bulk->ncolumns; i++)
	{
		if (!is_changed[i])
			continue;
		bulk->new->tts_values[bulk->attnums[i] - 1] = values[i];
		bulk->new->tts_isnull[bulk->attnums[i] - 1] = nulls[i];
	}
	ExecStoreVirtualTuple(bulk->new);
	bulk->new->tts_tableOid = RelationGetRelid(bulk->rel);
	if (desc->constr != NULL)
		ExecConstraints(bulk->result, bulk->new, bulk->estate);

	caller = MemoryContextSwitchTo(bulk->context);	/* of the indexes, if it opens them */
	pgdf_update_tuple(bulk->result, place, bulk->new, bulk->estate);
	MemoryContextSwitchTo(caller);
	ExecClearTuple(bulk->old);
	ResetPerTupleExprContext(bulk->estate);
	return true;
}

void
pgdf_bulk_close(BulkTable *bulk)
{
	write_batch(bulk);
	for (int i = 0; i < bulk->nslots; i++)
		ExecDropSingleTupleTableSlot(bulk->rows[i]);
	if (bulk->old != NULL)
	{
		ExecDropSingleTupleTableSlot(bulk->old);
		ExecDropSingleTupleTableSlot(bulk->new);
	}
	ExecCloseIndices(bulk->result);
	table_close(bulk->rel, NoLock);
	FreeExecutorState(bulk->estate);
	MemoryContextDelete(bulk->row_context);
	CommandCounterIncrement();
}

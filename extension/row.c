/*
 * row.c
 *		One row inserted into one of the extension's own tables, without a plan.
 *
 * Starting and ending an executor costs more than the insert of one row.  What a
 * row of a table needs (numbers and defaults of its columns, its indexes) is read
 * once and kept by the backend, until an invalidation for the table comes in;
 * the table is locked before that is looked at, so what is kept is what is there.
 * Tables and indexes are opened for each row: nothing outlives the call.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "row.h"

/* A condition of a partial index: "column IS NOT NULL", or "column operator constant". */
typedef struct RowTest
{
	AttrNumber	attnum;
	bool		is_operator;
	FmgrInfo	function;		/* of the operator; strict */
	Datum		constant;
} RowTest;

typedef struct RowIndex
{
	Oid			oid;
	IndexInfo  *info;
	RowTest    *tests;			/* all of them hold for the rows that it has */
	int			ntests;
} RowIndex;

typedef struct RowShape
{
	MemoryContext context;		/* of all this */
	Oid			relid;
	bool		is_plain;		/* nothing that only the executor knows */
	AttrNumber *attnums;		/* of the columns that are given */
	Datum	   *defaults;		/* of all attributes */
	bool	   *default_nulls;
	RowIndex   *indexes;
	int			nindexes;
} RowShape;

static PgdfRowTable *watched_tables = NULL;

static void read_shape(PgdfRowTable *table, Relation rel);
static void watch(PgdfRowTable *table);
static void on_invalidated(Datum arg, Oid relid);
static bool is_plain_table(Relation rel);
static void read_columns(const PgdfRowTable *table, RowShape *shape, Relation rel);
static bool read_defaults(RowShape *shape, Relation rel, int ncolumns);
static bool read_indexes(RowShape *shape, Relation rel);
static bool read_index(RowIndex *entry, Relation index);
static bool read_test(RowTest *test, Expr *condition);
static void form_values(const PgdfRowTable *table, Relation rel, const Datum *values, const bool *nulls,
						Datum *all_values, bool *all_nulls);
static void insert_index_entries(const RowShape *shape, Relation rel, HeapTuple tuple,
								 const Datum *values, const bool *nulls);
static bool has_entry(const RowIndex *entry, const Datum *values, const bool *nulls);

bool
pgdf_row_insert(PgdfRowTable *table, const Datum *values, const bool *nulls)
{
	Oid			relid = get_relname_relid(table->name, get_namespace_oid("df", false));
	Datum		all_values[MaxHeapAttributeNumber];
	bool		all_nulls[MaxHeapAttributeNumber];
	Relation	rel;
	HeapTuple	tuple;

	if (!OidIsValid(relid))
		elog(ERROR, "table df.%s does not exist", table->name);
	PreventCommandIfReadOnly("INSERT");
	rel = table_open(relid, RowExclusiveLock);
	if (table->shape == NULL || table->is_void || table->shape->relid != relid)
		read_shape(table, rel);
	if (!table->shape->is_plain)
	{
		table_close(rel, NoLock);
		return false;
	}

	form_values(table, rel, values, nulls, all_values, all_nulls);
	tuple = heap_form_tuple(RelationGetDescr(rel), all_values, all_nulls);
	tuple->t_tableOid = relid;
	heap_insert(rel, tuple, GetCurrentCommandId(true), 0, NULL);
	insert_index_entries(table->shape, rel, tuple, all_values, all_nulls);
	heap_freetuple(tuple);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return true;
}

int64
pgdf_sequence_next(const char *name)
{
	return nextval_internal(get_relname_relid(name, get_namespace_oid("df", false)), false);
}

/* ------------------------------------------------------- what a backend keeps */

/*
 * The old shape goes only now: an invalidation may come in while it is in use.
 * One that comes in while the new one is read makes it void for the next row.
 */
static void
read_shape(PgdfRowTable *table, Relation rel)
{
	MemoryContext context;
	MemoryContext caller;
	RowShape   *shape;

	watch(table);
	if (table->shape != NULL)
	{
		context = table->shape->context;
		table->shape = NULL;
		MemoryContextDelete(context);
	}
	table->is_void = false;
	context = AllocSetContextCreate(CurrentMemoryContext, "pgdf row", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	shape = palloc0(sizeof(RowShape));
	shape->context = context;
	shape->relid = RelationGetRelid(rel);
	read_columns(table, shape, rel);
	shape->is_plain = is_plain_table(rel) &&
		read_defaults(shape, rel, table->ncolumns) &&
		read_indexes(shape, rel);
	MemoryContextSwitchTo(caller);

	MemoryContextSetParent(context, TopMemoryContext);
	table->shape = shape;
}

static void
watch(PgdfRowTable *table)
{
	if (watched_tables == NULL)
		CacheRegisterRelcacheCallback(on_invalidated, (Datum) 0);
	if (!table->is_watched)
	{
		table->is_watched = true;
		table->next = watched_tables;
		watched_tables = table;
	}
}

static void
on_invalidated(Datum arg, Oid relid)
{
	for (PgdfRowTable *table = watched_tables; table != NULL; table = table->next)
	{
		if (!OidIsValid(relid) || table->shape == NULL || table->shape->relid == relid)
			table->is_void = true;
	}
}

static bool
is_plain_table(Relation rel)
{
	const TupleConstr *constraints = RelationGetDescr(rel)->constr;

	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam == GetHeapamTableAmRoutine() &&
		rel->trigdesc == NULL && rel->rd_rules == NULL && !rel->rd_rel->relispartition &&
		!rel->rd_rel->relforcerowsecurity &&
		(constraints == NULL ||
		 (constraints->num_check == 0 && !constraints->has_generated_stored));
}

static void
read_columns(const PgdfRowTable *table, RowShape *shape, Relation rel)
{
	shape->attnums = palloc(table->ncolumns * sizeof(AttrNumber));
	for (int i = 0; i < table->ncolumns; i++)
	{
		shape->attnums[i] = get_attnum(shape->relid, table->columns[i]);
		if (shape->attnums[i] <= 0)
			elog(ERROR, "table df.%s has no column %s", table->name, table->columns[i]);
	}
}

/* Constants only; false when there is another one. */
static bool
read_defaults(RowShape *shape, Relation rel, int ncolumns)
{
	TupleDesc	desc = RelationGetDescr(rel);

	shape->defaults = palloc0(desc->natts * sizeof(Datum));
	shape->default_nulls = palloc(desc->natts * sizeof(bool));
	memset(shape->default_nulls, true, desc->natts * sizeof(bool));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		bool		is_given = false;
		const Const *value;

		for (int c = 0; c < ncolumns; c++)
			is_given = is_given || shape->attnums[c] == i + 1;
		if (is_given || attribute->attisdropped || !attribute->atthasdef)
			continue;
		value = (const Const *) expression_planner((Expr *) build_column_default(rel, i + 1));
		if (!IsA(value, Const))
			return false;
		shape->default_nulls[i] = value->constisnull;
		if (!value->constisnull)
			shape->defaults[i] = datumCopy(value->constvalue, value->constbyval, value->constlen);
	}
	return true;
}

static bool
read_indexes(RowShape *shape, Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	ListCell   *cell;

	shape->indexes = palloc0(Max(list_length(oids), 1) * sizeof(RowIndex));
	foreach(cell, oids)
	{
		RowIndex   *entry = &shape->indexes[shape->nindexes++];
		Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);
		bool		is_plain = read_index(entry, index);

		index_close(index, NoLock);
		if (!is_plain)
			return false;
	}
	return true;
}

/* Of columns, and partial only by conditions that RowTest knows. */
static bool
read_index(RowIndex *entry, Relation index)
{
	IndexInfo  *info = BuildIndexInfo(index);
	ListCell   *cell;

	entry->oid = RelationGetRelid(index);
	entry->info = info;
	if (info->ii_Am != BTREE_AM_OID || info->ii_Expressions != NIL || info->ii_ExclusionOps != NULL ||
		!index->rd_index->indimmediate)
		return false;
	entry->tests = palloc0(Max(list_length(info->ii_Predicate), 1) * sizeof(RowTest));
	foreach(cell, info->ii_Predicate)
	{
		if (!read_test(&entry->tests[entry->ntests++], lfirst(cell)))
			return false;
	}
	return true;
}

static bool
read_test(RowTest *test, Expr *condition)
{
	const Var  *column;
	const Const *constant;

	if (IsA(condition, NullTest))
	{
		column = (const Var *) ((const NullTest *) condition)->arg;
		if (((const NullTest *) condition)->nulltesttype != IS_NOT_NULL || !IsA(column, Var))
			return false;
	}
	else
	{
		const OpExpr *operation = (const OpExpr *) condition;

		if (!IsA(operation, OpExpr) || list_length(operation->args) != 2)
			return false;
		column = linitial(operation->args);
		constant = lsecond(operation->args);
		if (!IsA(column, Var) || !IsA(constant, Const) || constant->constisnull || !constant->constbyval)
			return false;
		fmgr_info(get_opcode(operation->opno), &test->function);
		if (!test->function.fn_strict)
			return false;
		test->is_operator = true;
		test->constant = constant->constvalue;
	}
	test->attnum = column->varattno;
	return test->attnum > 0;
}

/* -------------------------------------------------------------------- a row */

static void
form_values(const PgdfRowTable *table, Relation rel, const Datum *values, const bool *nulls,
			Datum *all_values, bool *all_nulls)
{
	const RowShape *shape = table->shape;
	TupleDesc	desc = RelationGetDescr(rel);

	memcpy(all_values, shape->defaults, desc->natts * sizeof(Datum));
	memcpy(all_nulls, shape->default_nulls, desc->natts * sizeof(bool));
	for (int i = 0; i < table->ncolumns; i++)
	{
		all_values[shape->attnums[i] - 1] = values[i];
		all_nulls[shape->attnums[i] - 1] = nulls[i];
	}
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attnotnull && all_nulls[i])
			elog(ERROR, "unexpected null in column %s of table df.%s",
				 NameStr(TupleDescAttr(desc, i)->attname), table->name);
	}
}

static void
insert_index_entries(const RowShape *shape, Relation rel, HeapTuple tuple,
					 const Datum *values, const bool *nulls)
{
	for (int i = 0; i < shape->nindexes; i++)
	{
		const RowIndex *entry = &shape->indexes[i];
		Datum		keys[INDEX_MAX_KEYS];
		bool		key_nulls[INDEX_MAX_KEYS];
		Relation	index;

		if (!has_entry(entry, values, nulls))
			continue;
		index = index_open(entry->oid, RowExclusiveLock);
		for (int k = 0; k < entry->info->ii_NumIndexAttrs; k++)
		{
			AttrNumber	attnum = entry->info->ii_IndexAttrNumbers[k];

			keys[k] = values[attnum - 1];
			key_nulls[k] = nulls[attnum - 1];
		}
		if (index->rd_index->indisready)
			(void) index_insert(index, keys, key_nulls, &tuple->t_self, rel,
								index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
								false, entry->info);
		index_close(index, NoLock);
	}
}

static bool
has_entry(const RowIndex *entry, const Datum *values, const bool *nulls)
{
	for (int i = 0; i < entry->ntests; i++)
	{
		RowTest    *test = &entry->tests[i];

		if (nulls[test->attnum - 1])
			return false;
		if (test->is_operator &&
			!DatumGetBool(FunctionCall2(&test->function, values[test->attnum - 1], test->constant)))
			return false;
	}
	return true;
}

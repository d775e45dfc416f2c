/*
 * compat.h
 *		Differences between PostgreSQL 15 and 18.  The only file that looks at
 *		PG_VERSION_NUM.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_COMPAT_H
#define PGDF_COMPAT_H

#include "postgres.h"

#include "access/tableam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#if PG_VERSION_NUM < 150000
#error "pgdf needs PostgreSQL 15 or later"
#endif

/* 16 moved the macros for variable-length values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 has pg_noreturn, which is written in front, instead of this. */
#ifndef pg_attribute_noreturn
#define pg_attribute_noreturn() __attribute__((noreturn))
#endif

/* 16 has one function for the rights on any kind of object. */
#if PG_VERSION_NUM >= 160000
#define pgdf_proc_aclcheck(proc, role) \
	object_aclcheck(ProcedureRelationId, proc, role, ACL_EXECUTE)
#define pgdf_namespace_aclcheck(nsp, role) \
	object_aclcheck(NamespaceRelationId, nsp, role, ACL_USAGE)
#define pgdf_proc_ownercheck(proc, role) \
	object_ownercheck(ProcedureRelationId, proc, role)
#else
#define pgdf_proc_aclcheck(proc, role) \
	pg_proc_aclcheck(proc, role, ACL_EXECUTE)
#define pgdf_namespace_aclcheck(nsp, role) \
	pg_namespace_aclcheck(nsp, role, ACL_USAGE)
#define pgdf_proc_ownercheck(proc, role) \
	pg_proc_ownercheck(proc, role)
#endif

/* 17 moved the virtual transaction id and gave LockHeldByMe() a third argument. */
#if PG_VERSION_NUM >= 170000
#define pgdf_my_lxid()	(MyProc->vxid.lxid)
#define pgdf_lock_held(tag, mode)	LockHeldByMe(tag, mode, false)
#else
#define pgdf_my_lxid()	(MyProc->lxid)
#define pgdf_lock_held(tag, mode)	LockHeldByMe(tag, mode)
#endif

/* 18 counts what a scan does for EXPLAIN. */
#if PG_VERSION_NUM >= 180000
#define pgdf_index_beginscan(table, index, snapshot, nkeys) \
	index_beginscan(table, index, snapshot, NULL, nkeys, 0)
#else
#define pgdf_index_beginscan(table, index, snapshot, nkeys) \
	index_beginscan(table, index, snapshot, nkeys, 0)
#endif

/* 16 tells updates apart that only summarizing indexes (BRIN) need to know of. */
static inline void
pgdf_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	list_free(ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false));
#else
	list_free(ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL));
#endif
}

/*
 * Update the row at a place that this transaction has locked, and its index
 * entries.  Most updates are heap-only: indexes are opened when one is not.
 */
static inline void
pgdf_update_tuple(ResultRelInfo *result, ItemPointer place, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes needed;

	simple_table_tuple_update(result->ri_RelationDesc, place, slot, SnapshotSelf, &needed);
	if (needed == TU_None)
		return;
	if (result->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(result, false);
	if (result->ri_NumIndices > 0)
		list_free(ExecInsertIndexTuples(result, slot, estate, true, false, NULL, NIL,
										needed == TU_Summarizing));
#else
	bool		needed;

	simple_table_tuple_update(result->ri_RelationDesc, place, slot, SnapshotSelf, &needed);
	if (!needed)
		return;
	if (result->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(result, false);
	if (result->ri_NumIndices > 0)
		list_free(ExecInsertIndexTuples(result, slot, estate, true, false, NULL, NIL));
#endif
}

#endif							/* PGDF_COMPAT_H */

/*
 * compat.h
 *		Differences between PostgreSQL 14 and 18.  The only file that looks at
 *		PG_VERSION_NUM.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_COMPAT_H
#define PGDF_COMPAT_H

#include "postgres.h"

#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "funcapi.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/timeout.h"

#if PG_VERSION_NUM < 140000
#error "pgdf needs PostgreSQL 14 or later"
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

/* 15 introduced the helper for set-returning functions, 15.1 and 16 renamed it. */
#if PG_VERSION_NUM >= 150000
#define pgdf_init_srf(fcinfo)	InitMaterializedSRF(fcinfo, 0)
#else
extern void pgdf_init_srf(FunctionCallInfo fcinfo);
#endif

/* 15 marks a prefix as taken, so that a misspelt setting is an error. */
#if PG_VERSION_NUM >= 150000
#define pgdf_reserve_prefix(prefix) MarkGUCPrefixReserved(prefix)
#else
#define pgdf_reserve_prefix(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 17 moved the virtual transaction id and gave LockHeldByMe() a third argument. */
#if PG_VERSION_NUM >= 170000
#define pgdf_my_lxid()	(MyProc->vxid.lxid)
#define pgdf_lock_held(tag, mode)	LockHeldByMe(tag, mode, false)
#else
#define pgdf_my_lxid()	(MyProc->lxid)
#define pgdf_lock_held(tag, mode)	LockHeldByMe(tag, mode)
#endif

#endif							/* PGDF_COMPAT_H */

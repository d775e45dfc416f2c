/*
 * identity.h
 *		Whose rights are in force, and who may act for whom.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_IDENTITY_H
#define PGDF_IDENTITY_H

#include "postgres.h"

/* What pgdf_enter() replaced. */
typedef struct PgdfIdentity
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} PgdfIdentity;

/*
 * Become the extension's owner with search_path = pg_catalog, pg_temp, to work
 * on the extension's tables.  An error undoes it with the (sub)transaction.
 */
extern void pgdf_enter(PgdfIdentity *caller);

/* Back to the caller's rights and settings. */
extern void pgdf_leave(const PgdfIdentity *caller);

/* Owner of the extension's objects; error when schema df does not exist. */
extern Oid	pgdf_extension_owner(void);

/* The schema of the public functions. */
extern Oid	pgdf_extension_schema(void);

/* Is role a member of the extension's owner (or a superuser)? */
extern bool pgdf_is_admin(Oid role);

/* May role see and control what owner has started? */
extern bool pgdf_may_act_for(Oid role, Oid owner);

#endif							/* PGDF_IDENTITY_H */

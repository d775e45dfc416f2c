/*
 * registry.h
 *		Names of orchestrators and activities, and the functions behind them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_REGISTRY_H
#define PGDF_REGISTRY_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef enum RegistrationKind
{
	KIND_ORCHESTRATOR,
	KIND_SQL,					/* activity: a function of this database */
	KIND_WORKER,				/* activity: offered by workers */
	KIND_HTTP					/* activity: an HTTP request by a worker */
} RegistrationKind;

typedef struct Registration
{
	char	   *name;			/* as registered */
	char	   *version;		/* '' = none */
	RegistrationKind kind;
	char	   *function;		/* schema-qualified signature; NULL for worker and http */
	char	   *search_path;	/* NULL for worker and http */
	char	   *queue;			/* or NULL */
	text	   *retry;			/* JSON, or NULL */
	Interval   *timeout;		/* or NULL */
	text	   *settings;		/* JSON, or NULL */
	char	   *code_hash;		/* or NULL */
} Registration;

/*
 * The registration of a name (any case) in CurrentMemoryContext, or NULL.
 * version NULL: the one registered last.  Needs pgdf_enter() and SPI_connect().
 */
extern Registration *pgdf_registry_find(const char *name, const char *version);

/*
 * The function of a registration, after checking that owner may run it: it
 * exists (42883), owner has EXECUTE on it and USAGE on its schema (42501), and a
 * superuser's instance runs only a superuser's function unless
 * pgdf.superuser_instances is on (42501).
 */
extern Oid	pgdf_registry_resolve(const Registration *registration, Oid owner);

/* Hash (hex) of a function's definition and owner, as it is now. */
extern char *pgdf_registry_code_hash(Oid function);

/* The known name nearest to a misspelt one, or NULL. */
extern char *pgdf_registry_nearest(const char *name, RegistrationKind kind);

/* lower(name) in the database's sense of it, as names are compared. */
extern char *pgdf_name_key(const char *name);

/* Error 22023 unless the name is 1 to max characters without control characters. */
extern void pgdf_check_name(const char *name, const char *what, int max_characters);

#endif							/* PGDF_REGISTRY_H */

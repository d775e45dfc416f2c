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
	char	   *code_hash;		/* when it was registered; or NULL */
	Oid			function_owner; /* when it was registered */
	Oid			registrar;		/* owner of the name */

	/* private to registry.c */
	uint64		generation;		/* of the cache, when this was read */
	struct Registration *cached;	/* good while that generation lasts */
	Oid			function_oid;	/* of cached: the function, when known */
	char	   *current_hash;	/* of cached: of the function, when known */
} Registration;

/*
 * The registration of a name (any case) in CurrentMemoryContext, or NULL.
 * version NULL: the one registered last.  Needs pgdf_enter() and SPI_connect().
 * Cheap: kept in the backend until somebody registers something.
 */
extern Registration *pgdf_registry_find(const char *name, const char *version);

/*
 * The function of a registration, after checking that owner may run it: it
 * exists (42883), owner has EXECUTE on it and USAGE on its schema (42501), and a
 * superuser's instance runs only a superuser's function unless
 * pgdf.superuser_instances is on (42501).
 */
extern Oid	pgdf_registry_resolve(const Registration *registration, Oid owner);

/*
 * Error 0A000 unless it is of a form and, for an orchestrator, in a language that
 * may be registered.
 */
extern void pgdf_registration_check_form(Oid function, RegistrationKind kind);

/*
 * To be called by whoever has changed df.registrations: every backend reads it
 * anew after the commit.
 */
extern void pgdf_registry_invalidate(void);

/*
 * Hash of the registered function as it is now, cached; NULL when it does not
 * exist.
 */
extern char *pgdf_registry_current_hash(const Registration *registration);

/* Hash (hex) of a function's definition and owner, as it is now. */
extern char *pgdf_registry_code_hash(Oid function);

/* "orchestrator", ... as stored; false for a word that is none. */
extern const char *pgdf_registration_kind_name(RegistrationKind kind);
extern bool pgdf_registration_kind_parse(const char *name, RegistrationKind *kind);

/* Owner of a function; error 42883 when there is none of that OID. */
extern Oid	pgdf_function_owner(Oid function);

/*
 * The known name nearest to a misspelt one, or NULL: an orchestrator for
 * KIND_ORCHESTRATOR, else any activity, registered or offered by a worker.
 * Needs pgdf_enter() and SPI_connect().
 */
extern char *pgdf_registry_nearest(const char *name, RegistrationKind kind);

/* lower(name) in the database's sense of it, as names are compared. */
extern char *pgdf_name_key(const char *name);

/*
 * Error 22023 unless the name is 1 to max characters, none of them a control
 * character, the first not '*'.  what begins the message ("activity name").
 */
extern void pgdf_check_name(const char *name, const char *what, int max_characters);

#endif							/* PGDF_REGISTRY_H */

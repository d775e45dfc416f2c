/*
 * registry.h
 *		What this worker offers: activity types by name.
 *
 * Built from the table of built-in types, the configured commands and the plugins;
 * built again at a reload.  A type that an activity still uses lives until that ends.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_REGISTRY_H
#define PGDF_REGISTRY_H

#include <stdbool.h>

#include "activity.h"
#include "pgarray.h"

/* A type on offer; references: the registry's own and one an activity. */
typedef struct OfferedType
{
	ActivityType type;			/* type.name belongs to it */
	int64_t		timeout_ms;		/* the worker's own limit for an attempt; 0: none */
	int			references;
	void		(*release) (const void *config);	/* frees type.config; or NULL */
	const bool *is_available;	/* false: not offered for now; NULL: always offered */
} OfferedType;

typedef struct Registry
{
	OfferedType **types;
	int			count;
} Registry;

/* Make or remake the registry from the configuration; false after logging what is wrong, and nothing changed. */
extern bool registry_init(struct Worker *w);
extern bool registry_reload(struct Worker *w);
extern void registry_free(struct Worker *w);

/* The type of this name in any case, with a reference for the caller; or NULL. */
extern OfferedType *registry_take(const struct Worker *w, const char *name);
extern void registry_release(OfferedType *offered);

/* All names, lower case, as a text[]. */
extern void registry_names(const struct Worker *w, PgArray *names);

#endif							/* PGDF_REGISTRY_H */

/*
 * cli_filter.h
 *		Which instances: the filters that subcommands share, as bound parameters.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_FILTER_H
#define PGDF_CLI_FILTER_H

#include <stdbool.h>

#include "cli_options.h"

#define CLI_FILTER_VALUES	4

/* A condition on df.instances with the parameters $1 to $4; one that is NULL lets everything pass. */
#define CLI_FILTER_SQL \
	"($1::text IS NULL OR pg_catalog.lower(name) = pg_catalog.lower($1))" \
	" AND ($2::text[] IS NULL OR runtime_status::text = ANY ($2))" \
	" AND ($3::jsonb IS NULL OR tags @> $3)" \
	" AND ($4::interval IS NULL OR created_time < pg_catalog.now() - $4)"

typedef struct CliFilter
{
	const char *name;
	char	   *statuses;		/* text[] as the server reads it, or NULL */
	char	   *tags;			/* JSON object, or NULL */
	const char *older_than;
} CliFilter;

/* What the options ask for; the caller frees the filter. */
extern void cli_filter_init(CliFilter *filter, const CliOptions *options);
extern void cli_filter_free(CliFilter *filter);

/* Does it let everything pass? */
extern bool cli_filter_is_empty(const CliFilter *filter);

/* Fill in the first CLI_FILTER_VALUES values of a statement; valid as long as the filter. */
extern void cli_filter_bind(const CliFilter *filter, const char **values);

#endif							/* PGDF_CLI_FILTER_H */

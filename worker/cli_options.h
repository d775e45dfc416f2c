/*
 * cli_options.h
 *		Options of the subcommands: one table, from which each takes what it needs.
 *
 * To add an option: a value of CliOptionId, a member of CliOptions, and a row in
 * cli_options.c.  --help of every subcommand is made from the same rows.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLI_OPTIONS_H
#define PGDF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "config.h"

typedef enum CliOptionId
{
	CLI_OPTION_STRING,
	CLI_OPTION_INPUT_FILE,
	CLI_OPTION_ID,
	CLI_OPTION_SAME_ID,
	CLI_OPTION_TAG,
	CLI_OPTION_VERSION,
	CLI_OPTION_PRIORITY,
	CLI_OPTION_QUEUE,
	CLI_OPTION_AT,
	CLI_OPTION_IF_EXISTS,
	CLI_OPTION_WAIT,
	CLI_OPTION_TIMEOUT,
	CLI_OPTION_QUIET,
	CLI_OPTION_NAME,
	CLI_OPTION_STATUS,
	CLI_OPTION_OLDER_THAN,
	CLI_OPTION_LIMIT,
	CLI_OPTION_MAX_INSTANCES,
	CLI_OPTION_REASON,
	CLI_OPTION_EVENT_ID,
	CLI_OPTION_DRY_RUN,
	CLI_OPTION_FULL,
	CLI_OPTION_JSON,
	CLI_OPTION_DBNAME,
	CLI_OPTION_HELP
} CliOptionId;

/* A set of options. */
#define CLI_OPTION_BIT(id)	(UINT32_C(1) << CLI_OPTION_##id)

#define CLI_MAX_ARGUMENTS	3

/* What was given on the command line; zero or NULL: not given. */
typedef struct CliOptions
{
	const char *string;			/* --string: input as text */
	const char *input_file;
	const char *id;
	bool		same_id;
	StringList	tags;			/* each "key=value" */
	const char *version;
	int			priority;
	const char *queue;
	const char *start_at;
	const char *if_exists;
	bool		wait;
	int64_t		timeout_ms;		/* -1: none */
	bool		quiet;
	const char *name;
	StringList	statuses;		/* as the server spells them */
	const char *older_than;
	int			limit;			/* 0: no limit */
	int			max_instances;	/* --limit of purge; 0: no limit */
	const char *reason;
	const char *event_id;
	bool		dry_run;
	bool		full;
	bool		json;
	const char *dbname;
	bool		help;
	const char *arguments[CLI_MAX_ARGUMENTS];	/* what is not an option; NULL: not given */
	int			argument_count;
} CliOptions;

/* The part of a subcommand that the parser has to know. */
typedef struct CliSyntax
{
	const char *name;
	const char *arguments;		/* "NAME [INPUT]", for people */
	int			min_arguments;
	int			max_arguments;
	uint32_t	options;		/* set of CLI_OPTION_BIT(); --dbname and --help belong to all */
} CliSyntax;

/*
 * Parse; argv[0] is the subcommand's name.  False: has been reported.  The
 * caller frees in both cases.  The strings stay those of argv.
 */
extern bool cli_options_parse(CliOptions *options, const CliSyntax *syntax, int argc, char **argv)
			__attribute__((warn_unused_result));
extern void cli_options_free(CliOptions *options);

/* A line per option of the subcommand. */
extern void cli_options_print(const CliSyntax *syntax, FILE *out);

#endif							/* PGDF_CLI_OPTIONS_H */

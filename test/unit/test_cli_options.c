/*
 * test_cli_options.c
 *		The command line: options, arguments, and what is refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdio.h>
#include <string.h>

#include "cli_options.h"
#include "tap.h"

#define ALL_OPTIONS UINT32_MAX

static bool parse(CliOptions *options, const char *line);
static void check_values(void);
static void check_lists(void);
static void check_arguments(void);
static void check_refused(const char *line);
static void check_subset(void);

int
main(void)
{
	/* what is refused is reported; only sanitizers still write to descriptor 2 */
	stderr = fopen("/dev/null", "w");

	check_values();
	check_lists();
	check_arguments();
	check_subset();
	check_refused("start");
	check_refused("start a b c");
	check_refused("start a --bogus");
	check_refused("start a -5");
	check_refused("start a --id");
	check_refused("start a --json=yes");
	check_refused("start a --priority 1x");
	check_refused("start a --priority 99999999999");
	check_refused("start a --limit -1");
	check_refused("start a --timeout soon");
	check_refused("start a --timeout -1");
	check_refused("start a --timeout 1.5");
	check_refused("start a --tag =x");
	check_refused("start a --tag x");
	check_refused("start a --status Running,");
	check_refused("start a --status pausd");
	check_refused("start a --if-exists maybe");
	return done_testing();
}

/* Parse a line of words, as "start" with one or two arguments and every option. */
static bool
parse(CliOptions *options, const char *line)
{
	static const CliSyntax syntax = {"start", "NAME [INPUT]", 1, 2, ALL_OPTIONS};
	static char words[1024];
	char	   *argv[32];
	int			argc = 0;

	strncpy(words, line, sizeof(words) - 1);
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	argv[argc] = NULL;
	return cli_options_parse(options, &syntax, argc, argv);
}

static void
check_values(void)
{
	CliOptions	options;

	ok(parse(&options, "start a"), "no options");
	ok(options.timeout_ms == -1 && options.limit == 100 && options.priority == 0, "defaults of numbers");
	ok(!options.json && !options.wait && options.id == NULL && options.tags.count == 0, "defaults of the rest");
	cli_options_free(&options);

	ok(parse(&options, "start --id x a --priority=-7 -wjq -t 15 --limit 0 -d service=s --string --id"), "many options");
	is_str(options.id, "x", "--id");
	is_str(options.dbname, "service=s", "-d");
	is_str(options.string, "--id", "a value may look like an option");
	is_int(options.priority, -7, "--priority");
	is_int(options.timeout_ms, 15000, "-t in seconds");
	is_int(options.limit, 0, "--limit");
	ok(options.wait && options.json && options.quiet, "flags in one word");
	cli_options_free(&options);

	ok(parse(&options, "start a --timeout 250ms"), "a time with a unit");
	is_int(options.timeout_ms, 250, "in milliseconds");
	cli_options_free(&options);

	ok(parse(&options, "start -?") && options.help, "-? needs no arguments");
	cli_options_free(&options);
	ok(parse(&options, "start --help") && options.help, "--help needs none either");
	cli_options_free(&options);
}

static void
check_lists(void)
{
	CliOptions	options;

	ok(parse(&options, "start a --tag k=v --tag x=y=z --tag empty="), "tags");
	is_int(options.tags.count, 3, "all of them");
	is_str(options.tags.items[1], "x=y=z", "a value may hold an equals sign");
	cli_options_free(&options);

	ok(parse(&options, "start a --status running,FAILED --status ContinuedAsNew"), "statuses");
	is_int(options.statuses.count, 3, "all of them");
	is_str(options.statuses.items[0], "Running", "in the server's spelling");
	is_str(options.statuses.items[1], "Failed", "in the server's spelling");
	ok(options.statuses.items[3] == NULL, "the list ends with NULL");
	cli_options_free(&options);
	cli_options_free(&options);
	ok(options.tags.items == NULL, "freed twice");
}

static void
check_arguments(void)
{
	CliOptions	options;

	ok(parse(&options, "start a -- -5"), "an argument that begins with a dash");
	is_int(options.argument_count, 2, "two arguments");
	is_str(options.arguments[1], "-5", "after --");
	cli_options_free(&options);
	ok(parse(&options, "start a"), "one argument");
	ok(options.arguments[1] == NULL, "the second is not given");
	cli_options_free(&options);
}

static void
check_refused(const char *line)
{
	CliOptions	options;

	ok(!parse(&options, line), "refused: %s", line);
	cli_options_free(&options);
}

/* A subcommand knows only its own options; --dbname and --help belong to all. */
static void
check_subset(void)
{
	static const CliSyntax syntax = {"purge", "ID", 1, 1, CLI_OPTION_BIT(JSON)};
	char	   *wrong[] = {(char *) "purge", (char *) "x", (char *) "--wait", NULL};
	char	   *right[] = {(char *) "purge", (char *) "x", (char *) "-d", (char *) "y", (char *) "--json", NULL};
	CliOptions	options;

	ok(!cli_options_parse(&options, &syntax, 3, wrong), "an option of another subcommand");
	cli_options_free(&options);
	ok(cli_options_parse(&options, &syntax, 5, right) && options.json, "its own options");
	cli_options_free(&options);
}

/*
 * cli.c
 *		The command-line client: its subcommands as a table.
 *
 * A new subcommand is a row here, and a function that cli_commands.h declares.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "cli_commands.h"
#include "cli_message.h"
#include "cli_options.h"

#define O(id) CLI_OPTION_BIT(id)

#define START_OPTIONS \
	(O(STRING) | O(INPUT_FILE) | O(ID) | O(TAG) | O(VERSION) | O(PRIORITY) | O(QUEUE) | O(AT) | O(IF_EXISTS))
#define WAIT_OPTIONS	(O(TIMEOUT) | O(QUIET))
#define FILTER_OPTIONS	(O(NAME) | O(STATUS) | O(TAG) | O(OLDER_THAN))

typedef struct CliCommand
{
	CliSyntax	syntax;			/* name, arguments, how many, options */
	const char *summary;
	CliCommandFn run;
} CliCommand;

static const CliCommand commands[] = {
	{{"run", "NAME [INPUT]", 1, 2, START_OPTIONS | WAIT_OPTIONS | O(JSON)},
	"start an instance, wait for it, print its output", cli_run},
	{{"start", "NAME [INPUT]", 1, 2, START_OPTIONS | O(WAIT) | WAIT_OPTIONS | O(JSON)},
	"start an instance, print its id", cli_start},
	{{"status", "ID", 1, 1, O(JSON)},
	"show the status of an instance", cli_status},
	{{"wait", "ID", 1, 1, WAIT_OPTIONS | O(JSON)},
	"wait for an instance, print its output", cli_wait},
	{{"list", "", 0, 0, FILTER_OPTIONS | O(LIMIT) | O(JSON)},
	"list instances", cli_list},
	{{"history", "ID", 1, 1, O(JSON)},
	"show the history of an instance", cli_history},
	{{"waits", "[ID]", 0, 1, O(JSON)},
	"show what an instance waits for, or all that are yours", cli_waits},
	{{"tree", "ID", 1, 1, O(JSON)},
	"show the family of an instance", cli_tree},
	{{"terminate", "[ID]", 0, 1, FILTER_OPTIONS | O(REASON) | O(DRY_RUN) | O(JSON)},
	"terminate an instance, or all that filters choose", cli_terminate},
	{{"suspend", "[ID]", 0, 1, FILTER_OPTIONS | O(REASON) | O(DRY_RUN) | O(JSON)},
	"let an instance stand still, or all that filters choose", cli_suspend},
	{{"resume", "[ID]", 0, 1, FILTER_OPTIONS | O(REASON) | O(DRY_RUN) | O(JSON)},
	"let a suspended instance go on, or all that filters choose", cli_resume},
	{{"rewind", "[ID]", 0, 1, FILTER_OPTIONS | O(REASON) | O(DRY_RUN) | O(JSON)},
	"take back the failure that ended an instance, or all that filters choose", cli_rewind},
	{{"restart", "[ID]", 0, 1, FILTER_OPTIONS | O(ID) | O(SAME_ID) | O(DRY_RUN) | O(JSON)},
	"start an instance anew with what it was started with, print the id", cli_restart},
	{{"redrive", "[ID [TASK]]", 0, 2, FILTER_OPTIONS | O(DRY_RUN) | O(JSON)},
	"queue dead letters again, of an instance or of all that filters choose", cli_redrive},
	{{"repin", "[ID]", 0, 1, FILTER_OPTIONS | O(DRY_RUN) | O(JSON)},
	"let a quarantined instance go on with the present code", cli_repin},
	{{"raise-event", "ID EVENT [PAYLOAD]", 2, 3, O(STRING) | O(INPUT_FILE) | O(EVENT_ID) | O(JSON)},
	"send an event to an instance", cli_raise_event},
	{{"purge", "[ID]", 0, 1, FILTER_OPTIONS | O(MAX_INSTANCES) | O(DRY_RUN) | O(JSON)},
	"delete an instance that has ended, or all that filters choose", cli_purge},
	{{"orchestrators", "", 0, 0, O(JSON)},
	"list what can be started", cli_orchestrators},
	{{"activities", "", 0, 0, O(JSON)},
	"list activities, and whether a worker serves them", cli_activities},
	{{"workers", "", 0, 0, O(JSON)},
	"list connected workers", cli_workers},
	{{"doctor", "", 0, 0, O(FULL) | O(JSON)},
	"show what is wrong in the database", cli_doctor},
	{{"lint", "FUNCTION", 1, 1, O(JSON)},
	"show what may differ when an orchestrator is replayed", cli_lint},
	{{"deploy-check", "FUNCTION", 1, 1, O(JSON)},
	"show live instances that an orchestrator does not match", cli_deploy_check},
};

static const struct
{
	CliExit		code;
	const char *meaning;
}			exit_codes[] = {
	{CLI_OK, "done; the instance that was waited for is Completed"},
	{CLI_ERROR, "no connection, or an error of the server"},
	{CLI_USAGE, "wrong command line, or an input that is not JSON"},
	{CLI_FAILED, "the instance is Failed"},
	{CLI_TERMINATED, "the instance is Terminated or Canceled"},
	{CLI_UNKNOWN, "there is no such instance"},
	{CLI_TIMED_OUT, "--timeout passed while waiting; the instance goes on"},
	{CLI_FOUND, "doctor, lint or deploy-check has found something"},
	{CLI_INTERRUPTED, "Ctrl-C while waiting; the instance goes on"},
};

static const CliCommand *command_find(const char *name);
static void command_help(const CliCommand *command);
static CliExit command_run(const CliCommand *command, const CliOptions *options);

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

int
cli_main(int argc, char **argv)
{
	const CliCommand *command = command_find(argv[0]);
	CliOptions	options;
	CliExit		code;

	/* the width of characters on the terminal */
	setlocale(LC_CTYPE, "");
	if (command == NULL)
	{
		cli_error("unrecognized command \"%s\"", argv[0]);
		cli_hint("Try \"pgdf --help\" for more information.");
		return CLI_USAGE;
	}
	if (!cli_options_parse(&options, &command->syntax, argc, argv))
		code = CLI_USAGE;
	else if (options.help)
	{
		command_help(command);
		code = CLI_OK;
	}
	else
		code = command_run(command, &options);
	cli_options_free(&options);

	/* a result that could not be written, to a full disk say, was not given */
	if (fflush(stdout) != 0 || ferror(stdout))
	{
		cli_error("could not write to standard output: %s", strerror(errno));
		return code == CLI_OK ? CLI_ERROR : code;
	}
	return code;
}

bool
cli_has_command(const char *name)
{
	return command_find(name) != NULL;
}

void
cli_print_commands(FILE *out)
{
	for (size_t i = 0; i < LENGTH(commands); i++)
		fprintf(out, "  %-14s %s\n", commands[i].syntax.name, commands[i].summary);
}

void
cli_print_exit_codes(FILE *out)
{
	for (size_t i = 0; i < LENGTH(exit_codes); i++)
		fprintf(out, "  %3d  %s\n", exit_codes[i].code, exit_codes[i].meaning);
}

static const CliCommand *
command_find(const char *name)
{
	for (size_t i = 0; i < LENGTH(commands); i++)
	{
		if (strcmp(commands[i].syntax.name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static void
command_help(const CliCommand *command)
{
	const CliSyntax *syntax = &command->syntax;

	printf("pgdf %s: %s\n\n", syntax->name, command->summary);
	printf("Usage:\n  pgdf %s [OPTION]...%s%s\n\nOptions:\n", syntax->name,
		   *syntax->arguments ? " " : "", syntax->arguments);
	cli_options_print(syntax, stdout);
	printf("\nExit status:\n");
	cli_print_exit_codes(stdout);
}

static CliExit
command_run(const CliCommand *command, const CliOptions *options)
{
	CliConnection connection = {.dbname = options->dbname};
	CliExit		code = command->run(&connection, options);

	cli_disconnect(&connection);
	return code;
}

/*
 * main.c
 *		pgdf: one binary, a worker and a command-line client.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gateway.h"
#include "plugin_host.h"
#include "worker.h"

/* Subcommands that run until they are stopped; the others belong to the client. */
static const struct
{
	const char *name;
	int			(*run) (int argc, char **argv);
	const char *help;
}			daemons[] = {
	{"worker", worker_main, "run the activities of a database, until stopped"},
	{"gateway", gateway_main, "serve the HTTP API of a database, until stopped"},
};

#define DAEMON_COUNT (sizeof(daemons) / sizeof(daemons[0]))

static void print_help(void);
static bool is_one_of(const char *argument, const char *letter, const char *word);

static void
print_help(void)
{
	printf("pgdf is Durable Functions for PostgreSQL: a worker and a command-line client.\n\n"
		   "Usage:\n  pgdf COMMAND [OPTION]...\n\nDaemons:\n");
	for (size_t i = 0; i < DAEMON_COUNT; i++)
		printf("  %-14s %s\n", daemons[i].name, daemons[i].help);
	printf("\nClient:\n");
	cli_print_commands(stdout);
	printf("\nOptions:\n"
		   "  -?, --help     show this help, then exit\n"
		   "  -V, --version  show the version, then exit\n\n"
		   "\"pgdf COMMAND --help\" shows the options of a command.\n\nExit status of the client:\n");
	cli_print_exit_codes(stdout);
}

static bool
is_one_of(const char *argument, const char *letter, const char *word)
{
	return strcmp(argument, letter) == 0 || strcmp(argument, word) == 0;
}

int
main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (is_one_of(command, "-?", "--help") || strcmp(command, "help") == 0)
	{
		print_help();
		return EXIT_OK;
	}
	if (is_one_of(command, "-V", "--version"))
	{
		printf("pgdf %s\n", PGDF_VERSION);
		return EXIT_OK;
	}
	for (size_t i = 0; i < DAEMON_COUNT; i++)
	{
		if (strcmp(command, daemons[i].name) == 0)
			return daemons[i].run(argc - 1, argv + 1);
	}
	if (strcmp(command, "plugin-host") == 0)	/* not for people */
		return plugin_host_main(argc - 1, argv + 1);
	if (cli_has_command(command))
		return cli_main(argc - 1, argv + 1);

	if (argc > 1)
		fprintf(stderr, "pgdf: unrecognized command \"%s\"\n", command);
	else
		fprintf(stderr, "pgdf: no command was given\n");
	fprintf(stderr, "Try \"pgdf --help\".\n");
	return EXIT_USAGE;
}

/*
 * cli_options.c
 *		Options of the subcommands: one table, from which each takes what it needs.
 *
 * Values are checked here as far as that is possible without the server; what
 * only the server can judge (a time, an interval) is bound to a parameter as it is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "cli_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli_message.h"
#include "xalloc.h"

#define ALWAYS_OPTIONS	(CLI_OPTION_BIT(DBNAME) | CLI_OPTION_BIT(HELP))

#define DEFAULT_LIMIT	100

/* getopt's value of an option without a short form: beyond every character. */
#define LONG_ONLY		256

typedef enum OptionKind
{
	KIND_FLAG,
	KIND_TEXT,
	KIND_INTEGER,				/* may be negative */
	KIND_COUNT,					/* must not */
	KIND_DURATION,				/* seconds, unless a unit is given */
	KIND_TAG,					/* key=value, repeatable */
	KIND_STATUS					/* repeatable, and separated by commas */
} OptionKind;

typedef struct OptionSpec
{
	const char *name;
	char		letter;			/* short form, or 0 */
	OptionKind	kind;
	size_t		offset;			/* of the member of CliOptions */
	const char *value;			/* what the value is called; NULL: takes none */
	const char *help;
} OptionSpec;

#define MEMBER(m) offsetof(CliOptions, m)

static const OptionSpec specs[] = {
	[CLI_OPTION_STRING] = {"string", 0, KIND_TEXT, MEMBER(string), "TEXT",
	"input is this text, as a JSON string"},
	[CLI_OPTION_INPUT_FILE] = {"input-file", 0, KIND_TEXT, MEMBER(input_file), "FILE",
	"read the JSON input from a file; - is standard input"},
	[CLI_OPTION_ID] = {"id", 0, KIND_TEXT, MEMBER(id), "ID", "instance id (default: generated)"},
	[CLI_OPTION_SAME_ID] = {"same-id", 0, KIND_FLAG, MEMBER(same_id), NULL, "in the place of the old instance"},
	[CLI_OPTION_TAG] = {"tag", 0, KIND_TAG, MEMBER(tags), "KEY=VALUE", "tag of the instance; may be repeated"},
	[CLI_OPTION_VERSION] = {"version", 0, KIND_TEXT, MEMBER(version), "VERSION",
	"version of the orchestrator (default: the last registered)"},
	[CLI_OPTION_PRIORITY] = {"priority", 0, KIND_INTEGER, MEMBER(priority), "N",
	"priority of its activities (default: 0)"},
	[CLI_OPTION_QUEUE] = {"queue", 0, KIND_TEXT, MEMBER(queue), "QUEUE", "queue of its activities"},
	[CLI_OPTION_AT] = {"at", 0, KIND_TEXT, MEMBER(start_at), "TIME", "start then, not now"},
	[CLI_OPTION_IF_EXISTS] = {"if-exists", 0, KIND_TEXT, MEMBER(if_exists), "WHAT",
	"when the id is taken: error (default), ignore, replace"},
	[CLI_OPTION_WAIT] = {"wait", 'w', KIND_FLAG, MEMBER(wait), NULL, "wait until the instance is final"},
	[CLI_OPTION_TIMEOUT] = {"timeout", 't', KIND_DURATION, MEMBER(timeout_ms), "TIME",
	"stop waiting after so many seconds, or 500ms, 5min, 1h"},
	[CLI_OPTION_QUIET] = {"quiet", 'q', KIND_FLAG, MEMBER(quiet), NULL, "do not show progress"},
	[CLI_OPTION_NAME] = {"name", 0, KIND_TEXT, MEMBER(name), "NAME", "only instances of this orchestrator"},
	[CLI_OPTION_STATUS] = {"status", 0, KIND_STATUS, MEMBER(statuses), "STATUS[,...]",
	"only instances in this status"},
	[CLI_OPTION_OLDER_THAN] = {"older-than", 0, KIND_TEXT, MEMBER(older_than), "INTERVAL",
	"only instances created longer ago, as '1 day'"},
	[CLI_OPTION_LIMIT] = {"limit", 'n', KIND_COUNT, MEMBER(limit), "N",
	"at most so many, newest first (default: 100; 0: all)"},
	/* the same word for another subcommand; without a letter, which has to be unique */
	[CLI_OPTION_MAX_INSTANCES] = {"limit", 0, KIND_COUNT, MEMBER(max_instances), "N",
	"stop after so many (default: 0, all)"},
	[CLI_OPTION_REASON] = {"reason", 0, KIND_TEXT, MEMBER(reason), "TEXT", "reason, kept with the instance"},
	[CLI_OPTION_EVENT_ID] = {"event-id", 0, KIND_TEXT, MEMBER(event_id), "ID",
	"raise an event of this id only once"},
	[CLI_OPTION_DRY_RUN] = {"dry-run", 0, KIND_FLAG, MEMBER(dry_run), NULL,
	"only show which instances it would be"},
	[CLI_OPTION_FULL] = {"full", 0, KIND_FLAG, MEMBER(full), NULL,
	"read all of history, and replay live instances"},
	[CLI_OPTION_JSON] = {"json", 'j', KIND_FLAG, MEMBER(json), NULL, "print JSON"},
	[CLI_OPTION_DBNAME] = {"dbname", 'd', KIND_TEXT, MEMBER(dbname), "CONNINFO",
	"database name or connection string (default: PG* variables)"},
	[CLI_OPTION_HELP] = {"help", '?', KIND_FLAG, MEMBER(help), NULL, "show this help, then exit"},
};

#define SPEC_COUNT ((int) (sizeof(specs) / sizeof(specs[0])))

static const char *const statuses[] = {
	"Pending", "Running", "Suspended", "Completed", "Failed", "Terminated", "Canceled", "ContinuedAsNew"
};

static const char *const if_exists_choices[] = {"error", "ignore", "replace"};

static int	getopt_tables(const CliSyntax *syntax, struct option *longs, char *shorts);
static bool options_read(CliOptions *options, const CliSyntax *syntax, int argc, char **argv);
static void option_refuse(int code, const char *argument);
static bool option_set(CliOptions *options, const OptionSpec *spec, const char *text);
static bool integer_set(int *target, const OptionSpec *spec, const char *text);
static bool tag_add(StringList *tags, const char *text);
static bool statuses_add(StringList *list, const char *text);
static bool status_add(StringList *list, const char *text, size_t length);
static void list_add(StringList *list, char *item);
static void list_free(StringList *list);
static bool arguments_take(CliOptions *options, const CliSyntax *syntax, int argc, char **argv);
static bool combination_is_valid(const CliOptions *options);

bool
cli_options_parse(CliOptions *options, const CliSyntax *syntax, int argc, char **argv)
{
	bool		ok;

	*options = (CliOptions) {.timeout_ms = -1, .limit = DEFAULT_LIMIT};
	ok = options_read(options, syntax, argc, argv);
	if (ok && options->help)
		return true;
	ok = ok && arguments_take(options, syntax, argc - optind, argv + optind)
		&& combination_is_valid(options);
	if (!ok)
		cli_hint("Try \"pgdf %s --help\" for more information.", syntax->name);
	return ok;
}

void
cli_options_free(CliOptions *options)
{
	list_free(&options->tags);
	list_free(&options->statuses);
}

void
cli_options_print(const CliSyntax *syntax, FILE *out)
{
	for (int i = 0; i < SPEC_COUNT; i++)
	{
		const OptionSpec *spec = &specs[i];
		char	   *form;

		if (((syntax->options | ALWAYS_OPTIONS) & (UINT32_C(1) << i)) == 0)
			continue;
		form = xasprintf("--%s%s%s", spec->name, spec->value ? "=" : "", spec->value ? spec->value : "");
		if (spec->letter != 0)
			fprintf(out, "  -%c, %-24s %s\n", spec->letter, form, spec->help);
		else
			fprintf(out, "      %-24s %s\n", form, spec->help);
		free(form);
	}
}

/* getopt's two tables for this subcommand; its value of an option is LONG_ONLY + its place in specs. */
static int
getopt_tables(const CliSyntax *syntax, struct option *longs, char *shorts)
{
	int			n = 0;

	*shorts++ = ':';			/* tells a missing value from an unknown option */
	for (int i = 0; i < SPEC_COUNT; i++)
	{
		if (((syntax->options | ALWAYS_OPTIONS) & (UINT32_C(1) << i)) == 0)
			continue;
		longs[n++] = (struct option) {specs[i].name, specs[i].value ? required_argument : no_argument,
		NULL, LONG_ONLY + i};
		/* getopt answers '?' to what it does not know, so -? is found there */
		if (specs[i].letter == 0 || specs[i].letter == '?')
			continue;
		*shorts++ = specs[i].letter;
		if (specs[i].value != NULL)
			*shorts++ = ':';
	}
	longs[n] = (struct option) {0};
	*shorts = '\0';
	return n;
}

static bool
options_read(CliOptions *options, const CliSyntax *syntax, int argc, char **argv)
{
	struct option longs[SPEC_COUNT + 1];
	char		shorts[2 * SPEC_COUNT + 2];
	int			code;

	getopt_tables(syntax, longs, shorts);
	opterr = 0;
	optind = 0;					/* glibc: start afresh, so that tests can parse twice */
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1)
	{
		if (code == '?' && optopt == '?')
			code = LONG_ONLY + CLI_OPTION_HELP;
		if (code == '?' || code == ':')
		{
			option_refuse(code, argv[optind - 1]);
			return false;
		}
		for (int i = 0; i < SPEC_COUNT && code < LONG_ONLY; i++)
		{
			if (specs[i].letter == code)
				code = LONG_ONLY + i;
		}
		if (!option_set(options, &specs[code - LONG_ONLY], optarg))
			return false;
	}
	return true;
}

/* argument is the one that getopt has stopped at, which may hold several letters. */
static void
option_refuse(int code, const char *argument)
{
	if (code == ':')
		cli_error("option \"%s\" requires a value", argument);
	else if (optopt > 0 && optopt < LONG_ONLY)
		cli_error("invalid option \"-%c\"", optopt);
	else
		cli_error("invalid option \"%s\"", argument);
	if (code == '?')
		cli_detail("An argument that begins with a dash goes after --.");
}

static bool
option_set(CliOptions *options, const OptionSpec *spec, const char *text)
{
	void	   *member = (char *) options + spec->offset;

	switch (spec->kind)
	{
		case KIND_FLAG:
			*(bool *) member = true;
			return true;
		case KIND_TEXT:
			*(const char **) member = text;
			return true;
		case KIND_INTEGER:
		case KIND_COUNT:
			return integer_set(member, spec, text);
		case KIND_DURATION:
			if (config_parse_duration(text, 1000, member))
				return true;
			cli_error("invalid value for option \"--%s\": \"%s\"", spec->name, text);
			cli_detail("It is a whole number of seconds, or one with a unit: ms, s, min, h, d.");
			return false;
		case KIND_TAG:
			return tag_add(member, text);
		case KIND_STATUS:
			return statuses_add(member, text);
	}
	return false;
}

static bool
integer_set(int *target, const OptionSpec *spec, const char *text)
{
	char	   *end;
	long		value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < INT_MIN || value > INT_MAX)
	{
		cli_error("invalid value for option \"--%s\": \"%s\" is not an integer", spec->name, text);
		return false;
	}
	if (spec->kind == KIND_COUNT && value < 0)
	{
		cli_error("invalid value for option \"--%s\": \"%s\" is negative", spec->name, text);
		return false;
	}
	*target = (int) value;
	return true;
}

static bool
tag_add(StringList *tags, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
	{
		cli_error("invalid tag \"%s\"", text);
		cli_detail("A tag is written KEY=VALUE.");
		return false;
	}
	list_add(tags, xstrdup(text));
	return true;
}

static bool
statuses_add(StringList *list, const char *text)
{
	for (;;)
	{
		size_t		length = strcspn(text, ",");

		if (!status_add(list, text, length))
			return false;
		if (text[length] == '\0')
			return true;
		text += length + 1;
	}
}

/* Any case is taken; the list gets the server's spelling. */
static bool
status_add(StringList *list, const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
	{
		if (strlen(statuses[i]) == length && strncasecmp(statuses[i], text, length) == 0)
		{
			list_add(list, xstrdup(statuses[i]));
			return true;
		}
	}
	cli_error("invalid status \"%.*s\"", (int) length, text);
	cli_detail("A status is one of Pending, Running, Suspended, Completed, Failed, Terminated, Canceled, ContinuedAsNew.");
	return false;
}

static void
list_add(StringList *list, char *item)
{
	list->items = xrealloc(list->items, ((size_t) list->count + 2) * sizeof(char *));
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

static void
list_free(StringList *list)
{
	for (int i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (StringList) {0};
}

static bool
arguments_take(CliOptions *options, const CliSyntax *syntax, int argc, char **argv)
{
	if (argc < syntax->min_arguments)
	{
		cli_error("too few arguments: \"pgdf %s\" takes %s", syntax->name, syntax->arguments);
		return false;
	}
	if (argc > syntax->max_arguments)
	{
		cli_error("too many command-line arguments (first is \"%s\")", argv[syntax->max_arguments]);
		return false;
	}
	for (int i = 0; i < argc; i++)
		options->arguments[i] = argv[i];
	options->argument_count = argc;
	return true;
}

/* What no single option can tell. */
static bool
combination_is_valid(const CliOptions *options)
{
	bool		known = options->if_exists == NULL;

	for (size_t i = 0; i < sizeof(if_exists_choices) / sizeof(if_exists_choices[0]) && !known; i++)
		known = strcmp(options->if_exists, if_exists_choices[i]) == 0;
	if (!known)
	{
		cli_error("invalid value for option \"--if-exists\": \"%s\"", options->if_exists);
		cli_detail("It is one of error, ignore, replace.");
		return false;
	}
	return true;
}

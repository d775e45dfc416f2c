/*
 * config.c
 *		Settings of the worker: one table for flags and configuration file.
 *
 * A row of config_settings[] is everything there is to say about a setting: its name,
 * where its value lives, what is allowed, whether SIGHUP changes it, and its
 * line of --help.  Only this file writes a Config.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "config_child.h"
#include "config_file.h"
#include "secrets.h"
#include "web_guard.h"
#include "xalloc.h"

/* Longest time that a setting takes. */
#define MAX_SECONDS		(7 * 24 * 3600)

/* What getopt_long() returns for a flag: its place in config_settings[] is added to LONG_FLAG. */
#define HELP_FLAG		256
#define LONG_FLAG		257

/* The subcommand that only serves HTTP, and where it does. */
#define GATEWAY			"gateway"
#define GATEWAY_ADDRESS	"127.0.0.1:7071"

#define FIELD(member) offsetof(Config, member)

static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};
static const char *const log_formats[] = {"text", "json", NULL};

/* In alphabetical order. */
const Setting config_settings[] = {
	{"blob-store", 0, SETTING_TEXT, FIELD(blob_store), 0, 0, NULL, SETTING_FIXED,
	"URL", "where blobs go: file:///dir or azure: (default: azure: if AZURE_STORAGE_CONNECTION_STRING is set)", SETTING_WORKER},
	{"config", 0, SETTING_TEXT, FIELD(config), 0, 0, NULL, SETTING_FLAG_ONLY,
	"FILE", "JSON file with settings; its keys are these flags", SETTING_HTTP},
	{"connections", 0, SETTING_INT, FIELD(connections), 1, 64, NULL, SETTING_FIXED,
	"N", "connections for the engine's calls (default: 2)", SETTING_WORKER},
	{"dbname", 'd', SETTING_TEXT, FIELD(dbname), 0, 0, NULL, SETTING_FIXED,
	"CONNINFO", "database to connect to (default: libpq's PG* variables)", SETTING_HTTP},
	{"drain", 0, SETTING_DURATION, FIELD(drain_ms), 0, MAX_SECONDS, NULL, SETTING_RELOADABLE,
	"SECONDS", "how long running activities may take at shutdown (default: 30)", SETTING_HTTP},
	{"e2-root", 0, SETTING_TEXT, FIELD(e2_root), 0, 0, NULL, SETTING_FIXED,
	"DIR", "E2 activities read below this directory only (default: no bound)", SETTING_WORKER},
	{"http", 0, SETTING_TEXT, FIELD(http.address), 0, 0, NULL, SETTING_FIXED,
	"ADDR", "serve HTTP there: host:port, or unix:/path (default: worker none, gateway 127.0.0.1:7071)", SETTING_HTTP},
	{"http-call-allow", 0, SETTING_LIST, FIELD(web.allow), 0, 0, NULL, SETTING_RELOADABLE,
	"NAMES", "hosts, addresses and ranges that df_http may reach though they are private or without TLS", SETTING_WORKER},
	{"http-call-ca-file", 0, SETTING_TEXT, FIELD(web.ca_file), 0, 0, NULL, SETTING_RELOADABLE,
	"FILE", "certificates that df_http trusts, in PEM (default: the system's)", SETTING_WORKER},
	{"http-call-max-redirects", 0, SETTING_INT, FIELD(web.max_redirects), 0, 3, NULL, SETTING_RELOADABLE,
	"N", "redirects that df_http follows (default: 0)", SETTING_WORKER},
	{"http-call-max-response", 0, SETTING_INT, FIELD(web.max_response), 1024, 64 * 1024 * 1024, NULL, SETTING_RELOADABLE,
	"BYTES", "largest body that df_http takes, decoded (default: 4194304)", SETTING_WORKER},
	{"http-call-plain", 0, SETTING_SWITCH, FIELD(web.allows_plain), 0, 0, NULL, SETTING_RELOADABLE,
	NULL, "df_http may go without TLS everywhere, not only where http-call-allow says", SETTING_WORKER},
	{"http-call-poll-max", 0, SETTING_DURATION, FIELD(web.poll_max_ms), 0, 24 * 3600, NULL, SETTING_RELOADABLE,
	"SECONDS", "longest time between polls, when the server names none (default: 30)", SETTING_WORKER},
	{"http-call-poll-min", 0, SETTING_DURATION, FIELD(web.poll_min_ms), 0, 24 * 3600, NULL, SETTING_RELOADABLE,
	"SECONDS", "shortest time between polls, and the first (default: 1)", SETTING_WORKER},
	{"http-call-stall", 0, SETTING_DURATION, FIELD(web.stall_ms), 0, MAX_SECONDS, NULL, SETTING_RELOADABLE,
	"SECONDS", "df_http gives up when next to nothing moves for so long; 0: never (default: 60)", SETTING_WORKER},
	{"http-call-timeout", 0, SETTING_DURATION, FIELD(web.timeout_ms), 0, MAX_SECONDS, NULL, SETTING_RELOADABLE,
	"SECONDS", "time for one request of df_http that names none; 0: no limit (default: 100)", SETTING_WORKER},
	{"http-certificate", 0, SETTING_TEXT, FIELD(http.certificate), 0, 0, NULL, SETTING_FIXED,
	"FILE", "serve TLS with this certificate chain, in PEM", SETTING_HTTP},
	{"http-connections", 0, SETTING_INT, FIELD(http.connections), 16, 65536, NULL, SETTING_FIXED,
	"N", "connections of HTTP clients (default: 4096)", SETTING_HTTP},
	{"http-db-connections", 0, SETTING_INT, FIELD(http.db_connections), 1, 64, NULL, SETTING_FIXED,
	"N", "database connections for HTTP requests, opened on demand (default: 8)", SETTING_HTTP},
	{"http-header-timeout", 0, SETTING_DURATION, FIELD(http.header_timeout_ms), 0, MAX_SECONDS, NULL, SETTING_RELOADABLE,
	"SECONDS", "how long a request's header may take (default: 5)", SETTING_HTTP},
	{"http-hosts", 0, SETTING_LIST, FIELD(http.hosts), 0, 0, NULL, SETTING_RELOADABLE,
	"NAMES", "hosts that requests may name, besides loopback and our own address; * for any", SETTING_HTTP},
	{"http-idle-timeout", 0, SETTING_DURATION, FIELD(http.idle_timeout_ms), 0, MAX_SECONDS, NULL, SETTING_RELOADABLE,
	"SECONDS", "how long a connection may be idle between requests (default: 30)", SETTING_HTTP},
	{"http-key-file", 0, SETTING_TEXT, FIELD(http.key_file), 0, 0, NULL, SETTING_RELOADABLE,
	"FILE", "keys that requests need; lines of: key [role] [read|start|admin]", SETTING_HTTP},
	{"http-max-body", 0, SETTING_INT, FIELD(http.max_body), 0, 256 * 1024 * 1024, NULL, SETTING_RELOADABLE,
	"BYTES", "largest body of a request (default: 16777216)", SETTING_HTTP},
	{"http-max-header", 0, SETTING_INT, FIELD(http.max_header), 1024, 1024 * 1024, NULL, SETTING_FIXED,
	"BYTES", "largest header of a request (default: 16384)", SETTING_HTTP},
	{"http-max-requests", 0, SETTING_INT, FIELD(http.max_requests), 1, 1000000000, NULL, SETTING_RELOADABLE,
	"N", "requests on one connection (default: 10000)", SETTING_HTTP},
	{"http-max-url", 0, SETTING_INT, FIELD(http.max_url), 256, 1024 * 1024, NULL, SETTING_RELOADABLE,
	"BYTES", "longest URL of a request (default: 8192)", SETTING_HTTP},
	{"http-min-rate", 0, SETTING_INT, FIELD(http.min_rate), 0, 1000000000, NULL, SETTING_RELOADABLE,
	"BYTES", "a body must come with so many bytes a second (default: 1000)", SETTING_HTTP},
	{"http-private-key", 0, SETTING_TEXT, FIELD(http.private_key), 0, 0, NULL, SETTING_FIXED,
	"FILE", "private key of the certificate, in PEM", SETTING_HTTP},
	{"http-query-timeout", 0, SETTING_DURATION, FIELD(http.query_timeout_ms), 0, MAX_SECONDS, NULL, SETTING_FIXED,
	"SECONDS", "how long the database may take for a request (default: 10)", SETTING_HTTP},
	{"http-queue", 0, SETTING_INT, FIELD(http.queue), 1, 100000, NULL, SETTING_RELOADABLE,
	"N", "requests that may wait for a database connection (default: 1000)", SETTING_HTTP},
	{"http-request-timeout", 0, SETTING_DURATION, FIELD(http.request_timeout_ms), 0, MAX_SECONDS, NULL, SETTING_RELOADABLE,
	"SECONDS", "how long a request may take to come, and its answer to go (default: 120)", SETTING_HTTP},
	{"log-format", 0, SETTING_ENUM, FIELD(log_format), 0, 0, log_formats, SETTING_RELOADABLE,
	"FORMAT", "text or json (default: text)", SETTING_HTTP},
	{"log-level", 0, SETTING_ENUM, FIELD(log_level), 0, 0, log_levels, SETTING_RELOADABLE,
	"LEVEL", "debug, info, warning or error (default: info)", SETTING_HTTP},
	{"max-activities", 0, SETTING_INT, FIELD(max_activities), 1, 10000, NULL, SETTING_RELOADABLE,
	"N", "activities that run at the same time (default: 100)", SETTING_WORKER},
	{"name", 0, SETTING_TEXT, FIELD(name), 0, 0, NULL, SETTING_FIXED,
	"NAME", "name of this worker, for people (default: host:pid)", SETTING_WORKER},
	{"plugin-dir", 0, SETTING_TEXT, FIELD(plugin_dir), 0, 0, NULL, SETTING_FIXED,
	"DIR", "where the plugins of the configuration file are: NAME.so", SETTING_WORKER},
	{"public-url", 0, SETTING_TEXT, FIELD(http.public_url), 0, 0, NULL, SETTING_RELOADABLE,
	"URL", "what links begin with (default: scheme and host of the request)", SETTING_HTTP},
	{"queues", 0, SETTING_LIST, FIELD(queues), 0, 0, NULL, SETTING_RELOADABLE,
	"NAMES", "queues to serve, separated by commas (default: default)", SETTING_WORKER},
	{"scratch-dir", 0, SETTING_TEXT, FIELD(scratch_dir), 0, 0, NULL, SETTING_FIXED,
	"DIR", "where commands get a directory each while they run (default: TMPDIR, or /tmp)", SETTING_WORKER},
	{"sql-connections", 0, SETTING_INT, FIELD(sql_connections), 1, 64, NULL, SETTING_FIXED,
	"N", "connections for slow SQL activities, opened on demand (default: 4)", SETTING_WORKER},
	{"trust-forwarded", 0, SETTING_SWITCH, FIELD(http.trust_forwarded), 0, 0, NULL, SETTING_RELOADABLE,
	NULL, "believe X-Forwarded-Proto and X-Forwarded-Host: a proxy of ours sets them", SETTING_HTTP},
};

const size_t config_setting_count = sizeof(config_settings) / sizeof(config_settings[0]);

/* The value of each setting on the command line; NULL: not given. */
typedef const char *GivenFlags[sizeof(config_settings) / sizeof(config_settings[0])];

/* A word behind a number. */
typedef struct Unit
{
	const char *name;
	int64_t		size;
} Unit;

static bool parse_number(const char *text, const Unit *units, int64_t default_unit, int64_t *result);
static void set_defaults(Config *config);
static bool is_for(const Setting *setting, const char *command);
static ConfigOutcome read_flags(int argc, char **argv, GivenFlags given);
static bool report_bad_flag(int argc, char **argv);
static void report_wrong_usage(const char *command, const char *what, const char *argument);
static bool apply_flags(Config *config, GivenFlags given);
static void swap_values(void *left, void *right, size_t size);
static size_t setting_size(SettingType type);
static bool settings_are_equal(const Config *left, const Config *right, const Setting *setting);
static bool texts_are_equal(const char *left, const char *right);
static void setting_free(Config *config, const Setting *setting);
static bool set_list(StringList *list, const char *text);
static bool set_switch(bool *value, const char *text);
static bool set_int(int *value, const char *text, const Setting *setting);
static bool set_enum(int *value, const char *text, const char *const *allowed);

ConfigOutcome
config_load(Config *config, int argc, char **argv)
{
	GivenFlags	given = {0};
	ConfigOutcome outcome = read_flags(argc, argv, given);

	memset(config, 0, sizeof(*config));
	if (outcome == CONFIG_HELP)
		config_print_help(argv[0]);
	if (outcome != CONFIG_OK)
		return outcome;

	set_defaults(config);
	if (strcmp(argv[0], GATEWAY) == 0)
		config->http.address = xstrdup(GATEWAY_ADDRESS);
	for (size_t i = 0; i < config_setting_count; i++)
	{
		if (config_settings[i].offset == FIELD(config) && given[i] != NULL)
			config->config = xstrdup(given[i]);
	}
	if ((config->config != NULL && !config_file_load(config, config->config)) ||
		!apply_flags(config, given) || !web_guard_check(config))
	{
		config_free(config);
		return CONFIG_ERROR;
	}
	return CONFIG_OK;
}

void
config_free(Config *config)
{
	for (size_t i = 0; i < config_setting_count; i++)
		setting_free(config, &config_settings[i]);
	config_free_children(config);
	secrets_free_config(config);
	memset(config, 0, sizeof(*config));
}

void
config_reload(Config *config, Config *fresh)
{
	for (size_t i = 0; i < config_setting_count; i++)
	{
		const Setting *setting = &config_settings[i];

		if (settings_are_equal(config, fresh, setting))
			continue;
		if (setting->change != SETTING_RELOADABLE)
		{
			log_warning("setting \"%s\" cannot be changed without a restart", setting->name);
			continue;
		}
		swap_values((char *) config + setting->offset, (char *) fresh + setting->offset,
					setting_size(setting->type));
		log_info("setting \"%s\" changed", setting->name);
	}
	config_swap_commands(config, fresh);
	swap_values(&config->secrets, &fresh->secrets, sizeof(config->secrets));
	swap_values(&config->secret_count, &fresh->secret_count, sizeof(config->secret_count));
}

bool
config_parse_duration(const char *text, int64_t default_unit_ms, int64_t *duration_ms)
{
	static const Unit units[] = {
		{"ms", 1}, {"s", 1000}, {"min", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000}, {NULL, 0}
	};

	return parse_number(text, units, default_unit_ms, duration_ms);
}

bool
config_parse_bytes(const char *text, int64_t *bytes)
{
	static const Unit units[] = {
		{"B", 1}, {"kB", 1024}, {"MB", 1024 * 1024}, {"GB", 1024 * 1024 * 1024}, {NULL, 0}
	};

	return parse_number(text, units, 1, bytes);
}

bool
config_set(Config *config, const Setting *setting, const char *text)
{
	char	   *value = (char *) config + setting->offset;
	int64_t		duration_ms;

	switch (setting->type)
	{
		case SETTING_TEXT:
			if (*text == '\0')
				return false;
			setting_free(config, setting);
			*(char **) value = xstrdup(text);
			return true;
		case SETTING_INT:
			return set_int((int *) value, text, setting);
		case SETTING_LIST:
			return set_list((StringList *) value, text);
		case SETTING_ENUM:
			return set_enum((int *) value, text, setting->allowed);
		case SETTING_SWITCH:
			return set_switch((bool *) value, text);
		case SETTING_DURATION:
			if (!config_parse_duration(text, 1000, &duration_ms) ||
				duration_ms > setting->max * 1000)
				return false;
			*(int64_t *) value = duration_ms;
			return true;
	}
	return false;
}

char *
config_expected(const Setting *setting)
{
	Buf			text = {0};

	switch (setting->type)
	{
		case SETTING_TEXT:
			buf_append_text(&text, "A text that is not empty is expected.");
			break;
		case SETTING_INT:
			buf_append_format(&text, "A whole number from %d to %d is expected.",
							  (int) setting->min, (int) setting->max);
			break;
		case SETTING_LIST:
			buf_append_text(&text, "Names are expected, separated by commas, or as an array in the file.");
			break;
		case SETTING_DURATION:
			buf_append_format(&text, "A time up to %d d is expected, such as \"500 ms\", \"30 s\", \"2 min\", or seconds.",
							  (int) (setting->max / (24 * 3600)));
			break;
		case SETTING_ENUM:
			buf_append_text(&text, "Allowed are");
			for (int i = 0; setting->allowed[i] != NULL; i++)
				buf_append_format(&text, "%s \"%s\"", i > 0 ? "," : "", setting->allowed[i]);
			buf_append_text(&text, ".");
			break;
		case SETTING_SWITCH:
			buf_append_text(&text, "\"true\" or \"false\" is expected.");
			break;
	}
	return buf_take(&text);
}

void
string_list_add(StringList *list, const char *text, size_t length)
{
	list->items = xrealloc(list->items, (size_t) (list->count + 2) * sizeof(char *));
	list->items[list->count++] = xstrndup(text, length);
	list->items[list->count] = NULL;
}

void
string_list_free(StringList *list)
{
	for (int i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

void
config_print_help(const char *command)
{
	bool		is_gateway = strcmp(command, GATEWAY) == 0;

	printf("pgdf %s %s.\n\nUsage:\n  pgdf %s [OPTION]...\n\nOptions:\n", command,
		   is_gateway ? "serves the HTTP API of durable functions in a PostgreSQL database, and runs nothing" :
		   "runs the activities of durable functions in a PostgreSQL database", command);
	for (size_t i = 0; i < config_setting_count; i++)
	{
		const Setting *setting = &config_settings[i];
		char	   *flag = xasprintf("%c%c%s --%s%s%s", setting->letter ? '-' : ' ',
									 setting->letter ? setting->letter : ' ', setting->letter ? "," : " ",
									 setting->name, setting->placeholder != NULL ? " " : "",
									 setting->placeholder != NULL ? setting->placeholder : "");

		if (is_for(setting, command))
			printf("  %-36s  %s\n", flag, setting->help);
		free(flag);
	}
	printf("  %-36s  %s\n\n", "-?, --help", "show this help, then exit");
	if (is_gateway)
		printf("The configuration file is a JSON object, and may be the one of a worker, for example:\n"
			   "  {\"http\": \"[::]:7071\", \"http-key-file\": \"/etc/pgdf/keys\"}\n"
			   "A flag wins over the file.\n\n"
			   "Signals:\n"
			   "  SIGTERM, SIGINT  accept no more, answer what was asked, exit; again: do not wait\n");
	else
		printf("The configuration file is a JSON object, for example:\n"
			   "  {\"queues\": [\"default\", \"gpu\"], \"max-activities\": 50,\n"
			   "   \"exec\": {\"Resize\": {\"argv\": [\"/usr/bin/resize\", \"-\"], \"env\": [\"PATH\"], \"timeout\": \"30 s\"}}}\n"
			   "A flag wins over the file.  \"exec\" names the commands that activities may run.\n\n"
			   "Signals:\n"
			   "  SIGTERM, SIGINT  stop claiming, let running activities finish, exit; again: cancel them\n");
	printf("  SIGHUP           read the configuration file again\n\n"
		   "Exit status:\n"
		   "  0  stopped as asked\n"
		   "  1  could not start, or could not record everything at the end\n"
		   "  2  wrong flags or configuration\n");
}

/* What a number with this unit counts: "30 s".  false: it has none of these, or is too large. */
static bool
parse_number(const char *text, const Unit *units, int64_t default_unit, int64_t *result)
{
	int64_t		unit = 0;
	long long	number;
	char	   *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0)
		return false;
	end += strspn(end, " ");
	if (*end == '\0')
		unit = default_unit;
	for (const Unit *known = units; known->name != NULL; known++)
	{
		if (strcmp(end, known->name) == 0)
			unit = known->size;
	}
	return unit != 0 && !__builtin_mul_overflow((int64_t) number, unit, result);
}

static void
set_defaults(Config *config)
{
	string_list_add(&config->queues, "default", strlen("default"));
	config->max_activities = 100;
	config->connections = 2;
	config->sql_connections = 4;
	config->drain_ms = 30 * 1000;
	config->log_level = LOG_LEVEL_INFO;
	config->log_format = LOG_FORMAT_TEXT;
	config->web = (WebConfig)
	{
		.max_response = 4 * 1024 * 1024,
			.poll_min_ms = 1000,
			.poll_max_ms = 30 * 1000,
			.stall_ms = 60 * 1000,
			.timeout_ms = 100 * 1000,
	};
	config->http = (HttpConfig)
	{
		.connections = 4096,
			.db_connections = 8,
			.queue = 1000,
			.max_header = 16 * 1024,
			.max_url = 8 * 1024,
			.max_body = 16 * 1024 * 1024,
			.max_requests = 10000,
			.min_rate = 1000,
			.header_timeout_ms = 5 * 1000,
			.idle_timeout_ms = 30 * 1000,
			.request_timeout_ms = 120 * 1000,
			.query_timeout_ms = 10 * 1000,
	};
}

static bool
is_for(const Setting *setting, const char *command)
{
	return setting->user == SETTING_HTTP || strcmp(command, GATEWAY) != 0;
}

/* Collect the flags as they were given; nothing is set yet, because the file comes first. */
static ConfigOutcome
read_flags(int argc, char **argv, GivenFlags given)
{
	struct option options[sizeof(config_settings) / sizeof(config_settings[0]) + 2];
	char		letters[sizeof(options) / sizeof(options[0]) * 2 + 3];
	size_t		used = 0;
	size_t		count = 0;
	int			which;
	int			index = -1;

	memset(options, 0, sizeof(options));
	letters[used++] = ':';
	for (size_t i = 0; i < config_setting_count; i++)
	{
		if (!is_for(&config_settings[i], argv[0]))
			continue;
		options[count].name = config_settings[i].name;
		options[count].has_arg = config_settings[i].type == SETTING_SWITCH ? optional_argument : required_argument;
		options[count++].val = LONG_FLAG + (int) i;
		if (config_settings[i].letter != 0)
		{
			letters[used++] = config_settings[i].letter;
			letters[used++] = ':';
		}
	}
	options[count].name = "help";
	options[count].val = HELP_FLAG;
	letters[used] = '\0';

	optind = 0;					/* start over: a reload reads them again */
	opterr = 0;
	while ((which = getopt_long(argc, argv, letters, options, &index)) != -1)
	{
		if (which == HELP_FLAG || (which == '?' && optopt == '?'))
			return CONFIG_HELP;
		if (which == '?' || which == ':')
			return report_bad_flag(argc, argv) ? CONFIG_OK : CONFIG_ERROR;
		for (size_t i = 0; i < config_setting_count; i++)
		{
			if (which == LONG_FLAG + (int) i || which == config_settings[i].letter)
				given[i] = optarg != NULL ? optarg : "true";
		}
	}
	if (optind < argc)
	{
		report_wrong_usage(argv[0], "unexpected argument", argv[optind]);
		return CONFIG_ERROR;
	}
	return CONFIG_OK;
}

/* Always false, after saying what is wrong with the flag that getopt stopped at. */
static bool
report_bad_flag(int argc, char **argv)
{
	const char *flag = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (optopt >= LONG_FLAG && optopt < LONG_FLAG + (int) config_setting_count)
		log_error_more(NULL, "Try \"pgdf worker --help\".", "flag \"--%s\" needs a value",
					   config_settings[optopt - LONG_FLAG].name);
	else
		report_wrong_usage(argv[0], "invalid flag", flag);
	return false;
}

static void
report_wrong_usage(const char *command, const char *what, const char *argument)
{
	char	   *hint = xasprintf("Try \"pgdf %s --help\".", command);

	log_error_more(NULL, hint, "%s \"%s\"", what, argument);
	free(hint);
}

static bool
apply_flags(Config *config, GivenFlags given)
{
	for (size_t i = 0; i < config_setting_count; i++)
	{
		char	   *expected;

		if (given[i] == NULL || config_set(config, &config_settings[i], given[i]))
			continue;
		expected = config_expected(&config_settings[i]);
		log_error_more(expected, NULL, "invalid value for flag \"--%s\": \"%s\"",
					   config_settings[i].name, given[i]);
		free(expected);
		return false;
	}
	return true;
}

static void
swap_values(void *left, void *right, size_t size)
{
	char		copy[sizeof(StringList)];

	memcpy(copy, left, size);
	memcpy(left, right, size);
	memcpy(right, copy, size);
}

static size_t
setting_size(SettingType type)
{
	switch (type)
	{
		case SETTING_TEXT:
			return sizeof(char *);
		case SETTING_INT:
		case SETTING_ENUM:
			return sizeof(int);
		case SETTING_LIST:
			return sizeof(StringList);
		case SETTING_DURATION:
			return sizeof(int64_t);
		case SETTING_SWITCH:
			return sizeof(bool);
	}
	return 0;
}

static bool
settings_are_equal(const Config *left, const Config *right, const Setting *setting)
{
	const char *a = (const char *) left + setting->offset;
	const char *b = (const char *) right + setting->offset;
	const StringList *list_a = (const StringList *) a;
	const StringList *list_b = (const StringList *) b;

	if (setting->type == SETTING_TEXT)
		return texts_are_equal(*(char *const *) a, *(char *const *) b);
	if (setting->type != SETTING_LIST)
		return memcmp(a, b, setting_size(setting->type)) == 0;

	if (list_a->count != list_b->count)
		return false;
	for (int i = 0; i < list_a->count; i++)
	{
		if (!texts_are_equal(list_a->items[i], list_b->items[i]))
			return false;
	}
	return true;
}

static bool
texts_are_equal(const char *left, const char *right)
{
	if (left == NULL || right == NULL)
		return left == right;
	return strcmp(left, right) == 0;
}

static void
setting_free(Config *config, const Setting *setting)
{
	char	   *value = (char *) config + setting->offset;

	if (setting->type == SETTING_TEXT)
	{
		free(*(char **) value);
		*(char **) value = NULL;
	}
	else if (setting->type == SETTING_LIST)
		string_list_free((StringList *) value);
}

/* Split at commas; blanks around a name do not count, an empty name is wrong. */
static bool
set_list(StringList *list, const char *text)
{
	StringList	fresh = {0};

	for (;;)
	{
		size_t		length = strcspn(text, ",");
		const char *start = text + strspn(text, " ");
		const char *end = text + length;

		while (end > start && end[-1] == ' ')
			end--;
		if (end <= start)
		{
			string_list_free(&fresh);
			return false;
		}
		string_list_add(&fresh, start, (size_t) (end - start));
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	string_list_free(list);
	*list = fresh;
	return true;
}

static bool
set_switch(bool *value, const char *text)
{
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return false;
	*value = strcmp(text, "true") == 0;
	return true;
}

static bool
set_int(int *value, const char *text, const Setting *setting)
{
	char	   *end;
	long		number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < setting->min || number > setting->max)
		return false;
	*value = (int) number;
	return true;
}

static bool
set_enum(int *value, const char *text, const char *const *allowed)
{
	for (int i = 0; allowed[i] != NULL; i++)
	{
		if (strcmp(text, allowed[i]) == 0)
		{
			*value = i;
			return true;
		}
	}
	return false;
}

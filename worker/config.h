/*
 * config.h
 *		Settings of worker and gateway: one table for flags and configuration file.
 *
 * A key of the JSON file is a long flag without its dashes; a flag wins over
 * the file.  To add a setting: a member of Config and a row in config.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CONFIG_H
#define PGDF_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"
#include "sandbox.h"

/* A list of strings; items[count] is NULL. */
typedef struct StringList
{
	char	  **items;
	int			count;
} StringList;

/* A command that activities may run: "exec" in the configuration file. */
typedef struct ExecConfig
{
	char	   *name;			/* of the activity, as written */
	StringList	argv;			/* argv[0] is an absolute path */
	StringList	env;			/* NAME (copied from the worker's) or NAME=value */
	int64_t		timeout_ms;		/* 0: none */
	SandboxConfig sandbox;
} ExecConfig;

#define PLUGIN_NAME_MAX 100

/* A shared object with activities: "plugins" in the configuration file. */
typedef struct PluginConfig
{
	char	   *name;			/* of the file in plugin_dir, without .so */
	int			processes;		/* that run its activities, one at a time each */
	StringList	env;			/* as of a command */
	int64_t		timeout_ms;
	SandboxConfig sandbox;
} PluginConfig;

/* How HTTP is served; the limits are those of one connection or request. */
typedef struct HttpConfig
{
	char	   *address;		/* host:port or unix:/path; NULL: not served */
	char	   *certificate;	/* files in PEM; NULL: no TLS */
	char	   *private_key;
	char	   *key_file;		/* who may call; NULL: everybody who reaches us */
	StringList	hosts;			/* that Host and Origin may name, besides the loopback names */
	char	   *public_url;		/* that links begin with, or NULL: as the request has it */
	bool		trust_forwarded;	/* believe X-Forwarded-Proto and X-Forwarded-Host */
	int			connections;	/* of clients */
	int			db_connections;
	int			queue;			/* requests that wait for one of those */
	int			max_header;		/* bytes */
	int			max_url;
	int			max_body;
	int			max_requests;	/* on one connection */
	int			min_rate;		/* bytes a second, of a body on its way in or out */
	int64_t		header_timeout_ms;	/* until a header is complete */
	int64_t		idle_timeout_ms;	/* between two requests */
	int64_t		request_timeout_ms; /* until a request is here, and until its answer is out */
	int64_t		query_timeout_ms;	/* until the database has answered */
} HttpConfig;

/* Requests that orchestrators make: df_http. */
typedef struct WebConfig
{
	StringList	allow;			/* hosts, addresses, ranges: may be private, and without TLS */
	char	   *ca_file;		/* PEM, or NULL: the system's */
	int			max_redirects;
	int			max_response;	/* bytes, of a body, decoded */
	bool		allows_plain;	/* http: to everybody */
	int64_t		poll_min_ms;
	int64_t		poll_max_ms;
	int64_t		stall_ms;		/* 0: never */
	int64_t		timeout_ms;		/* of a request without one; 0: none */
} WebConfig;

/* A secret that requests may name: "secrets" in the configuration file. */
typedef struct SecretConfig
{
	char	   *name;
	char	   *file;			/* absolute path, or NULL */
	char	   *credential;		/* of the service, in $CREDENTIALS_DIRECTORY; or NULL */
	StringList	hosts;			/* that may get it */
} SecretConfig;

typedef struct Config
{
	char	   *config;			/* path of the file, or NULL */
	char	   *dbname;			/* conninfo, URI, database name, or NULL: PG* variables */
	char	   *name;			/* of this worker, for people */
	StringList	queues;
	int			max_activities;
	int			connections;	/* engine connections */
	int			sql_connections;	/* for slow SQL activities, opened on demand */
	char	   *blob_store;		/* URL, or NULL */
	char	   *e2_root;		/* directory, or NULL: no bound */
	int64_t		drain_ms;
	LogLevel	log_level;
	LogFormat	log_format;
	HttpConfig	http;
	WebConfig	web;
	SecretConfig *secrets;
	int			secret_count;
	char	   *scratch_dir;	/* where commands get their directories; NULL: TMPDIR, or /tmp */
	char	   *plugin_dir;		/* where plugins are, or NULL */
	ExecConfig *exec;
	int			exec_count;
	PluginConfig *plugins;
	int			plugin_count;
} Config;

typedef enum ConfigOutcome
{
	CONFIG_OK,
	CONFIG_HELP,				/* help was asked for, and printed */
	CONFIG_ERROR				/* an error was logged */
} ConfigOutcome;

/*
 * Defaults, then the file, then the flags.  argv[0] is the subcommand's name,
 * "worker" or "gateway": a gateway has the flags of the HTTP server only, and
 * passes over the others in a file that it shares with workers.  On CONFIG_OK
 * the caller frees *config.
 */
extern ConfigOutcome config_load(Config *config, int argc, char **argv);
extern void config_free(Config *config);

/*
 * Take over what may change while the worker runs from *fresh, which is left
 * with what was replaced.  A changed setting that needs a restart is logged.
 */
extern void config_reload(Config *config, Config *fresh);

/* "30 s", "500 ms", "2 min", "1 h"; a bare number counts default_unit_ms. */
extern bool config_parse_duration(const char *text, int64_t default_unit_ms, int64_t *duration_ms);

/* "512 MB", "4 kB", "1 GB"; a bare number counts bytes. */
extern bool config_parse_bytes(const char *text, int64_t *bytes);

/* The help of that subcommand. */
extern void config_print_help(const char *command);

#endif							/* PGDF_CONFIG_H */

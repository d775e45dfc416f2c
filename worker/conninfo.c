/*
 * conninfo.c
 *		Connection parameters: the user's, and our defaults beneath them.
 *
 * The defaults make a lost server known within seconds: an unanswered packet
 * ends the connection after tcp_user_timeout, a silent peer after
 * keepalives_idle + keepalives_count * keepalives_interval.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "conninfo.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "xalloc.h"

static const struct
{
	const char *keyword;
	const char *value;
}			defaults[] = {
	{"client_encoding", "UTF8"},
	{"target_session_attrs", "read-write"},
	{"connect_timeout", "5"},
	{"keepalives_idle", "5"},
	{"keepalives_interval", "2"},
	{"keepalives_count", "3"},
	{"tcp_user_timeout", "10000"},
};

static bool is_conninfo_text(const char *dbname);
static const PQconninfoOption *find_option(const PQconninfoOption *options, const char *keyword);
static bool is_set_by_user(const PQconninfoOption *given, const PQconninfoOption *ambient, const char *keyword);
static void export_service(const PQconninfoOption *given);

bool
conninfo_build(Conninfo *info, const char *dbname, const char *program)
{
	PQconninfoOption *given = NULL;
	PQconninfoOption *ambient;
	char	   *error = NULL;
	int			n = 0;

	memset(info, 0, sizeof(*info));
	if (dbname != NULL && is_conninfo_text(dbname))
	{
		given = PQconninfoParse(dbname, &error);
		if (given == NULL)
		{
			/* libpq's message may repeat a part of the string, a password even */
			log_error("invalid connection string");
			PQfreemem(error);
			return false;
		}
		export_service(given);
	}
	ambient = PQconndefaults();

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
	{
		if (is_set_by_user(given, ambient, defaults[i].keyword))
			continue;
		info->keywords[n] = defaults[i].keyword;
		info->values[n++] = defaults[i].value;
	}
	info->keywords[n] = "fallback_application_name";
	info->values[n++] = program;
	if (dbname != NULL)
	{
		info->dbname = xstrdup(dbname);
		info->keywords[n] = "dbname";
		info->values[n++] = info->dbname;
	}
	PQconninfoFree(given);
	PQconninfoFree(ambient);
	return true;
}

void
conninfo_free(Conninfo *info)
{
	free(info->dbname);
	memset(info, 0, sizeof(*info));
}

/* As libpq tells a connection string from a database name. */
static bool
is_conninfo_text(const char *dbname)
{
	return strchr(dbname, '=') != NULL ||
		strncmp(dbname, "postgresql://", strlen("postgresql://")) == 0 ||
		strncmp(dbname, "postgres://", strlen("postgres://")) == 0;
}

static const PQconninfoOption *
find_option(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++)
	{
		if (strcmp(options->keyword, keyword) == 0)
			return options;
	}
	return NULL;
}

static bool
is_set_by_user(const PQconninfoOption *given, const PQconninfoOption *ambient, const char *keyword)
{
	const PQconninfoOption *option = find_option(given, keyword);

	if (option != NULL && option->val != NULL)
		return true;
	option = find_option(ambient, keyword);
	if (option == NULL)
		return false;
	if (option->envvar != NULL && getenv(option->envvar) != NULL)
		return true;
	/* from a service file, then */
	return option->val != NULL && (option->compiled == NULL || strcmp(option->val, option->compiled) != 0);
}

/* PQconndefaults() reads the service file for PGSERVICE only. */
static void
export_service(const PQconninfoOption *given)
{
	const PQconninfoOption *service = find_option(given, "service");

	if (service != NULL && service->val != NULL)
		setenv("PGSERVICE", service->val, 1);
}

/*
 * conninfo_defaults.c
 *		Our connection defaults stay out of the way of what the user has set anywhere.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <unistd.h>

#include "conninfo.h"
#include "log.h"
#include "tap.h"

static const char *value_of(const Conninfo *info, const char *keyword);
static void has(const char *dbname, const char *keyword, const char *expected, const char *name);
static void services_count(void);

int
main(void)
{
	Conninfo	info;

	unsetenv("PGSERVICE");
	unsetenv("PGTARGETSESSIONATTRS");
	unsetenv("PGCONNECT_TIMEOUT");

	has(NULL, "target_session_attrs", "read-write", "a default");
	has(NULL, "tcp_user_timeout", "10000", "another");
	has(NULL, "fallback_application_name", "pgdf worker", "the application's name");
	has(NULL, "dbname", NULL, "no database name is given when there is none");
	has("mydb", "dbname", "mydb", "a database name");
	has("mydb", "connect_timeout", "5", "leaves the defaults");
	has("dbname=x connect_timeout=30", "connect_timeout", NULL, "a connection string wins");
	has("dbname=x connect_timeout=30", "tcp_user_timeout", "10000", "and leaves the other defaults");
	has("postgresql:///x?target_session_attrs=any", "target_session_attrs", NULL, "so does a URI");
	has("postgres://localhost/x", "dbname", "postgres://localhost/x", "which is handed on as it is");

	setenv("PGCONNECT_TIMEOUT", "7", 1);
	has("mydb", "connect_timeout", NULL, "a variable wins");
	setenv("PGTARGETSESSIONATTRS", "any", 1);
	has("mydb", "target_session_attrs", NULL, "even with libpq's own default");
	unsetenv("PGCONNECT_TIMEOUT");
	unsetenv("PGTARGETSESSIONATTRS");
	services_count();

	log_set_level(LOG_LEVEL_ERROR + 1);
	ok(!conninfo_build(&info, "host=x nonsense=1", "pgdf worker"), "an invalid string is refused");
	ok(!conninfo_build(&info, "postgresql://[::1", "pgdf worker"), "so is an invalid URI");
	return done_testing();
}

static void
services_count(void)
{
	char		path[] = "/tmp/pgdf-service-XXXXXX";
	int			fd = mkstemp(path);
	static const char text[] = "[ours]\nhost=/nonexistent\nkeepalives_idle=99\n";

	if (!ok(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t) sizeof(text) - 1, "a service file is made"))
		return;
	close(fd);
	setenv("PGSERVICEFILE", path, 1);
	has("service=ours", "keepalives_idle", NULL, "a service in the string wins");
	has("service=ours", "keepalives_count", "3", "and leaves the other defaults");
	setenv("PGSERVICE", "ours", 1);
	has(NULL, "keepalives_idle", NULL, "a service in the environment wins");
	unsetenv("PGSERVICE");
	unlink(path);
}

static void
has(const char *dbname, const char *keyword, const char *expected, const char *name)
{
	Conninfo	info;
	const char *value;

	if (!ok(conninfo_build(&info, dbname, "pgdf worker"), "a connection string is taken"))
		return;
	value = value_of(&info, keyword);
	ok(value == expected || (value != NULL && expected != NULL && strcmp(value, expected) == 0), "%s", name);
	conninfo_free(&info);
}

static const char *
value_of(const Conninfo *info, const char *keyword)
{
	for (int i = 0; info->keywords[i] != NULL; i++)
	{
		if (strcmp(info->keywords[i], keyword) == 0)
			return info->values[i];
	}
	return NULL;
}

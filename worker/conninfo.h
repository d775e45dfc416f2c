/*
 * conninfo.h
 *		Connection parameters: the user's, and our defaults beneath them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CONNINFO_H
#define PGDF_CONNINFO_H

#include <stdbool.h>

#define CONNINFO_MAX 16

/* Arrays as PQconnectStartParams() takes them, NULL at the end. */
typedef struct Conninfo
{
	const char *keywords[CONNINFO_MAX];
	const char *values[CONNINFO_MAX];
	char	   *dbname;			/* owned; the others are constants */
} Conninfo;

/*
 * Parameters for a connection string, URI, plain database name or NULL.  A
 * default of ours is left out where the user has set that parameter, be it in
 * the string, a PG* variable or a service.  program is the fallback of
 * application_name, a constant.  False: the string is not valid, and
 * that was logged.
 */
extern bool conninfo_build(Conninfo *info, const char *dbname, const char *program);
extern void conninfo_free(Conninfo *info);

#endif							/* PGDF_CONNINFO_H */

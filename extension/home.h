/*
 * home.h
 *		The server and database that instances live in.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HOME_H
#define PGDF_HOME_H

#include "postgres.h"

/*
 * Has this database the objects of 1.1?  Not between the installation of the library
 * and ALTER EXTENSION.
 */
extern bool pgdf_home_is_updated(void);

/* For ereport(), or an error's context callback: says that it has not. */
extern int	pgdf_home_outdated(void);

/*
 * Raise an error unless a worker may run the instances of this database.
 * details is what the worker says of itself in df.attach, of type json or NULL:
 * "timeline", the last one that this process was connected to; "multi_host", its
 * connection string names several servers.  Between pgdf_enter() and
 * pgdf_leave(), with SPI connected.
 */
extern void pgdf_home_check(Datum details, bool is_null);

#endif							/* PGDF_HOME_H */

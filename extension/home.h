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
 * Raise an error unless a worker may run the instances of this database.
 * details is what the worker says of itself in df.attach, of type json or NULL:
 * "timeline", the last one that this process was connected to; "multi_host", its
 * connection string names several servers.  Between pgdf_enter() and
 * pgdf_leave(), with SPI connected.
 */
extern void pgdf_home_check(Datum details, bool is_null);

#endif							/* PGDF_HOME_H */

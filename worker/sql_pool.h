/*
 * sql_pool.h
 *		Slow SQL activities: df.run_sql on connections of their own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SQL_POOL_H
#define PGDF_SQL_POOL_H

#include "activity.h"

/* The type of a claimed SQL activity (a Q row of df.work). */
extern const ActivityType sql_activity_type;

extern void sql_pool_init(struct Worker *w);
extern void sql_pool_free(struct Worker *w);

/* The worker drains: what has not been started is given back. */
extern void sql_pool_drain(struct Worker *w);

#endif							/* PGDF_SQL_POOL_H */

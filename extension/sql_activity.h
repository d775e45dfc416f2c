/*
 * sql_activity.h
 *		SQL activities: functions of this database, run as the instance's owner.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SQL_ACTIVITY_H
#define PGDF_SQL_ACTIVITY_H

#include "postgres.h"

#include "engine.h"

/* Run SQL activities of an instance inside this call, as far as the budget goes; queue the rest. */
extern void pgdf_sql_activities_run(Engine *engine, Instance *instance);

/* Take queued SQL activities of the engine's owner and run them. */
extern void pgdf_sql_lane_run(Engine *engine, int room);

#endif							/* PGDF_SQL_ACTIVITY_H */

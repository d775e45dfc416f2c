/*
 * sql_activity.h
 *		SQL activities: functions of this database, run as the instance's owner.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SQL_ACTIVITY_H
#define PGDF_SQL_ACTIVITY_H

#include "postgres.h"

#include "compat.h"
#include "engine.h"
#include "user_code.h"

/* How an attempt inside an engine call ended. */
typedef enum AttemptEnd
{
	ATTEMPT_COMPLETED,
	ATTEMPT_FAILED,
	ATTEMPT_UNDECIDED			/* too slow, or an error of the system: not counted */
} AttemptEnd;

/* Run SQL activities of an instance inside this call, as far as the budget goes; queue the rest. */
extern void pgdf_sql_activities_run(Engine *engine, Instance *instance);

/* Take queued SQL activities of the engine's owner and run them. */
extern void pgdf_sql_lane_run(Engine *engine, int room);

/* May another one begin in this call? */
extern bool pgdf_sql_budget_is_left(const Engine *engine);

/* An attempt inside this call, within its budget. */
extern AttemptEnd pgdf_sql_run_inline(Engine *engine, int64 instance_key, Oid owner,
									  const Registration *registration, text *input,
									  text **result, text **failure);

/* An attempt in a transaction of its own; returns its failure, or NULL.  Raises errors of the system's making. */
extern text *pgdf_sql_run_slow(UserCode *code);

/* Error 55000: somebody else may complete it now. */
extern void pgdf_sql_raise_lost(void) pg_attribute_noreturn();

#endif							/* PGDF_SQL_ACTIVITY_H */

/*
 * pgdf.h
 *		Names that all files of the extension share: statuses, settings, error
 *		codes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_H
#define PGDF_H

#include "postgres.h"

#include "fmgr.h"

/* Runtime statuses, with the numbers of Durable Task's OrchestrationStatus. */
typedef enum InstanceStatus
{
	STATUS_RUNNING = 0,
	STATUS_COMPLETED = 1,
	STATUS_CONTINUED_AS_NEW = 2,
	STATUS_FAILED = 3,
	STATUS_CANCELED = 4,
	STATUS_TERMINATED = 5,
	STATUS_PENDING = 6,
	STATUS_SUSPENDED = 7
} InstanceStatus;

/* States of a row of df.tasks. */
typedef enum TaskState
{
	TASK_QUEUED = 0,			/* in its lane, to be claimed */
	TASK_CLAIMED = 1,			/* a worker holds it */
	TASK_DELAYED = 2,			/* waits for visible_at, then queued again */
	TASK_FAILED = 3,			/* its failure is in history; kept for rewind */
	TASK_DEAD = 4,				/* delivered too often without an answer */
	TASK_PARKED = 5,			/* open when its instance failed; kept for rewind */
	TASK_HELD = 6				/* a chunk that waits for room in its map */
} TaskState;

/* SQLSTATE class DF: what an orchestrator can catch. */
#define ERRCODE_DF_CLASS				MAKE_SQLSTATE('D','F','0','0','0')
#define ERRCODE_DF_ACTIVITY_FAILED		MAKE_SQLSTATE('D','F','0','0','1')
#define ERRCODE_DF_CHILD_FAILED			MAKE_SQLSTATE('D','F','0','0','2')
#define ERRCODE_DF_TIMED_OUT			MAKE_SQLSTATE('D','F','0','0','3')
#define ERRCODE_DF_CANCELLED			MAKE_SQLSTATE('D','F','0','0','4')

/* Not an error: a message to the worker that waits for a SQL activity, with its progress. */
#define ERRCODE_DF_PROGRESS				MAKE_SQLSTATE('D','F','1','0','0')

/* Limits of names. */
#define PGDF_INSTANCE_ID_MAX	100 /* characters */
#define PGDF_NAME_MAX			200 /* characters; orchestrators, activities, events */
#define PGDF_QUEUE_MAX			100 /* characters */
#define PGDF_DEFAULT_QUEUE		"default"

/* Lanes of SQL activities; no activity's name begins with '*'. */
#define PGDF_LANE_SQL			"*sql"
#define PGDF_LANE_SLOW			"*slow"
#define PGDF_LANE_LIMITED		"*:"	/* and the activity's name: has a limit of its own */

/* Lane of a registered HTTP activity that has a limit of its own: and its name. */
#define PGDF_LANE_LIMITED_HTTP	"*http:"

/* What pgdf.on_nondeterminism may be. */
typedef enum NondeterminismPolicy
{
	NONDETERMINISM_QUARANTINE,
	NONDETERMINISM_FAIL
} NondeterminismPolicy;

/* Settings, see guc.c. */
extern int	pgdf_call_budget;	/* ms */
extern int	pgdf_inline_sql_budget; /* ms */
extern int	pgdf_lease;			/* ms */
extern int	pgdf_max_deliveries;
extern int	pgdf_max_history_bytes; /* kB */
extern int	pgdf_max_history_events;
extern int	pgdf_max_payload;	/* kB */
extern int	pgdf_max_tasks_per_turn;
extern int	pgdf_max_turn_memory;	/* kB */
extern bool pgdf_notify;
extern int	pgdf_on_nondeterminism;
extern char *pgdf_orchestrator_languages;
extern int	pgdf_reconnect_grace;	/* ms */
extern int	pgdf_retention_completed;	/* s; -1: for ever */
extern int	pgdf_retention_failed;	/* s; -1: for ever */
extern int	pgdf_retention_terminated;	/* s; -1: for ever */
extern int	pgdf_sql_activity_timeout;	/* ms; 0: none */
extern bool pgdf_superuser_instances;
extern int	pgdf_turn_timeout;	/* ms */

extern void pgdf_guc_init(void);

#endif							/* PGDF_H */

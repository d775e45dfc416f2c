/*
 * guc.c
 *		The settings of pgdf, in alphabetical order: variables, which begin with the
 *		defaults, and what is said of them.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "pgdf.h"

int			pgdf_call_budget = 50;
int			pgdf_inline_sql_budget = 20;
int			pgdf_lease = 30 * 1000;
int			pgdf_max_deliveries = 5;
int			pgdf_max_history_bytes = 1024 * 1024;
int			pgdf_max_history_events = 1000000;
int			pgdf_max_payload = 16 * 1024;
int			pgdf_max_tasks_per_turn = 200000;
int			pgdf_max_turn_memory = 256 * 1024;
bool		pgdf_notify = true;
int			pgdf_on_nondeterminism = NONDETERMINISM_QUARANTINE;
char	   *pgdf_orchestrator_languages = NULL;
int			pgdf_reconnect_grace = 1000;
int			pgdf_retention_completed = -1;
int			pgdf_retention_failed = -1;
int			pgdf_retention_terminated = -1;
int			pgdf_sql_activity_timeout = 3600 * 1000;
bool		pgdf_superuser_instances = false;
int			pgdf_turn_timeout = 10 * 1000;

static const struct config_enum_entry nondeterminism_options[] = {
	{"quarantine", NONDETERMINISM_QUARANTINE, false},
	{"fail", NONDETERMINISM_FAIL, false},
	{NULL, 0, false}
};

/* Numbers are set by superusers, and whom they let. */
typedef struct NumberSetting
{
	const char *name;
	const char *description;
	const char *more;			/* or NULL */
	int		   *value;
	int			min;
	int			max;
	int			unit;
} NumberSetting;

typedef struct FlagSetting
{
	const char *name;
	const char *description;
	const char *more;			/* or NULL */
	bool	   *value;
	GucContext	context;
} FlagSetting;

static const NumberSetting number_settings[] = {
	{"pgdf.call_budget",
		"Sets after how long an engine call begins nothing new.",
		"What is left is for the next call.",
	&pgdf_call_budget, 1, 60 * 1000, GUC_UNIT_MS},
	{"pgdf.inline_sql_budget",
		"Sets how long a SQL activity may run inside the engine's transaction.",
		"A longer one is rolled back and runs alone, in a transaction of its own.",
	&pgdf_inline_sql_budget, 0, 60 * 1000, GUC_UNIT_MS},
	{"pgdf.lease",
		"Sets after how long without a sign of life a connected worker loses its tasks.",
		"Workers renew their lease at a third of this time.",
	&pgdf_lease, 300, INT_MAX, GUC_UNIT_MS},
	{"pgdf.max_deliveries",
		"Sets how often a task is handed to workers that die before they answer.",
		"After that it is a dead letter.",
	&pgdf_max_deliveries, 1, 1000, 0},
	{"pgdf.max_history_bytes",
		"Sets the maximum size of the payloads in the history of an execution.",
		NULL,
	&pgdf_max_history_bytes, 100, MAX_KILOBYTES, GUC_UNIT_KB},
	{"pgdf.max_history_events",
		"Sets the maximum number of events in the history of an execution.",
		NULL,
	&pgdf_max_history_events, 100, INT_MAX, 0},
	{"pgdf.max_payload",
		"Sets the maximum size of an input, a result, an event or a custom status.",
		NULL,
	&pgdf_max_payload, 1, 256 * 1024, GUC_UNIT_KB},
	{"pgdf.max_tasks_per_turn",
		"Sets the maximum number of tasks that one turn may schedule.",
		NULL,
	&pgdf_max_tasks_per_turn, 1, 10000000, 0},
	{"pgdf.max_turn_memory",
		"Sets the maximum memory of a backend that runs a turn.",
		"It is looked at when the orchestrator schedules tasks.",
	&pgdf_max_turn_memory, 16 * 1024, MAX_KILOBYTES, GUC_UNIT_KB},
	{"pgdf.reconnect_grace",
		"Sets how long the connection of a worker may be gone before its tasks are taken over.",
		NULL,
	&pgdf_reconnect_grace, 0, 3600 * 1000, GUC_UNIT_MS},
	{"pgdf.retention_completed",
		"Sets how long instances are kept after they have ended as Completed.",
		"-1 keeps them for ever.",
	&pgdf_retention_completed, -1, INT_MAX, GUC_UNIT_S},
	{"pgdf.retention_failed",
		"Sets how long instances are kept after they have ended as Failed.",
		"-1 keeps them for ever.",
	&pgdf_retention_failed, -1, INT_MAX, GUC_UNIT_S},
	{"pgdf.retention_terminated",
		"Sets how long instances are kept after they have ended as Terminated.",
		"-1 keeps them for ever.",
	&pgdf_retention_terminated, -1, INT_MAX, GUC_UNIT_S},
	{"pgdf.sql_activity_timeout",
		"Sets how long an attempt of a SQL activity may run that has no time-out of its own.",
		"0 lets it run for ever.",
	&pgdf_sql_activity_timeout, 0, INT_MAX, GUC_UNIT_MS},
	{"pgdf.turn_timeout",
		"Sets how long one turn of an orchestrator may run.",
		NULL,
	&pgdf_turn_timeout, 10, 3600 * 1000, GUC_UNIT_MS},
};

static const FlagSetting flag_settings[] = {
	{"pgdf.notify",
		"Sends NOTIFY to idle workers from the transaction that gives them work.",
		"Two-phase commit needs it off; workers then find the work when they poll.",
	&pgdf_notify, PGC_USERSET},
	{"pgdf.superuser_instances",
		"Lets instances that a superuser started run functions of other owners.",
		NULL,
	&pgdf_superuser_instances, PGC_SUSET},
};

void
pgdf_guc_init(void)
{
	for (size_t i = 0; i < lengthof(number_settings); i++)
	{
		const NumberSetting *s = &number_settings[i];

		DefineCustomIntVariable(s->name, s->description, s->more, s->value, *s->value, s->min, s->max,
								PGC_SUSET, s->unit, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(flag_settings); i++)
	{
		const FlagSetting *s = &flag_settings[i];

		DefineCustomBoolVariable(s->name, s->description, s->more, s->value, *s->value,
								 s->context, 0, NULL, NULL, NULL);
	}
	DefineCustomEnumVariable("pgdf.on_nondeterminism",
							 "Sets what happens to an instance whose replay differs from its history.",
							 NULL,
							 &pgdf_on_nondeterminism,
							 pgdf_on_nondeterminism, nondeterminism_options,
							 PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("pgdf.orchestrator_languages",
							   "Sets the languages that orchestrators may be written in.",
							   "Loops in PL/Python and PL/Perl cannot be stopped by the turn's time-out.",
							   &pgdf_orchestrator_languages,
							   "plpgsql, sql, c, internal",
							   PGC_SUSET, GUC_LIST_INPUT, NULL, NULL, NULL);

	MarkGUCPrefixReserved("pgdf");
}

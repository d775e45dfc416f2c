/*
 * child.c
 *		Sub-orchestrations, and instances that a turn starts.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "child.h"
#include "event.h"
#include "pgdf.h"
#include "registry.h"

PG_FUNCTION_INFO_V1(df_sub_orchestrator);
PG_FUNCTION_INFO_V1(df_call_sub_orchestrator);

static int64 schedule_child(Turn *turn, FunctionCallInfo fcinfo);

/* df_sub_orchestrator(name, input, instance_id, version, tags) */
Datum
df_sub_orchestrator(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(schedule_child(pgdf_turn_require("df_sub_orchestrator"), fcinfo));
}

/* As df_sub_orchestrator, and waits for the output. */
Datum
df_call_sub_orchestrator(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_call_sub_orchestrator");
	int64		handle = schedule_child(turn, fcinfo);

	pgdf_turn_await(turn, handle);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, handle));
}

char *
pgdf_start_from_turn(const StartRequest *request, Jsonb *input)
{
	Turn	   *turn = pgdf_turn_require("df_start");
	MemoryContext caller = MemoryContextSwitchTo(turn->context);
	TaskOptions options = {0};
	char	   *call = psprintf(PGDF_START_PREFIX "%s", request->name);

	options.instance_id = request->instance_id ? pstrdup(request->instance_id) :
		pgdf_turn_child_id(turn, 0);
	options.version = request->version ? pstrdup(request->version) : NULL;
	options.tags = request->tags ? (Jsonb *) PG_DETOAST_DATUM_COPY(JsonbPGetDatum(request->tags)) : NULL;
	options.queue = request->queue ? pstrdup(request->queue) : NULL;
	options.priority = request->priority;
	options.has_start_at = request->has_start_at;
	options.start_at = request->start_at;
	options.if_exists = request->if_exists;
	MemoryContextSwitchTo(caller);
	(void) pgdf_turn_schedule(turn, TASK_SEND, call, input, &options);
	return options.instance_id;
}

static int64
schedule_child(Turn *turn, FunctionCallInfo fcinfo)
{
	TaskOptions options = {0};
	MemoryContext caller;
	char	   *name;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("orchestrator name must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	pgdf_check_name(name, "orchestrator name", PGDF_NAME_MAX);

	caller = MemoryContextSwitchTo(turn->context);
	options.instance_id = PG_ARGISNULL(2) ? pgdf_turn_child_id(turn, turn->replay->nrewinds) :
		text_to_cstring(PG_GETARG_TEXT_PP(2));
	options.version = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	options.tags = PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P_COPY(4);
	MemoryContextSwitchTo(caller);
	return pgdf_turn_handle(turn,
							pgdf_turn_schedule(turn, TASK_CHILD, name,
											   PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1),
											   &options));
}

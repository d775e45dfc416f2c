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
#include "payload.h"
#include "pgdf.h"
#include "registry.h"
#include "retry.h"

/* Where the parameters are that version 1.0 had in another place. */
typedef struct ChildArguments
{
	int			retry;			/* -1: none */
	int			version;
	int			tags;
} ChildArguments;

static const ChildArguments arguments_1_0 = {.retry = -1,.version = 3,.tags = 4};
static const ChildArguments arguments_1_1 = {.retry = 3,.version = 4,.tags = 5};

PG_FUNCTION_INFO_V1(df_sub_orchestrator);
PG_FUNCTION_INFO_V1(df_call_sub_orchestrator);
PG_FUNCTION_INFO_V1(df_sub_orchestrator_1_1);
PG_FUNCTION_INFO_V1(df_call_sub_orchestrator_1_1);

static int64 schedule_child(Turn *turn, FunctionCallInfo fcinfo, const ChildArguments *arguments);
static Datum call_child(FunctionCallInfo fcinfo, const ChildArguments *arguments);

/* df_sub_orchestrator(name, input, instance_id, retry, version, tags) */
Datum
df_sub_orchestrator_1_1(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(schedule_child(pgdf_turn_require("df_sub_orchestrator"), fcinfo, &arguments_1_1));
}

/* As df_sub_orchestrator, and waits for the output. */
Datum
df_call_sub_orchestrator_1_1(PG_FUNCTION_ARGS)
{
	return call_child(fcinfo, &arguments_1_1);
}

/* The same without retry: what a database has that was not updated to 1.1. */
Datum
df_sub_orchestrator(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(schedule_child(pgdf_turn_require("df_sub_orchestrator"), fcinfo, &arguments_1_0));
}

Datum
df_call_sub_orchestrator(PG_FUNCTION_ARGS)
{
	return call_child(fcinfo, &arguments_1_0);
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

static Datum
call_child(FunctionCallInfo fcinfo, const ChildArguments *arguments)
{
	Turn	   *turn = pgdf_turn_require("df_call_sub_orchestrator");
	int64		handle = schedule_child(turn, fcinfo, arguments);

	pgdf_turn_await(turn, handle);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, handle));
}

static int64
schedule_child(Turn *turn, FunctionCallInfo fcinfo, const ChildArguments *arguments)
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
	options.version = PG_ARGISNULL(arguments->version) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(arguments->version));
	options.tags = PG_ARGISNULL(arguments->tags) ? NULL : PG_GETARG_JSONB_P_COPY(arguments->tags);
	if (arguments->retry >= 0 && !PG_ARGISNULL(arguments->retry))
	{
		options.retry = pgdf_payload_from_jsonb(PG_GETARG_JSONB_P(arguments->retry));
		pgdf_retry_check(options.retry);
	}
	MemoryContextSwitchTo(caller);
	return pgdf_turn_handle(turn,
							pgdf_turn_schedule(turn, TASK_CHILD, name,
											   PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1),
											   &options));
}

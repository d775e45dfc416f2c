/*
 * start.c
 *		df_start and df_run.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/pquery.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "child.h"
#include "identity.h"
#include "instance.h"
#include "payload.h"
#include "spi.h"
#include "turn.h"
#include "wait.h"

/* Words for if_exists, in the order of IfExists. */
static const char *const if_exists_words[] = {"error", "ignore", "replace"};

PG_FUNCTION_INFO_V1(df_start);
PG_FUNCTION_INFO_V1(df_run);

static char *start_instance(const StartRequest *request);
static text *input_arg(FunctionCallInfo fcinfo, int arg);
static const char *string_arg(FunctionCallInfo fcinfo, int arg);
static IfExists if_exists_arg(FunctionCallInfo fcinfo, int arg);

/*
 * df_start(name, input, instance_id, start_at, if_exists, tags, version,
 * priority, queue): the instance is part of the caller's transaction; in a turn it
 * is recorded, and started once when the turn is committed.
 */
Datum
df_start(PG_FUNCTION_ARGS)
{
	StartRequest request = {
		.name = string_arg(fcinfo, 0),
		.input = input_arg(fcinfo, 1),
		.instance_id = string_arg(fcinfo, 2),
		.has_start_at = !PG_ARGISNULL(3),
		.if_exists = if_exists_arg(fcinfo, 4),
		.tags = PG_ARGISNULL(5) ? NULL : PG_GETARG_JSONB_P(5),
		.version = string_arg(fcinfo, 6),
		.priority = PG_ARGISNULL(7) ? 0 : PG_GETARG_INT32(7),
		.queue = string_arg(fcinfo, 8),
		.owner = GetUserId(),
	};

	if (request.has_start_at)
		request.start_at = PG_GETARG_TIMESTAMPTZ(3);
	if (pgdf_turn_is_active())
		PG_RETURN_TEXT_P(cstring_to_text(pgdf_start_from_turn(&request,
															  PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1))));
	PreventCommandIfReadOnly("df_start()");
	PG_RETURN_TEXT_P(cstring_to_text(start_instance(&request)));
}

/*
 * df_run(name, input, INOUT output), a procedure: start, commit, wait for the
 * result.
 */
Datum
df_run(PG_FUNCTION_ARGS)
{
	StartRequest request = {
		.name = string_arg(fcinfo, 0),
		.input = input_arg(fcinfo, 1),
		.owner = GetUserId(),
	};
	MemoryContext caller = CurrentMemoryContext;
	TupleDesc	tupdesc;
	char	   *instance_id;
	Datum		output;
	bool		isnull = false;

	pgdf_refuse_in_engine("df_run");
	PreventCommandIfReadOnly("df_run()");
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("df_run cannot be called inside a transaction block"),
				 errhint("Use df_start(), commit, then df_wait().")));
	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "df_run must be declared with one INOUT argument");

	SPI_connect_ext(SPI_OPT_NONATOMIC);
	instance_id = MemoryContextStrdup(caller, start_instance(&request));
	SPI_commit();
	SPI_start_transaction();
	output = JsonbPGetDatum(pgdf_wait_result(instance_id, request.owner, PGDF_WAIT_FOREVER, caller));
	SPI_finish();

	tupdesc = BlessTupleDesc(tupdesc);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, &output, &isnull)));
}

/* In CurrentMemoryContext. */
static char *
start_instance(const StartRequest *request)
{
	MemoryContext caller_context = CurrentMemoryContext;
	PgdfIdentity caller;
	char	   *instance_id;

	pgdf_enter(&caller);
	SPI_connect();
	instance_id = MemoryContextStrdup(caller_context, pgdf_instance_start(request));
	SPI_finish();
	pgdf_leave(&caller);
	return instance_id;
}

static text *
input_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL :
		pgdf_payload_from_jsonb_checked(PG_GETARG_JSONB_P(arg), "input");
}

static const char *
string_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static IfExists
if_exists_arg(FunctionCallInfo fcinfo, int arg)
{
	const char *word = string_arg(fcinfo, arg);

	if (word == NULL)
		return IF_EXISTS_ERROR;
	for (size_t i = 0; i < lengthof(if_exists_words); i++)
	{
		if (pg_strcasecmp(word, if_exists_words[i]) == 0)
			return (IfExists) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for if_exists: \"%s\"", word),
			 errhint("It can be \"error\", \"ignore\" or \"replace\".")));
	return IF_EXISTS_ERROR;
}

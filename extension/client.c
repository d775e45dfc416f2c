/*
 * client.c
 *		What clients ask: df_status, df_wait, df_result, df_history.
 *
 * They see an instance as it is now, whatever the isolation level.  Somebody
 * else's instance looks like none at all.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "history.h"
#include "home.h"
#include "identity.h"
#include "instance.h"
#include "spi.h"
#include "turn.h"
#include "wait.h"

/* Events read at once by df_history. */
#define HISTORY_BATCH	10000

#define STATUS(reason) \
	{ \
		.sql = "SELECT instance_id, name, df.status_name(status), input::pg_catalog.jsonb," \
		" custom_status::pg_catalog.jsonb, output::pg_catalog.jsonb, created_at, last_updated_at," \
		" completed_at, failure::pg_catalog.jsonb, tasks_completed, tasks_total, " reason \
		" FROM df.instance_state WHERE instance_key OPERATOR(pg_catalog.=) $1", \
		.nargs = 1, \
		.argtypes = {INT8OID} \
	}

static PgdfStatement status_stmt = STATUS("coalesce(blocked_reason, df.waiting_reason(instance_key))");

/* In a database that was not updated to 1.1. */
static PgdfStatement status_1_0_stmt = STATUS("blocked_reason");

/* $2, $3: execution and event the last batch ended with. */
static PgdfStatement history_stmt = {
	.sql = "SELECT execution, event_id, df.event_type_name(event_type), event_time, task_id, name,"
	" payload::pg_catalog.jsonb, failure::pg_catalog.jsonb"
	" FROM df.history WHERE instance_key OPERATOR(pg_catalog.=) $1"
	" AND (execution, event_id) OPERATOR(pg_catalog.>) ($2, $3)"
	" ORDER BY execution, event_id LIMIT $4",
	.nargs = 4,
	.argtypes = {INT8OID, INT4OID, INT4OID, INT8OID}
};

PG_FUNCTION_INFO_V1(df_status);
PG_FUNCTION_INFO_V1(df_wait);
PG_FUNCTION_INFO_V1(df_result);
PG_FUNCTION_INFO_V1(df_history);
PG_FUNCTION_INFO_V1(df_status_name);
PG_FUNCTION_INFO_V1(df_event_type_name);

static char *instance_id_arg(FunctionCallInfo fcinfo);
static int64 timeout_arg(FunctionCallInfo fcinfo, int arg);
static void emit_status(ReturnSetInfo *rsinfo, int64 instance_key);
static void emit_history(ReturnSetInfo *rsinfo, int64 instance_key);

/* df_status(instance_id): one row, or none. */
Datum
df_status(PG_FUNCTION_ARGS)
{
	char	   *instance_id = instance_id_arg(fcinfo);
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef ref;

	pgdf_refuse_in_turn("df_status");
	InitMaterializedSRF(fcinfo, 0);
	pgdf_enter(&caller);
	SPI_connect();
	if (pgdf_instance_find(instance_id, role, &ref))
		emit_status((ReturnSetInfo *) fcinfo->resultinfo, ref.instance_key);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* df_wait(instance_id, timeout): the same row, when it is final or time is up. */
Datum
df_wait(PG_FUNCTION_ARGS)
{
	char	   *instance_id = instance_id_arg(fcinfo);
	PgdfIdentity caller;
	InstanceRef ref;

	pgdf_refuse_in_engine("df_wait");
	InitMaterializedSRF(fcinfo, 0);
	if (!pgdf_wait(instance_id, GetUserId(), timeout_arg(fcinfo, 1), &ref))
		return (Datum) 0;

	pgdf_enter(&caller);
	SPI_connect();
	emit_status((ReturnSetInfo *) fcinfo->resultinfo, ref.instance_key);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* df_result(instance_id, timeout): the output, or the failure as an error. */
Datum
df_result(PG_FUNCTION_ARGS)
{
	pgdf_refuse_in_engine("df_result");
	PG_RETURN_JSONB_P(pgdf_wait_result(instance_id_arg(fcinfo), GetUserId(),
									   timeout_arg(fcinfo, 1), CurrentMemoryContext));
}

/* df_history(instance_id): the events of all executions, in order. */
Datum
df_history(PG_FUNCTION_ARGS)
{
	char	   *instance_id = instance_id_arg(fcinfo);
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef ref;

	pgdf_refuse_in_turn("df_history");
	InitMaterializedSRF(fcinfo, 0);
	pgdf_enter(&caller);
	SPI_connect();
	if (pgdf_instance_find(instance_id, role, &ref))
		emit_history((ReturnSetInfo *) fcinfo->resultinfo, ref.instance_key);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* df.status_name(status), for views. */
Datum
df_status_name(PG_FUNCTION_ARGS)
{
	int16		status = PG_GETARG_INT16(0);

	if (status < STATUS_RUNNING || status > STATUS_SUSPENDED)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid runtime status %d", status)));
	PG_RETURN_TEXT_P(cstring_to_text(pgdf_status_name((InstanceStatus) status)));
}

/* df.event_type_name(event_type) */
Datum
df_event_type_name(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(pgdf_event_type_name(PG_GETARG_INT16(0))));
}

/* No instance has the empty id. */
static char *
instance_id_arg(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(0));
}

static int64
timeout_arg(FunctionCallInfo fcinfo, int arg)
{
	return pgdf_wait_timeout(PG_ARGISNULL(arg) ? NULL : PG_GETARG_INTERVAL_P(arg));
}

static void
emit_status(ReturnSetInfo *rsinfo, int64 instance_key)
{
	Datum		value = Int64GetDatum(instance_key);

	(void) pgdf_spi_execute_latest(pgdf_home_is_updated() ? &status_stmt : &status_1_0_stmt, &value, NULL);
	pgdf_spi_to_tuplestore(rsinfo);
}

static void
emit_history(ReturnSetInfo *rsinfo, int64 instance_key)
{
	Datum		values[4];
	uint64		count;

	values[0] = Int64GetDatum(instance_key);
	values[1] = Int32GetDatum(-1);
	values[2] = Int32GetDatum(0);
	values[3] = Int64GetDatum(HISTORY_BATCH);
	do
	{
		CHECK_FOR_INTERRUPTS();
		count = pgdf_spi_execute_latest(&history_stmt, values, NULL);
		if (count > 0)
		{
			pgdf_spi_to_tuplestore(rsinfo);
			values[1] = Int32GetDatum(pgdf_spi_int32(count - 1, 1));
			values[2] = Int32GetDatum(pgdf_spi_int32(count - 1, 2));
		}
		SPI_freetuptable(SPI_tuptable);
	} while (count == HISTORY_BATCH);
}

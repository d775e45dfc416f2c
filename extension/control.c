/*
 * control.c
 *		Control requests of clients: df_terminate, df_purge.
 *
 * A request to a live instance is a row in its inbox, which the engine carries
 * out: nobody but the engine locks a live instance.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "history.h"
#include "identity.h"
#include "instance.h"
#include "payload.h"
#include "spi.h"
#include "turn.h"
#include "wake.h"

PG_FUNCTION_INFO_V1(df_terminate);
PG_FUNCTION_INFO_V1(df_suspend);
PG_FUNCTION_INFO_V1(df_resume);
PG_FUNCTION_INFO_V1(df_rewind);
PG_FUNCTION_INFO_V1(df_purge);

static bool request_change(FunctionCallInfo fcinfo, const char *function, EventType type);
static text *reason_payload(FunctionCallInfo fcinfo, int arg);
static char *instance_id_arg(FunctionCallInfo fcinfo);
static text *terminate_payload(FunctionCallInfo fcinfo);
static uint64 purge(const char *instance_id, Oid role);

/*
 * df_terminate(instance_id, reason, recursive): false when the instance is final
 * already.  The inbox row's payload is {"reason": text|null, "recursive": bool}.
 */
Datum
df_terminate(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef ref;
	bool		is_live;

	pgdf_refuse_in_turn("df_terminate");
	PreventCommandIfReadOnly("df_terminate()");
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_instance_require(instance_id_arg(fcinfo), role, &ref);
	is_live = !pgdf_status_is_final(ref.status);
	if (is_live)
	{
		pgdf_wake_workers();
		pgdf_inbox_insert(ref.instance_key, EVENT_EXECUTION_TERMINATED, NULL,
						  terminate_payload(fcinfo));
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_live);
}

/* df_suspend(instance_id, reason): false when it is final or suspended already. */
Datum
df_suspend(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(request_change(fcinfo, "df_suspend", EVENT_EXECUTION_SUSPENDED));
}

/* df_resume(instance_id, reason): false when it is not suspended. */
Datum
df_resume(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(request_change(fcinfo, "df_resume", EVENT_EXECUTION_RESUMED));
}

/* df_rewind(instance_id, reason): false when it has not failed. */
Datum
df_rewind(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(request_change(fcinfo, "df_rewind", EVENT_EXECUTION_REWOUND));
}

/* df_purge(instance_id): how many instances were deleted, final children included. */
Datum
df_purge(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	PgdfIdentity caller;
	uint64		count;

	pgdf_refuse_in_engine("df_purge");
	PreventCommandIfReadOnly("df_purge()");
	pgdf_enter(&caller);
	SPI_connect();
	count = purge(instance_id_arg(fcinfo), role);
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_INT64((int64) count);
}

/* The engine decides again when it takes the request: another one may be on its way. */
static bool
request_change(FunctionCallInfo fcinfo, const char *function, EventType type)
{
	Oid			role = GetUserId();
	PgdfIdentity caller;
	InstanceRef ref;
	bool		is_needed;

	if (type == EVENT_EXECUTION_REWOUND)
		pgdf_refuse_in_engine(function);
	pgdf_refuse_in_turn(function);
	PreventCommandIfReadOnly(function);
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_instance_require(instance_id_arg(fcinfo), role, &ref);
	is_needed = type == EVENT_EXECUTION_REWOUND ? ref.status == STATUS_FAILED :
		!pgdf_status_is_final(ref.status) &&
		(ref.status == STATUS_SUSPENDED) == (type == EVENT_EXECUTION_RESUMED);
	if (is_needed)
	{
		pgdf_wake_workers();
		pgdf_inbox_insert(ref.instance_key, type, NULL, reason_payload(fcinfo, 1));
	}
	SPI_finish();
	pgdf_leave(&caller);
	return is_needed;
}

/* A reason as JSON text, or NULL. */
static text *
reason_payload(FunctionCallInfo fcinfo, int arg)
{
	StringInfoData buf;
	text	   *payload;

	if (PG_ARGISNULL(arg))
		return NULL;
	initStringInfo(&buf);
	escape_json(&buf, text_to_cstring(PG_GETARG_TEXT_PP(arg)));
	payload = cstring_to_text_with_len(buf.data, buf.len);
	pgdf_payload_check(payload, "reason");
	return payload;
}

/* No instance has the empty id. */
static char *
instance_id_arg(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(0));
}

static text *
terminate_payload(FunctionCallInfo fcinfo)
{
	bool		is_recursive = PG_ARGISNULL(2) || PG_GETARG_BOOL(2);
	StringInfoData buf;
	text	   *payload;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "{\"reason\": ");
	if (PG_ARGISNULL(1))
		appendStringInfoString(&buf, "null");
	else
		escape_json(&buf, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	appendStringInfo(&buf, ", \"recursive\": %s}", is_recursive ? "true" : "false");
	payload = cstring_to_text_with_len(buf.data, buf.len);
	pgdf_payload_check(payload, "reason");
	return payload;
}

/* What was final may have been restarted, or purged, before it could be locked. */
static uint64
purge(const char *instance_id, Oid role)
{
	InstanceRef ref;
	uint64		count = 0;

	pgdf_instance_require(instance_id, role, &ref);
	if (pgdf_status_is_final(ref.status))
	{
		count = pgdf_instance_purge(ref.instance_key);
		if (count > 0 || !pgdf_instance_find(instance_id, role, &ref))
			return count;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("instance \"%s\" is not final", instance_id),
			 errdetail("Its status is %s.", pgdf_status_name(ref.status)),
			 errhint("Terminate it first.")));
	return 0;
}

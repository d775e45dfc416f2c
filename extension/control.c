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
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "compat.h"
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
PG_FUNCTION_INFO_V1(df_restart);
PG_FUNCTION_INFO_V1(df_purge);
PG_FUNCTION_INFO_V1(df_purge_before);

/* Instances that one round of df_purge_before looks at. */
#define PURGE_BATCH		1000

static PgdfStatement start_request_statement = {
	"SELECT name, version, input, tags, priority, queue, owner::oid, status FROM df.instance_state"
	" WHERE instance_id = $1",
	1, {TEXTOID}
};

static PgdfStatement purgeable_statement = {
	"SELECT instance_key FROM df.instance_state"
	" WHERE created_at < $1 AND ($3 IS NULL OR created_at >= $3) AND status = ANY ($2)"
	"   AND instance_key > $6 AND ($5 OR pg_has_role($4, owner, 'MEMBER'))"
	" ORDER BY instance_key LIMIT 1000",
	6, {TIMESTAMPTZOID, INT2ARRAYOID, TIMESTAMPTZOID, OIDOID, BOOLOID, INT8OID}
};

/* What the engine will have been asked last when it looks: 19 suspend, 20 resume. */
static PgdfStatement asked_last_statement = {
	"SELECT event_type FROM df.inbox WHERE instance_key = $1 AND event_type IN (19, 20)"
	" ORDER BY inbox_id DESC LIMIT 1",
	1, {INT8OID}
};

static PgdfStatement asked_to_rewind_statement = {
	"SELECT FROM df.inbox WHERE instance_key = $1 AND event_type = 21 LIMIT 1",
	1, {INT8OID}
};

static void raise_not_final(const char *instance_id, InstanceStatus status) pg_attribute_noreturn();
static bool will_be_suspended(const InstanceRef *ref);
static Datum final_statuses(ArrayType *names);
static bool request_change(FunctionCallInfo fcinfo, const char *function, EventType type);
static text *reason_payload(FunctionCallInfo fcinfo, int arg);
static char *instance_id_arg(FunctionCallInfo fcinfo);
static text *terminate_payload(FunctionCallInfo fcinfo);
static uint64 purge(const char *instance_id, Oid role);

/*
 * df_terminate(instance_id, reason, recursive): false when the instance is final,
 * and stays so.  The inbox row's payload is {"reason": text|null, "recursive": bool}.
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
	is_live = pgdf_instance_will_be_live(&ref);
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

/*
 * df_restart(instance_id, new_instance_id): a final instance anew, with the same
 * orchestrator, input, version, tags, priority and queue.  NULL: under a new id,
 * also while the old one is live.  Returns the id.
 */
Datum
df_restart(PG_FUNCTION_ARGS)
{
	char	   *instance_id = instance_id_arg(fcinfo);
	char	   *new_id = PG_ARGISNULL(1) ? pgdf_random_id() : text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			role = GetUserId();
	MemoryContext caller_context = CurrentMemoryContext;
	PgdfIdentity caller;
	InstanceStatus status;
	StartRequest request = {0};

	pgdf_refuse_in_engine("df_restart");
	PreventCommandIfReadOnly("df_restart()");
	pgdf_enter(&caller);
	SPI_connect();
	if (!pgdf_start_request_read(instance_id, role, caller_context, &request, &status))
		pgdf_instance_raise_unknown(instance_id);
	if (strcmp(instance_id, new_id) == 0 && !pgdf_status_is_final(status))
		raise_not_final(instance_id, status);
	request.instance_id = new_id;
	(void) pgdf_instance_start(&request);
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_TEXT_P(cstring_to_text(new_id));
}

/*
 * df_purge_before(created_before, runtime_status, created_from, max_instances):
 * final instances of the caller's, with their final children.  Returns how many.
 */
Datum
df_purge_before(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	Datum		values[6];
	bool		nulls[6] = {false, false, PG_ARGISNULL(2)};
	int64		max = PG_ARGISNULL(3) ? PG_INT64_MAX : PG_GETARG_INT64(3);
	int64		purged = 0;
	PgdfIdentity caller;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("created_before must not be null")));
	pgdf_refuse_in_engine("df_purge_before");
	PreventCommandIfReadOnly("df_purge_before()");
	pgdf_enter(&caller);
	SPI_connect();
	values[0] = PG_GETARG_DATUM(0);
	values[1] = final_statuses(PG_ARGISNULL(1) ? NULL : PG_GETARG_ARRAYTYPE_P(1));
	values[2] = PG_ARGISNULL(2) ? (Datum) 0 : PG_GETARG_DATUM(2);
	values[3] = ObjectIdGetDatum(role);
	values[4] = BoolGetDatum(pgdf_is_admin(role));
	values[5] = Int64GetDatum(-1);
	while (purged < max)
	{
		uint64		n = pgdf_spi_execute(&purgeable_statement, values, nulls);
		SPITupleTable *rows = SPI_tuptable;

		for (uint64 row = 0; row < n && purged < max; row++)
		{
			CHECK_FOR_INTERRUPTS();
			SPI_tuptable = rows;
			values[5] = Int64GetDatum(pgdf_spi_int64(row, 1));
			purged += pgdf_instance_purge_of_set(DatumGetInt64(values[5]));
		}
		SPI_freetuptable(rows);
		if (n < PURGE_BATCH)
			break;
	}
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_INT64(purged);
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
		pgdf_instance_will_be_live(&ref) &&
		will_be_suspended(&ref) == (type == EVENT_EXECUTION_RESUMED);
	if (is_needed)
	{
		pgdf_wake_workers();
		pgdf_inbox_insert(ref.instance_key, type, NULL, reason_payload(fcinfo, 1));
	}
	SPI_finish();
	pgdf_leave(&caller);
	return is_needed;
}

bool
pgdf_instance_will_be_live(const InstanceRef *ref)
{
	Datum		key = Int64GetDatum(ref->instance_key);

	if (!pgdf_status_is_final(ref->status))
		return true;
	return ref->status == STATUS_FAILED &&
		pgdf_spi_execute_latest(&asked_to_rewind_statement, &key, NULL) > 0;
}

static bool
will_be_suspended(const InstanceRef *ref)
{
	Datum		key = Int64GetDatum(ref->instance_key);

	if (pgdf_spi_execute_latest(&asked_last_statement, &key, NULL) > 0)
		return pgdf_spi_int16(0, 1) == EVENT_EXECUTION_SUSPENDED;
	return ref->status == STATUS_SUSPENDED;
}

static void
raise_not_final(const char *instance_id, InstanceStatus status)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("instance \"%s\" is not final", instance_id),
			 errdetail("Its status is %s.", pgdf_status_name(status)),
			 errhint("Terminate it first.")));
}

/* One look: what is purged, or begun anew, between two of them would be neither the one nor the other. */
bool
pgdf_start_request_read(const char *instance_id, Oid caller_role, MemoryContext context,
						StartRequest *request, InstanceStatus *status)
{
	Datum		id = CStringGetTextDatum(instance_id);
	MemoryContext caller;
	bool		isnull;
	Datum		tags;

	if (pgdf_spi_execute_latest(&start_request_statement, &id, NULL) == 0)
		return false;
	request->owner = DatumGetObjectId(pgdf_spi_datum(0, 7, &isnull));
	if (!pgdf_may_act_for(caller_role, request->owner))
		return false;
	*status = (InstanceStatus) pgdf_spi_int16(0, 8);
	caller = MemoryContextSwitchTo(context);
	request->name = pgdf_spi_cstring(0, 1);
	request->version = pgdf_spi_cstring(0, 2);
	request->input = pgdf_spi_text(0, 3, context);
	tags = pgdf_spi_datum(0, 4, &isnull);
	request->tags = isnull ? NULL : DatumGetJsonbPCopy(tags);
	request->priority = pgdf_spi_int32(0, 5);
	request->queue = pgdf_spi_cstring(0, 6);
	MemoryContextSwitchTo(caller);
	return true;
}

/* The numbers of the named statuses; error 22023 for one that is not final. */
static Datum
final_statuses(ArrayType *names)
{
	Datum	   *values;
	bool	   *nulls;
	Datum		numbers[16];
	int			n;

	if (names == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("runtime_status must not be null")));
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	if (n == 0 || n > (int) lengthof(numbers))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("runtime_status must name one or more final statuses")));
	for (int i = 0; i < n; i++)
	{
		char	   *name = nulls[i] ? pstrdup("") : TextDatumGetCString(values[i]);
		InstanceStatus status;

		if (!pgdf_status_parse(name, &status) || !pgdf_status_is_final(status))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("\"%s\" is not a final status", name),
					 errhint("Final statuses are Completed, Failed, Terminated and Canceled.")));
		numbers[i] = Int16GetDatum((int16) status);
	}
	return PointerGetDatum(construct_array(numbers, n, INT2OID, 2, true, TYPALIGN_SHORT));
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
		count = pgdf_instance_purge_of_set(ref.instance_key);
		/* what is final still, another session is purging, and this one must not wait for it */
		if (count > 0 || !pgdf_instance_find(instance_id, role, &ref) || pgdf_status_is_final(ref.status))
			return count;
	}
	raise_not_final(instance_id, ref.status);
	return 0;
}

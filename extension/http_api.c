/*
 * http_api.c
 *		What the HTTP API asks for: df.api_start, _restart, _control,
 *		_raise_event, _purge, _purge_list.
 *
 * Each acts for a role that it is told, which the session user must be a member
 * of, and answers with HTTP's code instead of an error; what the system is to
 * blame for is raised all the same.  Payloads are JSON text and stay as they are.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "event.h"
#include "history.h"
#include "http_api.h"
#include "identity.h"
#include "instance.h"
#include "payload.h"
#include "pgdf.h"
#include "registry.h"
#include "spi.h"
#include "turn.h"
#include "wake.h"

/* Instances that one round of df.api_purge_list looks at. */
#define PURGE_BATCH		1000

/* No request of those types is under way. */
#define NOTHING_PENDING	(-1)

/* One call, and what it has come to. */
typedef struct ApiCall
{
	MemoryContext context;		/* where its answer lives */
	Oid			role;
	HttpCode	code;
	char	   *instance_id;
	char	   *message;		/* NULL: nothing to say */
	text	   *payload;		/* NULL: JSON null */
	text	   *options;		/* start_options, or NULL */
	char	   *name;			/* of the orchestrator, or the event */
	char	   *event_id;
	bool		with_new_id;
	int64		deleted;
} ApiCall;

typedef void (*ApiRequest) (ApiCall *call);

/* What an error of the request's making means in HTTP. */
static const struct ErrorCode
{
	int			sqlstate;
	HttpCode	code;
}			error_codes[] = {
	{ERRCODE_UNDEFINED_OBJECT, HTTP_BAD_REQUEST},	/* no such orchestrator */
	{ERRCODE_UNDEFINED_FUNCTION, HTTP_BAD_REQUEST}, /* its function is gone */
	{ERRCODE_DUPLICATE_OBJECT, HTTP_CONFLICT},
	{ERRCODE_INSUFFICIENT_PRIVILEGE, HTTP_FORBIDDEN},
	{ERRCODE_PROGRAM_LIMIT_EXCEEDED, HTTP_BAD_REQUEST}, /* nested too deeply */
	{ERRCODE_STATEMENT_TOO_COMPLEX, HTTP_BAD_REQUEST},
};

/* A control request: what it needs, and what it becomes. */
typedef struct ControlVerb
{
	const char *name;
	const char *function;		/* the public one */
	EventType	type;
} ControlVerb;

static const ControlVerb control_verbs[] = {
	{"terminate", "df_terminate", EVENT_EXECUTION_TERMINATED},
	{"suspend", "df_suspend", EVENT_EXECUTION_SUSPENDED},
	{"resume", "df_resume", EVENT_EXECUTION_RESUMED},
	{"rewind", "df_rewind", EVENT_EXECUTION_REWOUND},
};

static PgdfStatement start_options_statement = {
	"SELECT $1 ->> 'version', $1 ->> 'queue', ($1 ->> 'priority')::int4,"
	" ($1 ->> 'start_at')::timestamptz, nullif(($1 -> 'tags')::jsonb, 'null'),"
	" lower($1 ->> 'if_exists')",
	1, {JSONOID}
};

/* The last of those requests that the engine has not yet seen; $2: their event types. */
static PgdfStatement pending_statement = {
	"SELECT event_type FROM df.inbox WHERE instance_key = $1 AND event_type = ANY ($2)"
	" ORDER BY inbox_id DESC LIMIT 1",
	2, {INT8OID, INT2ARRAYOID}
};

static PgdfStatement used_event_id_statement = {
	"SELECT FROM df.event_ids WHERE instance_key = $1 AND event_id = $2",
	2, {INT8OID, TEXTOID}
};

static PgdfStatement purgeable_statement = {
	"SELECT instance_key FROM df.instance_state"
	" WHERE created_at >= $1 AND created_at <= $2 AND status = ANY ($3)"
	"   AND instance_key > $6 AND ($5 OR pg_has_role($4, owner, 'MEMBER'))"
	" ORDER BY instance_key LIMIT 1000",
	6, {TIMESTAMPTZOID, TIMESTAMPTZOID, INT2ARRAYOID, OIDOID, BOOLOID, INT8OID}
};

PG_FUNCTION_INFO_V1(df_api_start);
PG_FUNCTION_INFO_V1(df_api_restart);
PG_FUNCTION_INFO_V1(df_api_control);
PG_FUNCTION_INFO_V1(df_api_raise_event);
PG_FUNCTION_INFO_V1(df_api_purge);
PG_FUNCTION_INFO_V1(df_api_purge_list);

static ApiCall begin(FunctionCallInfo fcinfo, const char *function, HttpCode success);
static void attempt(ApiRequest request, ApiCall *call);
static HttpCode code_of_error(const ErrorData *error);
static const char *message_of_error(const ErrorData *error);
static void refuse(ApiCall *call, HttpCode code, const char *message);
static bool is_allowed(ApiCall *call, const char *function);
static bool find(ApiCall *call, InstanceRef *ref);
static bool is_small_enough(ApiCall *call, const char *field);
static void start(ApiCall *call);
static void read_start_options(text *options, StartRequest *request);
static void restart(ApiCall *call);
static void control(ApiCall *call, const ControlVerb *verb, const char *reason);
static void change_suspension(ApiCall *call, const InstanceRef *ref, const ControlVerb *verb,
							  const char *reason);
static void rewind_failed(ApiCall *call, const InstanceRef *ref, const char *reason);
static int	last_pending(int64 instance_key, const EventType *types, int ntypes);
static void request_change(const InstanceRef *ref, EventType type, const char *reason);
static text *reason_payload(EventType type, const char *reason);
static void raise_event(ApiCall *call);
static bool is_used_event_id(int64 instance_key, const char *event_id);
static void purge(ApiCall *call);
static void purge_list(ApiCall *call, Datum *values);
static Datum emit_id(FunctionCallInfo fcinfo, const ApiCall *call);
static Datum emit_code(FunctionCallInfo fcinfo, const ApiCall *call);
static Datum emit_deleted(FunctionCallInfo fcinfo, const ApiCall *call);

/* ---------------------------------------------------------------- functions */

/* df.api_start(acting, name, input, instance_id, start_options): code, instance_id, message. */
Datum
df_api_start(PG_FUNCTION_ARGS)
{
	ApiCall		call = begin(fcinfo, "df_start", HTTP_ACCEPTED);

	call.name = pgdf_api_string_arg(fcinfo, 1);
	if (!PG_ARGISNULL(2))
		call.payload = PG_GETARG_TEXT_PP(2);
	call.instance_id = pgdf_api_string_arg(fcinfo, 3);
	if (!PG_ARGISNULL(4))
		call.options = PG_GETARG_TEXT_PP(4);
	if (is_allowed(&call, "df_start"))
		attempt(start, &call);
	return emit_id(fcinfo, &call);
}

/* df.api_restart(acting, instance_id, with_new_id): code, instance_id, message. */
Datum
df_api_restart(PG_FUNCTION_ARGS)
{
	ApiCall		call = begin(fcinfo, "df_restart", HTTP_ACCEPTED);

	call.instance_id = pgdf_api_string_arg(fcinfo, 1);
	call.with_new_id = PG_ARGISNULL(2) || PG_GETARG_BOOL(2);
	if (is_allowed(&call, "df_restart"))
		attempt(restart, &call);
	return emit_id(fcinfo, &call);
}

/* df.api_control(acting, verb, instance_id, reason): code, message. */
Datum
df_api_control(PG_FUNCTION_ARGS)
{
	char	   *name = PG_ARGISNULL(1) ? pstrdup("") : text_to_cstring(PG_GETARG_TEXT_PP(1));
	const ControlVerb *verb = NULL;
	ApiCall		call;
	char	   *reason;
	PgdfIdentity caller;

	for (size_t i = 0; i < lengthof(control_verbs); i++)
	{
		if (strcmp(name, control_verbs[i].name) == 0)
			verb = &control_verbs[i];
	}
	if (verb == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid verb \"%s\"", name),
				 errhint("It can be \"terminate\", \"suspend\", \"resume\" or \"rewind\".")));
	call = begin(fcinfo, verb->function, HTTP_ACCEPTED);
	call.instance_id = pgdf_api_string_arg(fcinfo, 2);
	reason = pgdf_api_string_arg(fcinfo, 3);
	if (is_allowed(&call, verb->function))
	{
		pgdf_enter(&caller);
		SPI_connect();
		control(&call, verb, reason);
		SPI_finish();
		pgdf_leave(&caller);
	}
	return emit_code(fcinfo, &call);
}

/*
 * df.api_raise_event(acting, instance_id, event_name, content_ok, payload,
 * event_id): code, message.  A payload of NULL is JSON null, an empty one is no JSON.
 */
Datum
df_api_raise_event(PG_FUNCTION_ARGS)
{
	ApiCall		call = begin(fcinfo, "df_raise_event", HTTP_ACCEPTED);
	PgdfIdentity caller;
	InstanceRef ref;
	bool		is_open = false;

	call.instance_id = pgdf_api_string_arg(fcinfo, 1);
	call.name = pgdf_api_string_arg(fcinfo, 2);
	if (!PG_ARGISNULL(4))
		call.payload = PG_GETARG_TEXT_PP(4);
	call.event_id = pgdf_api_string_arg(fcinfo, 5);
	if (!is_allowed(&call, "df_raise_event"))
		return emit_code(fcinfo, &call);

	pgdf_enter(&caller);
	SPI_connect();
	if (find(&call, &ref) && !is_used_event_id(ref.instance_key, call.event_id))
	{
		is_open = pgdf_instance_will_be_live(&ref);
		if (!is_open)
			refuse(&call, HTTP_GONE, NULL);
	}
	SPI_finish();
	pgdf_leave(&caller);

	if (is_open && !(PG_ARGISNULL(3) || PG_GETARG_BOOL(3)))
		refuse(&call, HTTP_BAD_REQUEST, "content type must be application/json");
	else if (is_open)
		attempt(raise_event, &call);
	return emit_code(fcinfo, &call);
}

/* df.api_purge(acting, instance_id): code, deleted, message. */
Datum
df_api_purge(PG_FUNCTION_ARGS)
{
	ApiCall		call = begin(fcinfo, "df_purge", HTTP_OK);
	PgdfIdentity caller;

	call.instance_id = pgdf_api_string_arg(fcinfo, 1);
	if (is_allowed(&call, "df_purge"))
	{
		pgdf_enter(&caller);
		SPI_connect();
		purge(&call);
		SPI_finish();
		pgdf_leave(&caller);
	}
	return emit_deleted(fcinfo, &call);
}

/*
 * df.api_purge_list(acting, created_from, created_to, statuses): code, deleted,
 * message.  statuses NULL: every final one.
 */
Datum
df_api_purge_list(PG_FUNCTION_ARGS)
{
	ApiCall		call = begin(fcinfo, "df_purge_before", HTTP_OK);
	Datum		values[6] = {0};
	int			nstatuses = 0;
	PgdfIdentity caller;

	values[0] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	values[1] = PG_ARGISNULL(2) ? TimestampTzGetDatum(DT_NOEND) : PG_GETARG_DATUM(2);
	values[2] = pgdf_api_statuses_arg(fcinfo, 3, CHOOSE_FINAL, &nstatuses);
	values[3] = ObjectIdGetDatum(call.role);
	values[4] = BoolGetDatum(pgdf_is_admin(call.role));
	if (!is_allowed(&call, "df_purge_before"))
		return emit_deleted(fcinfo, &call);
	if (PG_ARGISNULL(1))
		refuse(&call, HTTP_BAD_REQUEST, "createdTimeFrom is required");
	else if (nstatuses == 0)
		refuse(&call, HTTP_BAD_REQUEST, "runtimeStatus names no final status");
	else
	{
		pgdf_enter(&caller);
		SPI_connect();
		purge_list(&call, values);
		SPI_finish();
		pgdf_leave(&caller);
	}
	return emit_deleted(fcinfo, &call);
}

/* ----------------------------------------------------------------- requests */

/* Every function begins with this: who asks, and what it answers when all goes well. */
static ApiCall
begin(FunctionCallInfo fcinfo, const char *function, HttpCode success)
{
	ApiCall		call = {.context = CurrentMemoryContext,.code = success};

	call.role = pgdf_api_role(fcinfo, function);
	PreventCommandIfReadOnly(function);
	InitMaterializedSRF(fcinfo, 0);
	return call;
}

/*
 * Carry out a request that writes; what is wrong with it undoes it, and leaves a
 * code and a message.  What is no fault of the request's is raised again.
 */
static void
attempt(ApiRequest request, ApiCall *call)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		PgdfIdentity caller;

		pgdf_enter(&caller);
		SPI_connect();
		request(call);
		SPI_finish();
		pgdf_leave(&caller);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;
		HttpCode	code;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		code = code_of_error(error);
		if (code == 0)
			ReThrowError(error);
		refuse(call, code, message_of_error(error));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = resource_owner;
}

/* 0: not the request's fault. */
static HttpCode
code_of_error(const ErrorData *error)
{
	for (size_t i = 0; i < lengthof(error_codes); i++)
	{
		if (error_codes[i].sqlstate == error->sqlerrcode)
			return error_codes[i].code;
	}
	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION)
		return HTTP_BAD_REQUEST;	/* 22: bad JSON, bad id, bad option */
	return (HttpCode) 0;
}

/* Where text is no JSON, the detail says what is wrong with it. */
static const char *
message_of_error(const ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_INVALID_TEXT_REPRESENTATION || error->detail == NULL)
		return error->message;
	return psprintf("%s: %s", error->message, error->detail);
}

static void
refuse(ApiCall *call, HttpCode code, const char *message)
{
	call->code = code;
	call->message = message == NULL ? NULL : pstrdup(message);
}

static bool
is_allowed(ApiCall *call, const char *function)
{
	if (pgdf_api_is_granted(call->role, function))
		return true;
	refuse(call, HTTP_FORBIDDEN, psprintf("permission denied for function %s", function));
	return false;
}

static bool
find(ApiCall *call, InstanceRef *ref)
{
	if (call->instance_id != NULL && pgdf_instance_find(call->instance_id, call->role, ref))
		return true;
	refuse(call, HTTP_NOT_FOUND, NULL);
	return false;
}

/* Looked at before the rest: its code is another one. */
static bool
is_small_enough(ApiCall *call, const char *field)
{
	if (call->payload == NULL ||
		VARSIZE_ANY_EXHDR(call->payload) <= (Size) pgdf_max_payload * 1024)
		return true;
	refuse(call, HTTP_TOO_LARGE, psprintf("%s is too large", field));
	return false;
}

static void
start(ApiCall *call)
{
	StartRequest request = {
		.name = call->name != NULL ? call->name : "",
		.input = call->payload,
		.instance_id = call->instance_id,
		.owner = call->role,
	};

	if (!is_small_enough(call, "input"))
		return;
	if (call->payload != NULL)
		pgdf_payload_check(call->payload, "input");
	if (call->options != NULL)
		read_start_options(call->options, &request);
	call->instance_id = MemoryContextStrdup(call->context, pgdf_instance_start(&request));
}

/* {"version", "queue", "priority", "start_at", "tags", "if_exists"}; all may be missing. */
static void
read_start_options(text *options, StartRequest *request)
{
	Datum		value = PointerGetDatum(options);
	char	   *if_exists;
	bool		isnull;

	(void) pgdf_spi_execute(&start_options_statement, &value, NULL);
	request->version = pgdf_spi_cstring(0, 1);
	request->queue = pgdf_spi_cstring(0, 2);
	value = pgdf_spi_datum(0, 3, &isnull);
	request->priority = isnull ? 0 : DatumGetInt32(value);
	value = pgdf_spi_datum(0, 4, &isnull);
	request->has_start_at = !isnull;
	request->start_at = isnull ? 0 : DatumGetTimestampTz(value);
	value = pgdf_spi_datum(0, 5, &isnull);
	request->tags = isnull ? NULL : DatumGetJsonbPCopy(value);
	if_exists = pgdf_spi_cstring(0, 6);
	if (if_exists == NULL || strcmp(if_exists, "error") == 0)
		request->if_exists = IF_EXISTS_ERROR;
	else if (strcmp(if_exists, "ignore") == 0)
		request->if_exists = IF_EXISTS_IGNORE;
	else if (strcmp(if_exists, "replace") == 0)
		request->if_exists = IF_EXISTS_REPLACE;
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for if_exists: \"%s\"", if_exists)));
}

/* Under the same id only what is final begins anew. */
static void
restart(ApiCall *call)
{
	InstanceStatus status;
	StartRequest request = {0};
	char	   *same_id = call->instance_id;

	if (same_id == NULL ||
		!pgdf_start_request_read(same_id, call->role, CurrentMemoryContext, &request, &status))
	{
		refuse(call, HTTP_NOT_FOUND, NULL);
		return;
	}
	if (!call->with_new_id && !pgdf_status_is_final(status))
	{
		refuse(call, HTTP_CONFLICT, psprintf("instance \"%s\" is not final", same_id));
		return;
	}
	request.instance_id = call->with_new_id ? NULL : same_id;
	call->instance_id = MemoryContextStrdup(call->context, pgdf_instance_start(&request));
}

/* ------------------------------------------------------------------ control */

static void
control(ApiCall *call, const ControlVerb *verb, const char *reason)
{
	InstanceRef ref;

	if (!find(call, &ref))
		return;
	if (verb->type == EVENT_EXECUTION_REWOUND)
		rewind_failed(call, &ref, reason);
	else if (!pgdf_instance_will_be_live(&ref))
		refuse(call, HTTP_GONE, NULL);
	else if (verb->type == EVENT_EXECUTION_TERMINATED)
		request_change(&ref, verb->type, reason);
	else
		change_suspension(call, &ref, verb, reason);
}

/* A request that is under way counts: asking again for it is accepted, and adds nothing. */
static void
change_suspension(ApiCall *call, const InstanceRef *ref, const ControlVerb *verb,
				  const char *reason)
{
	static const EventType types[] = {EVENT_EXECUTION_SUSPENDED, EVENT_EXECUTION_RESUMED};
	int			pending = last_pending(ref->instance_key, types, lengthof(types));
	bool		is_suspended = ref->status == STATUS_SUSPENDED;
	bool		wants_suspended = verb->type == EVENT_EXECUTION_SUSPENDED;

	if (pending == (int) verb->type)
		return;
	if (pending == NOTHING_PENDING && is_suspended == wants_suspended)
		refuse(call, HTTP_CONFLICT,
			   psprintf(is_suspended ? "instance \"%s\" is suspended" : "instance \"%s\" is not suspended",
						call->instance_id));
	else
		request_change(ref, verb->type, reason);
}

static void
rewind_failed(ApiCall *call, const InstanceRef *ref, const char *reason)
{
	static const EventType types[] = {EVENT_EXECUTION_REWOUND};

	if (ref->status != STATUS_FAILED && pgdf_status_is_final(ref->status))
		refuse(call, HTTP_GONE, NULL);
	else if (ref->status != STATUS_FAILED)
		refuse(call, HTTP_CONFLICT, psprintf("instance \"%s\" has not failed", call->instance_id));
	else if (last_pending(ref->instance_key, types, lengthof(types)) == NOTHING_PENDING)
		request_change(ref, EVENT_EXECUTION_REWOUND, reason);
}

/* The type of the last such request that waits for the engine, or NOTHING_PENDING. */
static int
last_pending(int64 instance_key, const EventType *types, int ntypes)
{
	Datum		numbers[2];
	Datum		values[2] = {Int64GetDatum(instance_key)};

	Assert(ntypes <= (int) lengthof(numbers));
	for (int i = 0; i < ntypes; i++)
		numbers[i] = Int16GetDatum((int16) types[i]);
	values[1] = PointerGetDatum(construct_array(numbers, ntypes, INT2OID, sizeof(int16), true,
												TYPALIGN_SHORT));
	if (pgdf_spi_execute_latest(&pending_statement, values, NULL) == 0)
		return NOTHING_PENDING;
	return pgdf_spi_int16(0, 1);
}

static void
request_change(const InstanceRef *ref, EventType type, const char *reason)
{
	pgdf_wake_workers();
	pgdf_inbox_insert(ref->instance_key, type, NULL, reason_payload(type, reason));
}

/* As df_terminate() and the others write it: see control.c. */
static text *
reason_payload(EventType type, const char *reason)
{
	bool		is_object = type == EVENT_EXECUTION_TERMINATED;
	StringInfoData buf;

	if (reason == NULL && !is_object)
		return NULL;
	initStringInfo(&buf);
	if (is_object)
		appendStringInfoString(&buf, "{\"reason\": ");
	if (reason == NULL)
		appendStringInfoString(&buf, "null");
	else
		escape_json(&buf, reason);
	if (is_object)
		appendStringInfoString(&buf, ", \"recursive\": true}");
	return cstring_to_text_with_len(buf.data, buf.len);
}

/* ------------------------------------------------------------ events, purge */

/* The instance was there, and live, a moment ago. */
static void
raise_event(ApiCall *call)
{
	InstanceRef ref;

	if (!is_small_enough(call, "event payload"))
		return;
	if (call->payload != NULL)
		pgdf_payload_check(call->payload, "event payload");
	pgdf_check_name(call->name, "event name", PGDF_NAME_MAX);
	if (call->event_id != NULL && strlen(call->event_id) > PGDF_EVENT_ID_MAX)
	{
		refuse(call, HTTP_BAD_REQUEST, "event ID is too long");
		return;
	}
	if (!find(call, &ref))
		return;
	if (!pgdf_instance_will_be_live(&ref))
		refuse(call, HTTP_GONE, NULL);
	else if (pgdf_event_note_id(ref.instance_key, call->event_id))
	{
		pgdf_wake_workers();
		pgdf_inbox_insert(ref.instance_key, EVENT_EVENT_RAISED, call->name, call->payload);
	}
}

/* A repeat is accepted, whatever has become of the instance. */
static bool
is_used_event_id(int64 instance_key, const char *event_id)
{
	Datum		values[2] = {Int64GetDatum(instance_key), (Datum) 0};

	if (event_id == NULL)
		return false;
	values[1] = CStringGetTextDatum(event_id);
	return pgdf_spi_execute_latest(&used_event_id_statement, values, NULL) > 0;
}

/* What was final may have been restarted before it could be locked. */
static void
purge(ApiCall *call)
{
	InstanceRef ref;

	while (find(call, &ref))
	{
		if (!pgdf_status_is_final(ref.status))
		{
			refuse(call, HTTP_CONFLICT, psprintf("instance \"%s\" is not final", call->instance_id));
			return;
		}
		call->deleted = pgdf_instance_purge(ref.instance_key);
		if (call->deleted > 0)
			return;
		if (IsolationUsesXactSnapshot())
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to concurrent update")));
		CHECK_FOR_INTERRUPTS();
	}
}

static void
purge_list(ApiCall *call, Datum *values)
{
	uint64		n;

	values[5] = Int64GetDatum(-1);
	do
	{
		SPITupleTable *rows;

		n = pgdf_spi_execute_latest(&purgeable_statement, values, NULL);
		rows = SPI_tuptable;
		for (uint64 row = 0; row < n; row++)
		{
			CHECK_FOR_INTERRUPTS();
			SPI_tuptable = rows;
			values[5] = Int64GetDatum(pgdf_spi_int64(row, 1));
			call->deleted += pgdf_instance_purge_of_set(DatumGetInt64(values[5]));
		}
		SPI_freetuptable(rows);
	} while (n == PURGE_BATCH);
	if (call->deleted == 0)
		refuse(call, HTTP_NOT_FOUND, NULL);
}

/* ------------------------------------------------------------------ answers */

/* code, instance_id, message */
static Datum
emit_id(FunctionCallInfo fcinfo, const ApiCall *call)
{
	bool		is_started = call->code == HTTP_ACCEPTED;
	Datum		values[3] = {Int32GetDatum((int32) call->code), (Datum) 0, (Datum) 0};
	bool		nulls[3] = {false, !is_started, call->message == NULL};

	if (is_started)
		values[1] = CStringGetTextDatum(call->instance_id);
	if (call->message != NULL)
		values[2] = CStringGetTextDatum(call->message);
	pgdf_api_emit(fcinfo, values, nulls);
	return (Datum) 0;
}

/* code, message */
static Datum
emit_code(FunctionCallInfo fcinfo, const ApiCall *call)
{
	Datum		values[2] = {Int32GetDatum((int32) call->code), (Datum) 0};
	bool		nulls[2] = {false, call->message == NULL};

	if (call->message != NULL)
		values[1] = CStringGetTextDatum(call->message);
	pgdf_api_emit(fcinfo, values, nulls);
	return (Datum) 0;
}

/* code, deleted, message */
static Datum
emit_deleted(FunctionCallInfo fcinfo, const ApiCall *call)
{
	Datum		values[3] = {
		Int32GetDatum((int32) call->code), Int64GetDatum(call->deleted), (Datum) 0
	};
	bool		nulls[3] = {false, call->code != HTTP_OK, call->message == NULL};

	if (call->message != NULL)
		values[2] = CStringGetTextDatum(call->message);
	pgdf_api_emit(fcinfo, values, nulls);
	return (Datum) 0;
}

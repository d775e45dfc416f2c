/*
 * registration.c
 *		df_register_orchestrator, df_register_activity, df_unregister: the only
 *		writers of df.registrations.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "call_http.h"
#include "compat.h"
#include "identity.h"
#include "payload.h"
#include "pgdf.h"
#include "registry.h"
#include "retry.h"
#include "spi.h"
#include "turn.h"

/* registration_seq of what CREATE EXTENSION registers: left out of dumps, not replaced by users. */
#define BUILT_IN_SEQ	0

/* A registration on its way into the table. */
typedef struct RegisterRequest
{
	Oid			registrar;
	const char *name;
	const char *version;		/* '' = none */
	RegistrationKind kind;
	Oid			function;		/* InvalidOid: none */
	const char *queue;
	text	   *retry;
	Interval   *timeout;
	text	   *settings;
} RegisterRequest;

static PgdfStatement find_name_stmt = {
	.sql = "SELECT registrar, kind, version, registration_seq, name FROM df.registrations"
	" WHERE name_key OPERATOR(pg_catalog.=) $1 ORDER BY registration_seq DESC",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static PgdfStatement register_stmt = {
	.sql = "INSERT INTO df.registrations (name_key, version, name, kind, function, function_owner,"
	" code_hash, search_path, queue, retry, timeout, settings, registrar, registered_at,"
	" registration_seq)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	" coalesce($15, pg_catalog.nextval('df.registration_seq')))"
	" ON CONFLICT (name_key, version) DO UPDATE SET"
	" name = EXCLUDED.name, kind = EXCLUDED.kind, function = EXCLUDED.function,"
	" function_owner = EXCLUDED.function_owner, code_hash = EXCLUDED.code_hash,"
	" search_path = EXCLUDED.search_path, queue = EXCLUDED.queue, retry = EXCLUDED.retry,"
	" timeout = EXCLUDED.timeout, settings = EXCLUDED.settings,"
	" registered_at = EXCLUDED.registered_at, registration_seq = EXCLUDED.registration_seq",
	.nargs = 15,
	.argtypes = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, REGROLEOID, TEXTOID, TEXTOID,
	TEXTOID, JSONOID, INTERVALOID, JSONOID, REGROLEOID, TIMESTAMPTZOID, INT8OID}
};

static PgdfStatement offered_stmt = {
	.sql = "SELECT FROM df.worker_sessions WHERE $1 OPERATOR(pg_catalog.=) ANY (activities) LIMIT 1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static PgdfStatement unregister_stmt = {
	.sql = "DELETE FROM df.registrations WHERE name_key OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

PG_FUNCTION_INFO_V1(df_register_orchestrator);
PG_FUNCTION_INFO_V1(df_register_orchestrator_regprocedure);
PG_FUNCTION_INFO_V1(df_register_activity);
PG_FUNCTION_INFO_V1(df_register_activity_regprocedure);
PG_FUNCTION_INFO_V1(df_unregister);

static void register_orchestrator(FunctionCallInfo fcinfo, const char *name, Oid function);
static void register_activity(FunctionCallInfo fcinfo, RegisterRequest *request);
static void register_request(const RegisterRequest *request);
static void write_registration(const RegisterRequest *request, Oid owner,
							   const char *signature, const char *search_path);
static void lock_registrations(void);
static Oid	check_name_owner(const RegisterRequest *request);
static void refuse_offered(const RegisterRequest *request, Datum key);
static Oid	name_owner(uint64 row);
static bool creating_pgdf(void);
static void refuse_built_in(const char *name, const char *action) pg_attribute_noreturn();
static const char *string_arg(FunctionCallInfo fcinfo, int arg);
static RegistrationKind kind_arg(FunctionCallInfo fcinfo, int arg);
static void check_timeout(const Interval *timeout);
static text *settings_arg(FunctionCallInfo fcinfo, int arg, RegistrationKind kind);
static Oid	find_function(const char *text_form);
static void check_function(Oid function, RegistrationKind kind, Oid registrar);
static void check_function_form(HeapTuple tuple, const char *signature);
static void check_function_arguments(HeapTuple tuple, const char *signature);
static void check_language(Oid language, const char *signature);
static char *registrar_search_path(void);
static void append_schema(StringInfo path, Oid schema);

/* df_register_orchestrator(name, function text, version): function NULL = name. */
Datum
df_register_orchestrator(PG_FUNCTION_ARGS)
{
	const char *name = string_arg(fcinfo, 0);
	const char *function = string_arg(fcinfo, 1);

	pgdf_check_name(name, "orchestrator name", PGDF_NAME_MAX);
	register_orchestrator(fcinfo, name, find_function(function != NULL ? function : name));
	PG_RETURN_VOID();
}

/* df_register_orchestrator(name, function regprocedure, version) */
Datum
df_register_orchestrator_regprocedure(PG_FUNCTION_ARGS)
{
	const char *name = string_arg(fcinfo, 0);

	pgdf_check_name(name, "orchestrator name", PGDF_NAME_MAX);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("function must not be null")));
	register_orchestrator(fcinfo, name, PG_GETARG_OID(1));
	PG_RETURN_VOID();
}

/*
 * df_register_activity(name, function text, queue, retry, timeout, kind,
 * settings): kind NULL = sql, then function NULL = name.
 */
Datum
df_register_activity(PG_FUNCTION_ARGS)
{
	RegisterRequest request = {.name = string_arg(fcinfo, 0)};
	const char *function = string_arg(fcinfo, 1);

	pgdf_check_name(request.name, "activity name", PGDF_NAME_MAX);
	request.kind = kind_arg(fcinfo, 5);
	if (request.kind == KIND_SQL)
		request.function = find_function(function != NULL ? function : request.name);
	else if (function != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an activity of kind \"%s\" has no function",
						pgdf_registration_kind_name(request.kind))));
	request.settings = settings_arg(fcinfo, 6, request.kind);
	register_activity(fcinfo, &request);
	PG_RETURN_VOID();
}

/* df_register_activity(name, function regprocedure, queue, retry, timeout) */
Datum
df_register_activity_regprocedure(PG_FUNCTION_ARGS)
{
	RegisterRequest request = {.name = string_arg(fcinfo, 0), .kind = KIND_SQL};

	pgdf_check_name(request.name, "activity name", PGDF_NAME_MAX);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("function must not be null")));
	request.function = PG_GETARG_OID(1);
	register_activity(fcinfo, &request);
	PG_RETURN_VOID();
}

/* df_unregister(name): forget all versions; false when there is none. */
Datum
df_unregister(PG_FUNCTION_ARGS)
{
	RegisterRequest request = {.name = string_arg(fcinfo, 0), .registrar = GetUserId()};
	PgdfIdentity caller;
	Datum		key;
	bool		is_known;

	pgdf_refuse_in_turn("df_unregister");
	PreventCommandIfReadOnly("df_unregister()");
	pgdf_check_name(request.name, "name", PGDF_NAME_MAX);
	pgdf_enter(&caller);
	SPI_connect();

	lock_registrations();
	key = CStringGetTextDatum(pgdf_name_key(request.name));
	is_known = pgdf_spi_execute_latest(&find_name_stmt, &key, NULL) > 0;
	if (is_known)
	{
		if (!pgdf_may_act_for(request.registrar, name_owner(0)))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("must be owner of name \"%s\"", pgdf_spi_cstring(0, 5))));
		for (uint64 row = 0; row < SPI_processed; row++)
		{
			if (pgdf_spi_int64(row, 4) == BUILT_IN_SEQ)
				refuse_built_in(pgdf_spi_cstring(row, 5), "unregister");
		}
		(void) pgdf_spi_execute(&unregister_stmt, &key, NULL);
		pgdf_registry_invalidate();
	}

	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_known);
}

static void
register_orchestrator(FunctionCallInfo fcinfo, const char *name, Oid function)
{
	RegisterRequest request = {
		.name = name,
		.version = string_arg(fcinfo, 2),
		.kind = KIND_ORCHESTRATOR,
		.function = function,
		.registrar = GetUserId(),
	};

	pgdf_refuse_in_turn("df_register_orchestrator");
	PreventCommandIfReadOnly("df_register_orchestrator()");
	if (request.version == NULL)
		request.version = "";
	else
		pgdf_check_name(request.version, "version", PGDF_NAME_MAX);
	register_request(&request);
}

/* The rest of what both forms have; name, kind, function and settings are filled. */
static void
register_activity(FunctionCallInfo fcinfo, RegisterRequest *request)
{
	pgdf_refuse_in_turn("df_register_activity");
	PreventCommandIfReadOnly("df_register_activity()");
	request->version = "";
	request->registrar = GetUserId();
	request->queue = string_arg(fcinfo, 2);
	if (request->queue != NULL)
		pgdf_check_name(request->queue, "queue name", PGDF_QUEUE_MAX);
	if (!PG_ARGISNULL(3))
	{
		request->retry = pgdf_payload_from_jsonb_checked(PG_GETARG_JSONB_P(3), "retry policy");
		pgdf_retry_check(request->retry);
	}
	if (!PG_ARGISNULL(4))
	{
		request->timeout = PG_GETARG_INTERVAL_P(4);
		check_timeout(request->timeout);
	}
	register_request(request);
}

/* Check what needs the registrar's own rights and settings, then write. */
static void
register_request(const RegisterRequest *request)
{
	char	   *signature = NULL;
	char	   *search_path = NULL;
	PgdfIdentity caller;

	if (OidIsValid(request->function))
	{
		check_function(request->function, request->kind, request->registrar);
		signature = format_procedure_qualified(request->function);
		search_path = registrar_search_path();
	}

	pgdf_enter(&caller);
	SPI_connect();
	lock_registrations();
	write_registration(request, check_name_owner(request), signature, search_path);
	SPI_finish();
	pgdf_leave(&caller);
}

static void
write_registration(const RegisterRequest *request, Oid owner,
				   const char *signature, const char *search_path)
{
	Datum		values[15] = {0};
	bool		nulls[15] = {false};
	bool		has_function = OidIsValid(request->function);

	values[0] = CStringGetTextDatum(pgdf_name_key(request->name));
	values[1] = CStringGetTextDatum(request->version);
	values[2] = CStringGetTextDatum(request->name);
	values[3] = CStringGetTextDatum(pgdf_registration_kind_name(request->kind));
	nulls[4] = nulls[5] = nulls[6] = nulls[7] = !has_function;
	if (has_function)
	{
		values[4] = CStringGetTextDatum(signature);
		values[5] = ObjectIdGetDatum(pgdf_function_owner(request->function));
		values[6] = CStringGetTextDatum(pgdf_registry_code_hash(request->function));
		values[7] = CStringGetTextDatum(search_path);
	}
	nulls[8] = request->queue == NULL;
	if (request->queue != NULL)
		values[8] = CStringGetTextDatum(request->queue);
	nulls[9] = request->retry == NULL;
	values[9] = PointerGetDatum(request->retry);
	nulls[10] = request->timeout == NULL;
	values[10] = IntervalPGetDatum(request->timeout);
	nulls[11] = request->settings == NULL;
	values[11] = PointerGetDatum(request->settings);
	values[12] = ObjectIdGetDatum(owner);
	values[13] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[14] = !creating_pgdf();
	values[14] = Int64GetDatum(BUILT_IN_SEQ);

	(void) pgdf_spi_execute(&register_stmt, values, nulls);
	pgdf_registry_invalidate();
}

/* One writer at a time: a name's owner is a property of all of its versions. */
static void
lock_registrations(void)
{
	LockRelationOid(get_relname_relid("registrations", get_namespace_oid("df", false)),
					ShareRowExclusiveLock);
}

/*
 * Who will own the name: whoever owns it now, else the registrar.  Errors: 42501
 * when it is somebody else's, 42710 when the name is in use for something else.
 */
static Oid
check_name_owner(const RegisterRequest *request)
{
	Datum		key = CStringGetTextDatum(pgdf_name_key(request->name));
	uint64		count = pgdf_spi_execute_latest(&find_name_stmt, &key, NULL);
	RegistrationKind kind;
	Oid			owner;

	if (pg_strcasecmp(request->name, PGDF_HTTP_ACTIVITY) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("name \"%s\" is reserved", request->name),
				 errhint("Register activities that make HTTP requests under names of their own, with kind \"http\".")));
	if (count == 0)
	{
		refuse_offered(request, key);
		return request->registrar;
	}

	owner = name_owner(0);
	if (!pgdf_may_act_for(request->registrar, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of name \"%s\"", pgdf_spi_cstring(0, 5)),
				 errdetail("It belongs to role \"%s\".", GetUserNameFromId(owner, true))));

	if (!pgdf_registration_kind_parse(pgdf_spi_cstring(0, 2), &kind))
		elog(ERROR, "unexpected kind of registration \"%s\"", pgdf_spi_cstring(0, 2));
	if ((kind == KIND_ORCHESTRATOR) != (request->kind == KIND_ORCHESTRATOR))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("name \"%s\" is registered as an %s", pgdf_spi_cstring(0, 5),
						kind == KIND_ORCHESTRATOR ? "orchestrator" : "activity"),
				 errhint("Use another name, or call df_unregister() first.")));

	for (uint64 row = 0; row < count; row++)
	{
		if (pgdf_spi_int64(row, 4) == BUILT_IN_SEQ && !creating_pgdf() &&
			strcmp(pgdf_spi_cstring(row, 3), request->version) == 0)
			refuse_built_in(pgdf_spi_cstring(row, 5), "replace");
	}
	return owner;
}

/*
 * A name that workers offer without a registration is in use already: a function
 * of that name would be run by those who count on the worker, with their rights.
 */
static void
refuse_offered(const RegisterRequest *request, Datum key)
{
	if (request->kind == KIND_WORKER || request->kind == KIND_ORCHESTRATOR ||
		pgdf_is_admin(request->registrar) ||
		pgdf_spi_execute_latest(&offered_stmt, &key, NULL) == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("activity \"%s\" is offered by a worker", request->name),
			 errhint("Only an administrator can register a function by that name.")));
}

/* Column registrar of a row of find_name_stmt. */
static Oid
name_owner(uint64 row)
{
	bool		isnull;

	return DatumGetObjectId(pgdf_spi_datum(row, 1, &isnull));
}

/* Does CREATE or ALTER EXTENSION pgdf run its script? */
static bool
creating_pgdf(void)
{
	return creating_extension && CurrentExtensionObject == get_extension_oid("pgdf", true);
}

static void
refuse_built_in(const char *name, const char *action)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("cannot %s \"%s\", which is part of the extension", action, name),
			 errhint("Register your own under another name, or with a version.")));
	pg_unreachable();
}

/* ---------------------------------------------------------------- arguments */

static const char *
string_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static RegistrationKind
kind_arg(FunctionCallInfo fcinfo, int arg)
{
	const char *word = string_arg(fcinfo, arg);
	RegistrationKind kind;

	if (word == NULL)
		return KIND_SQL;
	if (!pgdf_registration_kind_parse(word, &kind) || kind == KIND_ORCHESTRATOR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid kind of activity \"%s\"", word),
				 errhint("Kinds are \"sql\", \"worker\" and \"http\".")));
	return kind;
}

static void
check_timeout(const Interval *timeout)
{
	double		seconds = ((double) timeout->month * DAYS_PER_MONTH + timeout->day) * SECS_PER_DAY +
		(double) timeout->time / USECS_PER_SEC;

	if (seconds <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout must be greater than zero")));
}

static text *
settings_arg(FunctionCallInfo fcinfo, int arg, RegistrationKind kind)
{
	if (PG_ARGISNULL(arg))
	{
		if (kind == KIND_HTTP)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an activity of kind \"http\" needs settings"),
					 errhint("Say where to: {\"url\": \"https://...\"}.")));
		return NULL;
	}
	if (kind == KIND_SQL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an activity of kind \"sql\" has no settings")));
	if (!JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(arg)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("settings must be a JSON object")));
	if (kind == KIND_HTTP)
		pgdf_http_check_settings(PG_GETARG_JSONB_P(arg));
	return pgdf_payload_from_jsonb_checked(PG_GETARG_JSONB_P(arg), "settings");
}

/* ---------------------------------------------------------------- functions */

/* "f" or "f(jsonb)", with the caller's search_path and his rights on schemas. */
static Oid
find_function(const char *text_form)
{
	Oid			function = InvalidOid;

	if (strchr(text_form, '(') != NULL)
		function = DatumGetObjectId(DirectFunctionCall1(regprocedurein,
														CStringGetDatum(text_form)));
	/* these two take numbers and "-" as well: for them, not names */
	else if (text_form[strspn(text_form, "0123456789")] != '\0' && strcmp(text_form, "-") != 0)
		function = DatumGetObjectId(DirectFunctionCall1(regprocin, CStringGetDatum(text_form)));
	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function \"%s\" does not exist", text_form)));
	return function;
}

static void
check_function(Oid function, RegistrationKind kind, Oid registrar)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	char	   *signature;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	form = (Form_pg_proc) GETSTRUCT(tuple);
	signature = format_procedure(function);

	if (!is_member_of_role(registrar, form->proowner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of function %s", signature)));
	check_function_arguments(tuple, signature);
	ReleaseSysCache(tuple);
	pgdf_registration_check_form(function, kind);
}

/* Asked again when it is run: another function may have taken its name and arguments. */
void
pgdf_registration_check_form(Oid function, RegistrationKind kind)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	char	   *signature;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	signature = format_procedure(function);
	check_function_form(tuple, signature);
	if (kind == KIND_ORCHESTRATOR)
		check_language(((Form_pg_proc) GETSTRUCT(tuple))->prolang, signature);
	ReleaseSysCache(tuple);
}

static void
check_function_form(HeapTuple tuple, const char *signature)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);

	if (form->prokind != PROKIND_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be registered", signature),
				 errdetail("It is not a plain function.")));
	if (form->provolatile != PROVOLATILE_VOLATILE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s cannot be registered", signature),
				 errdetail("It is not volatile."),
				 errhint("Use ALTER FUNCTION ... VOLATILE.")));
	if (form->proretset)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s cannot be registered", signature),
				 errdetail("It returns a set."),
				 errhint("Return an array, or a jsonb array.")));
	if (get_typtype(form->prorettype) == TYPTYPE_PSEUDO &&
		form->prorettype != VOIDOID && form->prorettype != RECORDOID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s cannot be registered", signature),
				 errdetail("It returns type %s.", format_type_be(form->prorettype))));
	if (isAnyTempNamespace(form->pronamespace))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s cannot be registered", signature),
				 errdetail("It is temporary.")));
}

/* None; one of any type; several with names, for they are filled from a JSON object. */
static void
check_function_arguments(HeapTuple tuple, const char *signature)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(tuple);
	Datum		arg_names;
	Datum		arg_modes;
	bool		isnull;
	char	  **names = NULL;
	int			nnames = 0;

	arg_names = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &isnull);
	if (!isnull)
	{
		arg_modes = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes, &isnull);
		nnames = get_func_input_arg_names(arg_names, isnull ? PointerGetDatum(NULL) : arg_modes,
										  &names);
	}

	for (int i = 0; i < form->pronargs; i++)
	{
		Oid			type = form->proargtypes.values[i];

		if (get_typtype(type) == TYPTYPE_PSEUDO)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("function %s cannot be registered", signature),
					 errdetail("It has an argument of type %s.", format_type_be(type))));
		if (form->pronargs > 1 && (i >= nnames || names[i] == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("function %s cannot be registered", signature),
					 errdetail("Argument %d has no name.", i + 1),
					 errhint("Several arguments are filled by name from a JSON object.")));
	}
}

static void
check_language(Oid language, const char *signature)
{
	char	   *name = get_language_name(language, false);
	List	   *allowed;
	ListCell   *lc;

	if (!SplitIdentifierString(pstrdup(pgdf_orchestrator_languages), ',', &allowed))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid list syntax in parameter \"%s\"", "pgdf.orchestrator_languages")));
	foreach(lc, allowed)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("function %s cannot be registered as an orchestrator", signature),
			 errdetail("Orchestrators may be written in: %s.", pgdf_orchestrator_languages),
			 errhint("An administrator can add \"%s\" to pgdf.orchestrator_languages.", name)));
}

/* -------------------------------------------------------------- search_path */

/*
 * What the function will run with: the registrar's schemas without temporary
 * ones, the extension's schema for the df_ functions, pg_temp last so that a
 * temporary object hides nothing.
 */
static char *
registrar_search_path(void)
{
	List	   *schemas = fetch_search_path(false);
	Oid			extension_schema = pgdf_extension_schema();
	StringInfoData path;
	ListCell   *lc;

	initStringInfo(&path);
	foreach(lc, schemas)
	{
		if (!isAnyTempNamespace(lfirst_oid(lc)))
			append_schema(&path, lfirst_oid(lc));
	}
	if (!list_member_oid(schemas, extension_schema))
		append_schema(&path, extension_schema);
	appendStringInfoString(&path, ", pg_temp");
	list_free(schemas);
	return path.data;
}

static void
append_schema(StringInfo path, Oid schema)
{
	char	   *name = get_namespace_name(schema);

	if (name == NULL)
		return;
	if (path->len > 0)
		appendStringInfoString(path, ", ");
	appendStringInfoString(path, quote_identifier(name));
}

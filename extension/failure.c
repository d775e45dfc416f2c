/*
 * failure.c
 *		failureDetails: making them of errors, writing and reading them as JSON.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "compat.h"
#include "failure.h"
#include "payload.h"

#define DEFAULT_ERROR_TYPE	"Error"

/* What is kept of a message, a detail, a stack trace, in bytes. */
#define TEXT_MAX			(16 * 1024)

/* What df_fail() has said last, in a context of its own. */
static MemoryContext noted_context = NULL;
static Failure noted;

static bool is_noted(const ErrorData *edata);
static text *error_properties(const ErrorData *edata);
static void append_string(StringInfo buf, const char *key, const char *value);
static void append_json(StringInfo buf, const char *key, text *value);
static char *get_string(Jsonb *object, const char *key);
static text *get_object(Jsonb *object, const char *key);
static JsonbValue *get_value(Jsonb *object, const char *key, JsonbValue *value);

text *
pgdf_failure_to_json(const Failure *failure)
{
	StringInfoData buf;
	text	   *json;

	initStringInfo(&buf);
	append_string(&buf, "{\"errorType\"", failure->error_type);
	append_string(&buf, ", \"errorMessage\"", failure->message);
	append_string(&buf, ", \"stackTrace\"", failure->stack_trace);
	append_json(&buf, ", \"innerFailure\"", failure->inner);
	appendStringInfo(&buf, ", \"isNonRetriable\": %s",
					 failure->is_non_retriable ? "true" : "false");
	append_json(&buf, ", \"properties\"", failure->properties);
	appendStringInfoChar(&buf, '}');

	json = cstring_to_text_with_len(buf.data, buf.len);
	pfree(buf.data);
	return json;
}

void
pgdf_failure_from_json(text *json, Failure *failure)
{
	const char *reason;
	Jsonb	   *object;
	JsonbValue	value;

	memset(failure, 0, sizeof(*failure));
	failure->error_type = DEFAULT_ERROR_TYPE;
	failure->message = "";
	if (json == NULL || !pgdf_payload_is_valid(json, &reason))
		return;
	object = pgdf_payload_to_jsonb(json);
	if (!JB_ROOT_IS_OBJECT(object))
		return;

	failure->error_type = get_string(object, "errorType");
	if (failure->error_type == NULL)
		failure->error_type = DEFAULT_ERROR_TYPE;
	failure->message = get_string(object, "errorMessage");
	if (failure->message == NULL)
		failure->message = failure->error_type;
	failure->stack_trace = get_string(object, "stackTrace");
	failure->inner = get_object(object, "innerFailure");
	failure->properties = get_object(object, "properties");
	failure->is_non_retriable = get_value(object, "isNonRetriable", &value) != NULL &&
		value.type == jbvBool && value.val.boolean;
}

text *
pgdf_failure_from_error(const ErrorData *edata, text *inner)
{
	Failure		failure = {0};
	text	   *json;
	const char *reason;

	if (inner != NULL)
		pgdf_failure_from_json(inner, &failure);
	failure.message = edata->message != NULL ? pgdf_clip(edata->message) : "";
	failure.stack_trace = edata->context != NULL ? pgdf_clip(edata->context) : NULL;
	failure.inner = inner;
	if (inner != NULL)
		failure.properties = error_properties(edata);
	else if (is_noted(edata))
	{
		failure.error_type = noted.error_type;
		failure.is_non_retriable = noted.is_non_retriable;
		failure.properties = noted.properties;
	}
	else
	{
		failure.error_type = pstrdup(unpack_sql_state(edata->sqlerrcode));
		failure.properties = error_properties(edata);
	}

	/* whoever reads it parses it: better less than nothing */
	json = pgdf_failure_to_json(&failure);
	if (!pgdf_payload_is_valid(json, &reason))
	{
		failure.inner = failure.properties = NULL;
		json = pgdf_failure_to_json(&failure);
	}
	return json;
}

const char *
pgdf_clip(const char *string)
{
	size_t		length = strlen(string);

	if (length <= TEXT_MAX)
		return string;
	return psprintf("%.*s ...", pg_mbcliplen(string, TEXT_MAX + 1, TEXT_MAX), string);
}

void
pgdf_error_clip(ErrorData *edata)
{
	char	  **parts[] = {&edata->message, &edata->detail, &edata->detail_log, &edata->hint,
		&edata->context, &edata->internalquery};

	for (int i = 0; i < lengthof(parts); i++)
	{
		if (*parts[i] != NULL)
			*parts[i] = unconstify(char *, pgdf_clip(*parts[i]));
	}
}

/*
 * 55000 is misuse (a function called where it may not be), 55P02 a setting that
 * cannot be changed: another try will not help.
 */
bool
pgdf_error_is_transient(const ErrorData *edata)
{
	if (edata->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		edata->sqlerrcode == ERRCODE_CANT_CHANGE_RUNTIME_PARAM)
		return false;

	switch (ERRCODE_TO_CATEGORY(edata->sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:	/* 08 */
		case ERRCODE_TRANSACTION_ROLLBACK:	/* 40 */
		case ERRCODE_INSUFFICIENT_RESOURCES:	/* 53 */
		case MAKE_SQLSTATE('5', '5', '0', '0', '0'):
		case ERRCODE_OPERATOR_INTERVENTION: /* 57 */
		case ERRCODE_SYSTEM_ERROR:	/* 58 */
		case ERRCODE_INTERNAL_ERROR:	/* XX */
			return true;
		default:
			return false;
	}
}

/* A boolean is "true" or "false". */
bool
pgdf_error_type_is_transient(const char *error_type)
{
	ErrorData	edata = {0};

	if (strlen(error_type) != 5 || strspn(error_type, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		return false;
	edata.sqlerrcode = MAKE_SQLSTATE(error_type[0], error_type[1], error_type[2],
									 error_type[3], error_type[4]);
	return pgdf_error_is_transient(&edata);
}

char *
pgdf_json_get_string(text *json, const char *key)
{
	const char *reason;
	Jsonb	   *object;
	JsonbValue	value;

	if (json == NULL || !pgdf_payload_is_valid(json, &reason))
		return NULL;
	object = pgdf_payload_to_jsonb(json);
	if (!JB_ROOT_IS_OBJECT(object))
		return NULL;
	if (get_value(object, key, &value) != NULL && value.type == jbvBool)
		return pstrdup(value.val.boolean ? "true" : "false");
	return get_string(object, key);
}

bool
pgdf_json_is_false(text *json, const char *key)
{
	Jsonb	   *object = pgdf_payload_to_jsonb(json);
	JsonbValue	value;

	return JB_ROOT_IS_OBJECT(object) && get_value(object, key, &value) != NULL &&
		value.type == jbvBool && !value.val.boolean;
}

void
pgdf_failure_note_raised(const char *error_type, const char *message,
						 bool is_non_retriable, text *properties)
{
	MemoryContext caller;

	if (noted_context == NULL)
		noted_context = AllocSetContextCreate(TopMemoryContext, "pgdf raised failure",
											  ALLOCSET_SMALL_SIZES);
	memset(&noted, 0, sizeof(noted));
	MemoryContextReset(noted_context);

	caller = MemoryContextSwitchTo(noted_context);
	noted.is_non_retriable = is_non_retriable;
	noted.message = pstrdup(message);
	if (properties != NULL)
		noted.properties = (text *) PG_DETOAST_DATUM_COPY(PointerGetDatum(properties));
	noted.error_type = pstrdup(error_type);
	MemoryContextSwitchTo(caller);
}

void
pgdf_failure_forget_raised(void)
{
	memset(&noted, 0, sizeof(noted));
}

/* Is it the error that df_fail() has raised, perhaps caught and raised again? */
static bool
is_noted(const ErrorData *edata)
{
	return noted.error_type != NULL &&
		edata->sqlerrcode == ERRCODE_RAISE_EXCEPTION &&
		edata->message != NULL &&
		strcmp(edata->message, noted.message) == 0;
}

/* What else a user would like to know of an SQL error, as JSON object. */
static text *
error_properties(const ErrorData *edata)
{
	const struct
	{
		const char *key;
		const char *value;
	}			parts[] = {
		{"detail", edata->detail},
		{"hint", edata->hint},
		{"schema_name", edata->schema_name},
		{"table_name", edata->table_name},
		{"column_name", edata->column_name},
		{"datatype_name", edata->datatype_name},
		{"constraint_name", edata->constraint_name},
	};
	StringInfoData buf;

	initStringInfo(&buf);
	append_string(&buf, "{\"sqlstate\"", unpack_sql_state(edata->sqlerrcode));
	for (size_t i = 0; i < lengthof(parts); i++)
	{
		if (parts[i].value == NULL)
			continue;
		appendStringInfo(&buf, ", \"%s\": ", parts[i].key);
		escape_json(&buf, pgdf_clip(parts[i].value));
	}
	appendStringInfoChar(&buf, '}');
	return cstring_to_text_with_len(buf.data, buf.len);
}

/* key comes with its quotes and whatever stands before it. */
static void
append_string(StringInfo buf, const char *key, const char *value)
{
	appendStringInfo(buf, "%s: ", key);
	pgdf_append_string(buf, value);
}

static void
append_json(StringInfo buf, const char *key, text *value)
{
	appendStringInfo(buf, "%s: ", key);
	pgdf_append_json(buf, value);
}

static char *
get_string(Jsonb *object, const char *key)
{
	JsonbValue	value;

	if (get_value(object, key, &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static text *
get_object(Jsonb *object, const char *key)
{
	JsonbValue	value;

	if (get_value(object, key, &value) == NULL || value.type != jbvBinary ||
		!JsonContainerIsObject(value.val.binary.data))
		return NULL;
	return pgdf_payload_from_jsonb(JsonbValueToJsonb(&value));
}

static JsonbValue *
get_value(Jsonb *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), value);
}

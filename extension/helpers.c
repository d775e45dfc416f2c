/*
 * helpers.c
 *		Functions that are useful anywhere: df_text, df_retry, df_fail.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "failure.h"
#include "payload.h"
#include "retry.h"

#define DEFAULT_ERROR_TYPE	"Failure"

PG_FUNCTION_INFO_V1(df_text);
PG_FUNCTION_INFO_V1(df_retry);
PG_FUNCTION_INFO_V1(df_fail);

static void append_number(StringInfo buf, const char *key, FunctionCallInfo fcinfo, int arg);
static void append_seconds(StringInfo buf, const char *key, FunctionCallInfo fcinfo, int arg);
static void append_list(StringInfo buf, const char *key, FunctionCallInfo fcinfo, int arg);
static void append_double(StringInfo buf, double value);
static double interval_seconds(const Interval *interval);

/* The text of a JSON string, SQL NULL of JSON null, the JSON text of anything else. */
Datum
df_text(PG_FUNCTION_ARGS)
{
	Jsonb	   *jsonb = PG_GETARG_JSONB_P(0);
	JsonbValue	scalar;

	if (JsonbExtractScalar(&jsonb->root, &scalar))
	{
		if (scalar.type == jbvNull)
			PG_RETURN_NULL();
		if (scalar.type == jbvString)
			PG_RETURN_TEXT_P(cstring_to_text_with_len(scalar.val.string.val,
													  scalar.val.string.len));
	}
	PG_RETURN_TEXT_P(pgdf_payload_from_jsonb(jsonb));
}

/*
 * df_retry(max_attempts, first_delay, backoff, max_delay, retry_timeout,
 * jitter, retry_on, no_retry_on): a retry policy, see retry.h.
 */
Datum
df_retry(PG_FUNCTION_ARGS)
{
	StringInfoData buf;
	text	   *json;

	initStringInfo(&buf);
	appendStringInfoChar(&buf, '{');
	if (PG_ARGISNULL(0))
		appendStringInfoString(&buf, "\"max_attempts\": null");
	else
		appendStringInfo(&buf, "\"max_attempts\": %d", PG_GETARG_INT32(0));
	append_seconds(&buf, "first_delay", fcinfo, 1);
	append_number(&buf, "backoff", fcinfo, 2);
	append_seconds(&buf, "max_delay", fcinfo, 3);
	append_seconds(&buf, "retry_timeout", fcinfo, 4);
	append_number(&buf, "jitter", fcinfo, 5);
	append_list(&buf, "retry_on", fcinfo, 6);
	append_list(&buf, "no_retry_on", fcinfo, 7);
	appendStringInfoChar(&buf, '}');

	json = cstring_to_text_with_len(buf.data, buf.len);
	pgdf_retry_check(json);
	PG_RETURN_JSONB_P(pgdf_payload_to_jsonb(json));
}

/*
 * df_fail(error_type, message, retriable, properties): raise a failure with an
 * error type of one's own.  Declared to return jsonb so that it can stand where
 * a result is expected.
 */
Datum
df_fail(PG_FUNCTION_ARGS)
{
	const char *error_type = DEFAULT_ERROR_TYPE;
	const char *message;
	bool		is_retriable = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	text	   *properties = NULL;

	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) > 0)
		error_type = text_to_cstring(PG_GETARG_TEXT_PP(0));
	message = PG_ARGISNULL(1) ? error_type : text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!PG_ARGISNULL(3))
	{
		Jsonb	   *object = PG_GETARG_JSONB_P(3);

		if (!JB_ROOT_IS_OBJECT(object))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("properties of a failure must be a JSON object")));
		properties = pgdf_payload_from_jsonb_checked(object, "properties");
	}

	pgdf_failure_note_raised(error_type, message, !is_retriable, properties);
	ereport(ERROR,
			(errcode(ERRCODE_RAISE_EXCEPTION),
			 errmsg_internal("%s", message)));
	PG_RETURN_NULL();
}

static void
append_number(StringInfo buf, const char *key, FunctionCallInfo fcinfo, int arg)
{
	appendStringInfo(buf, ", \"%s\": ", key);
	if (PG_ARGISNULL(arg))
		appendStringInfoString(buf, "null");
	else
		append_double(buf, PG_GETARG_FLOAT8(arg));
}

static void
append_seconds(StringInfo buf, const char *key, FunctionCallInfo fcinfo, int arg)
{
	appendStringInfo(buf, ", \"%s\": ", key);
	if (PG_ARGISNULL(arg))
		appendStringInfoString(buf, "null");
	else
		append_double(buf, interval_seconds(PG_GETARG_INTERVAL_P(arg)));
}

static void
append_list(StringInfo buf, const char *key, FunctionCallInfo fcinfo, int arg)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	appendStringInfo(buf, ", \"%s\": ", key);
	if (PG_ARGISNULL(arg))
	{
		appendStringInfoString(buf, "null");
		return;
	}

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	appendStringInfoChar(buf, '[');
	for (int i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoString(buf, ", ");
		if (nulls[i])
			appendStringInfoString(buf, "null");
		else
			escape_json(buf, TextDatumGetCString(elements[i]));
	}
	appendStringInfoChar(buf, ']');
}

/* JSON has no word for NaN and infinities: as strings they are refused later. */
static void
append_double(StringInfo buf, double value)
{
	char	   *digits = double_to_shortest_decimal(value);

	appendStringInfo(buf, isfinite(value) ? "%s" : "\"%s\"", digits);
}

static double
interval_seconds(const Interval *interval)
{
	return (double) interval->month * DAYS_PER_MONTH * SECS_PER_DAY +
		(double) interval->day * SECS_PER_DAY +
		(double) interval->time / USECS_PER_SEC;
}

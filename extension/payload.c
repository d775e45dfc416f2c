/*
 * payload.c
 *		Inputs, results and other JSON payloads.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "payload.h"
#include "pgdf.h"

#define PGDF_JSON_DEPTH_MAX 128

static bool too_deep(const char *json, int length);
static bool has_nul_escape(const char *json, int length);
static void check_size(size_t length, const char *field);

text *
pgdf_payload_from_jsonb(Jsonb *value)
{
	StringInfoData buf;
	text	   *payload;

	if (value == NULL)
		return cstring_to_text("null");
	initStringInfo(&buf);
	(void) JsonbToCString(&buf, &value->root, VARSIZE(value));
	payload = cstring_to_text_with_len(buf.data, buf.len);
	pfree(buf.data);
	return payload;
}

text *
pgdf_payload_from_jsonb_checked(Jsonb *value, const char *field)
{
	text	   *payload = pgdf_payload_from_jsonb(value);

	check_size(VARSIZE_ANY_EXHDR(payload), field);
	if (too_deep(VARDATA_ANY(payload), VARSIZE_ANY_EXHDR(payload)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is nested too deeply", field),
				 errdetail("The limit is %d levels.", PGDF_JSON_DEPTH_MAX)));
	return payload;
}

Jsonb *
pgdf_payload_to_jsonb(text *payload)
{
	char	   *json;
	Datum		value;

	if (payload == NULL)
		return pgdf_payload_null();
	json = text_to_cstring(payload);
	value = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	pfree(json);
	return DatumGetJsonbP(value);
}

void
pgdf_payload_check(text *payload, const char *field)
{
	const char *json = VARDATA_ANY(payload);
	int			length = VARSIZE_ANY_EXHDR(payload);

	check_size(length, field);
	if (too_deep(json, length))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is nested too deeply", field),
				 errdetail("The limit is %d levels.", PGDF_JSON_DEPTH_MAX)));
	if (has_nul_escape(json, length))
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg("%s contains \\u0000, which cannot be stored", field)));
	(void) pgdf_payload_to_jsonb(payload);	/* raises 22P02 with the place */
}

bool
pgdf_payload_is_valid(text *payload, const char **reason)
{
	MemoryContext caller = CurrentMemoryContext;
	const char *json = VARDATA_ANY(payload);
	int			length = VARSIZE_ANY_EXHDR(payload);
	volatile bool ok = true;

	if ((Size) length > (Size) pgdf_max_payload * 1024)
	{
		*reason = "it is larger than pgdf.max_payload";
		return false;
	}
	if (too_deep(json, length))
	{
		*reason = "it is nested too deeply";
		return false;
	}
	if (has_nul_escape(json, length))
	{
		*reason = "it contains \\u0000";
		return false;
	}

	/* the parser allocates but takes no resources: catching without a subtransaction is safe */
	PG_TRY();
	{
		pfree(pgdf_payload_to_jsonb(payload));
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
		*reason = "it is not valid JSON";
		ok = false;
	}
	PG_END_TRY();
	return ok;
}

int64
pgdf_payload_hash(Jsonb *value)
{
	return DatumGetInt64(DirectFunctionCall2(jsonb_hash_extended,
											 JsonbPGetDatum(value), Int64GetDatum(0)));
}

Jsonb *
pgdf_payload_null(void)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("null")));
}

/* Brackets outside of strings; the parser would need stack for them before it can refuse. */
static bool
too_deep(const char *json, int length)
{
	int			depth = 0;
	bool		in_string = false;

	for (int i = 0; i < length; i++)
	{
		char		c = json[i];

		if (in_string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		}
		else if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
		{
			if (++depth > PGDF_JSON_DEPTH_MAX)
				return true;
		}
		else if (c == '}' || c == ']')
			depth--;
	}
	return false;
}

static bool
has_nul_escape(const char *json, int length)
{
	for (int i = 0; i + 5 < length; i++)
	{
		if (json[i] != '\\')
			continue;
		if (strncmp(json + i + 1, "u0000", 5) == 0)
			return true;
		i++;					/* an escaped backslash does not begin an escape */
	}
	return false;
}

static void
check_size(size_t length, const char *field)
{
	if (length > (size_t) pgdf_max_payload * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s is too large", field),
				 errdetail("It has %zu bytes, the limit is %d kB.", length, pgdf_max_payload),
				 errhint("Pass a reference to the data, or raise pgdf.max_payload.")));
}

void
pgdf_append_string(StringInfo buf, const char *value)
{
	if (value == NULL)
		appendStringInfoString(buf, "null");
	else
		escape_json(buf, value);
}

void
pgdf_append_json(StringInfo buf, const text *value)
{
	if (value == NULL)
		appendStringInfoString(buf, "null");
	else
		appendBinaryStringInfo(buf, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

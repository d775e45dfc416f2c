/*
 * http_status.c
 *		Instances as the HTTP API shows them: df.api_status, _list, _watch.
 *
 * The answer is JSON text, made here, in the order of keys that clients of
 * Durable Functions expect.  Stored JSON goes into it as it is, byte for byte.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "http_api.h"
#include "identity.h"
#include "instance.h"
#include "pgdf.h"
#include "spi.h"
#include "turn.h"

/* What a list may ask for. */
#define TOP_DEFAULT		100
#define TOP_MAX			1000

/* Instances whose payloads are in memory at one time while a list is made. */
#define LIST_BYTES_MAX	(256 * 1024 * 1024)

/* Columns of SHOWN, below. */
enum
{
	COL_KEY = 1, COL_ID, COL_NAME, COL_STATUS, COL_INPUT, COL_CUSTOM_STATUS, COL_OUTPUT,
	COL_CREATED, COL_UPDATED, COL_COMPLETED, COL_START, COL_FAILURE, COL_PARENT, COL_TAGS,
	COL_VERSION, COL_TOTAL, COL_DONE, COL_RUN
};

/* $1: whether the input is wanted. */
#define SHOWN \
	"s.instance_key, s.instance_id, s.name, s.status, CASE WHEN $1 THEN s.input END," \
	" s.custom_status, CASE s.status WHEN 3 THEN s.failure -> 'errorMessage' ELSE s.output END," \
	" s.created_at, s.last_updated_at, s.completed_at, s.scheduled_start_at, s.failure," \
	" (SELECT p.instance_id FROM df.instance_state p WHERE p.instance_key = s.parent_instance_key)," \
	" s.tags::text, nullif(s.version, ''), s.tasks_total, s.tasks_completed, s.run_id::text"

/* What a list leaves out: NULL, and false of $9, choose nothing. */
#define CHOSEN \
	"s.created_at >= $2 AND s.created_at <= $3 AND s.status = ANY ($4)" \
	" AND ($5 IS NULL OR lower(s.name) = lower($5))" \
	" AND ($6 IS NULL OR s.tags ->> $6 = $7)" \
	" AND ($9 OR pg_has_role($8, s.owner, 'MEMBER'))"
#define LIST_NARGS		13
#define LIST_ARGTYPES \
	BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT2ARRAYOID, TEXTOID, TEXTOID, TEXTOID, OIDOID, BOOLOID, \
	INT4OID

/*
 * A page of $10 at most: a walk along an index, from where the page before ended,
 * which looks at LOOKED_AT entries and no more, however few of them are chosen.
 * If there are fewer and it has come so far, a last row without an id says where
 * the next page goes on.
 */
#define LOOKED_AT		"50000"
#define PAGE(walk, places) \
	"WITH page (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18)" \
	" AS MATERIALIZED (" \
	" SELECT " SHOWN " FROM (SELECT * FROM df.instance_state WHERE " walk \
	"                         ORDER BY " places " LIMIT " LOOKED_AT ") s" \
	" WHERE " CHOSEN " LIMIT $10)," \
	" end_of_walk AS (" \
	" SELECT instance_key, instance_id, created_at FROM df.instance_state" \
	"  WHERE (SELECT count(*) FROM page) < $10 AND " walk " ORDER BY " places \
	" OFFSET " LOOKED_AT " - 1 LIMIT 1)" \
	" SELECT * FROM page" \
	" UNION ALL" \
	" SELECT instance_key, NULL, instance_id, NULL, NULL, NULL, NULL, created_at," \
	"        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM end_of_walk"

static PgdfStatement status_statement = {
	"SELECT " SHOWN " FROM df.instance_state s WHERE s.instance_key = $2",
	2, {BOOLOID, INT8OID}
};

/*
 * Newest first.  ($11, $12): the last one of the page before.  An instance that is
 * started meanwhile is before it, and moves nothing.
 */
static PgdfStatement newest_statement = {
	PAGE("(created_at, instance_key) < ($11, $12) AND created_at >= $2 AND created_at <= $3",
		 "created_at DESC, instance_key DESC"),
	12, {LIST_ARGTYPES, TIMESTAMPTZOID, INT8OID}
};

/* By id, for a prefix $11 that ends at $12.  $13: the last one of the page before. */
static PgdfStatement prefix_statement = {
	PAGE("instance_id >= $11 AND instance_id <= $12 AND instance_id > $13", "instance_id"),
	13, {LIST_ARGTYPES, TEXTOID, TEXTOID, TEXTOID}
};

static PgdfStatement watch_statement = {
	"SELECT w.id, s.status"
	"  FROM unnest($1, $2) WITH ORDINALITY AS w(id, seen, n)"
	"  LEFT JOIN LATERAL ("
	"       SELECT status, run_id FROM df.instance_state"
	"        WHERE instance_id = w.id AND ($3 OR pg_has_role($4, owner, 'MEMBER')) OFFSET 0) s ON true"
	" WHERE s.run_id::text || ':' || s.status IS DISTINCT FROM w.seen"
	" ORDER BY w.n",
	4, {TEXTARRAYOID, TEXTARRAYOID, BOOLOID, OIDOID}
};

PG_FUNCTION_INFO_V1(df_api_status);
PG_FUNCTION_INFO_V1(df_api_list);
PG_FUNCTION_INFO_V1(df_api_watch);

static HttpCode code_of_status(InstanceStatus status);
static void append_instance(StringInfo buf, uint64 row, const HistoryOptions *history);
static void append_json(StringInfo buf, const char *key, uint64 row, int col);
static void append_string(StringInfo buf, const char *key, uint64 row, int col);
static void append_time(StringInfo buf, const char *key, uint64 row, int col);
static void append_raw(StringInfo buf, uint64 row, int col);
static uint64 select_page(FunctionCallInfo fcinfo, Oid role, int top);
static uint64 select_newest(Datum *values, bool *nulls, const char *token);
static uint64 select_prefix(Datum *values, bool *nulls, const char *prefix, const char *token);
static bool is_end_of_walk(uint64 row);
static char *token_of_row(uint64 row, bool has_prefix);
static bool parse_newest_token(const char *token, TimestampTz *created_at, int64 *instance_key);
static char *parse_prefix_token(const char *token);
static char *end_of_prefix(const char *prefix);
static int	hex_digit(char c);

/*
 * df.api_status(acting, instance_id, show_input, show_history,
 * show_history_output): code, runtime_status, output, changed, body; the code is
 * 200 when it is final, 202 when it is not, 404 when there is none.
 */
Datum
df_api_status(PG_FUNCTION_ARGS)
{
	Oid			role = pgdf_api_role(fcinfo, "df_status");
	char	   *instance_id = pgdf_api_string_arg(fcinfo, 1);
	HistoryOptions history = {
		.show_input = PG_ARGISNULL(2) || PG_GETARG_BOOL(2),
		.show_output = !PG_ARGISNULL(4) && PG_GETARG_BOOL(4)
	};
	bool		show_history = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	Datum		values[5] = {Int32GetDatum(HTTP_NOT_FOUND)};
	bool		nulls[5] = {false, true, true, true, true};
	Datum		args[2] = {BoolGetDatum(history.show_input)};
	StringInfoData body;
	PgdfIdentity caller;
	InstanceRef ref;

	InitMaterializedSRF(fcinfo, 0);
	initStringInfo(&body);
	if (!pgdf_api_is_granted(role, "df_status"))
	{
		values[0] = Int32GetDatum(HTTP_FORBIDDEN);
		pgdf_api_emit(fcinfo, values, nulls);
		return (Datum) 0;
	}

	pgdf_enter(&caller);
	SPI_connect();
	if (instance_id != NULL && pgdf_instance_find(instance_id, role, &ref))
	{
		args[1] = Int64GetDatum(ref.instance_key);
		if (pgdf_spi_execute_latest(&status_statement, args, NULL) > 0)
		{
			InstanceStatus status = (InstanceStatus) pgdf_spi_int16(0, COL_STATUS);
			char	   *output = pgdf_spi_cstring(0, COL_OUTPUT);

			values[0] = Int32GetDatum(code_of_status(status));
			values[1] = CStringGetTextDatum(pgdf_status_name(status));
			values[3] = CStringGetTextDatum(psprintf("%s:%d", pgdf_spi_cstring(0, COL_RUN), (int) status));
			nulls[0] = nulls[1] = nulls[3] = nulls[4] = false;
			nulls[2] = output == NULL;
			if (output != NULL)
				values[2] = CStringGetTextDatum(output);
			append_instance(&body, 0, show_history ? &history : NULL);
			values[4] = PointerGetDatum(cstring_to_text_with_len(body.data, body.len));
		}
	}
	pgdf_api_emit(fcinfo, values, nulls);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/*
 * df.api_list(acting, prefix, created_from, created_to, statuses, name, tag_key,
 * tag_value, show_input, top, token): body, token.  The token is NULL when there
 * is no more.
 */
Datum
df_api_list(PG_FUNCTION_ARGS)
{
	Oid			role = pgdf_api_role(fcinfo, "df_status");
	bool		has_prefix = !PG_ARGISNULL(1) && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(1)) > 0;
	int			top = PG_ARGISNULL(9) ? TOP_DEFAULT : PG_GETARG_INT32(9);
	Datum		values[2] = {0};
	bool		nulls[2] = {false, true};
	StringInfoData body;
	PgdfIdentity caller;
	uint64		n;
	uint64		shown = 0;

	if (!pgdf_api_is_granted(role, "df_status"))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function %s", "df_status")));
	InitMaterializedSRF(fcinfo, 0);
	top = Min(Max(top, 1), TOP_MAX);
	initStringInfo(&body);
	pgdf_enter(&caller);
	SPI_connect();
	n = select_page(fcinfo, role, top);
	appendStringInfoChar(&body, '[');
	while (shown < n && shown < (uint64) top && !is_end_of_walk(shown) &&
		   (shown == 0 || body.len < LIST_BYTES_MAX))
	{
		CHECK_FOR_INTERRUPTS();
		if (shown > 0)
			appendStringInfoChar(&body, ',');
		append_instance(&body, shown++, NULL);
	}
	appendStringInfoChar(&body, ']');
	values[0] = PointerGetDatum(cstring_to_text_with_len(body.data, body.len));
	nulls[1] = shown == n;
	if (shown < n)
		values[1] = CStringGetTextDatum(token_of_row(is_end_of_walk(shown) ? shown : shown - 1, has_prefix));
	pgdf_api_emit(fcinfo, values, nulls);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* df.api_watch(acting, instance_ids, seen): instance_id, runtime_status of those that are not as seen. */
Datum
df_api_watch(PG_FUNCTION_ARGS)
{
	Oid			role = pgdf_api_role(fcinfo, "df_status");
	Datum		args[4];
	PgdfIdentity caller;
	uint64		n;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	args[0] = PG_GETARG_DATUM(1);
	args[1] = PG_GETARG_DATUM(2);
	args[2] = BoolGetDatum(pgdf_is_admin(role));
	args[3] = ObjectIdGetDatum(role);
	pgdf_enter(&caller);
	SPI_connect();
	n = pgdf_spi_execute_latest(&watch_statement, args, NULL);
	for (uint64 row = 0; row < n; row++)
	{
		bool		isnull;
		Datum		status = pgdf_spi_datum(row, 2, &isnull);
		Datum		values[2] = {pgdf_spi_datum(row, 1, &isnull), (Datum) 0};
		bool		nulls[2] = {isnull, false};

		status = pgdf_spi_datum(row, 2, &nulls[1]);
		if (!nulls[1])
			values[1] = CStringGetTextDatum(pgdf_status_name((InstanceStatus) DatumGetInt16(status)));
		pgdf_api_emit(fcinfo, values, nulls);
	}
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* ----------------------------------------------------------------- instance */

static HttpCode
code_of_status(InstanceStatus status)
{
	return pgdf_status_is_final(status) ? HTTP_OK : HTTP_ACCEPTED;
}

/* A row of SHOWN; history NULL: without historyEvents. */
static void
append_instance(StringInfo buf, uint64 row, const HistoryOptions *history)
{
	SPITupleTable *rows = SPI_tuptable;

	append_string(buf, "{\"name\":", row, COL_NAME);
	append_string(buf, ",\"instanceId\":", row, COL_ID);
	appendStringInfo(buf, ",\"runtimeStatus\":\"%s\"",
					 pgdf_status_name((InstanceStatus) pgdf_spi_int16(row, COL_STATUS)));
	append_json(buf, ",\"input\":", row, COL_INPUT);
	append_json(buf, ",\"customStatus\":", row, COL_CUSTOM_STATUS);
	append_json(buf, ",\"output\":", row, COL_OUTPUT);
	append_time(buf, ",\"createdTime\":", row, COL_CREATED);
	append_time(buf, ",\"lastUpdatedTime\":", row, COL_UPDATED);
	if (history != NULL)
	{
		appendStringInfoString(buf, ",\"historyEvents\":");
		pgdf_api_append_history(buf, pgdf_spi_int64(row, COL_KEY), history);
		SPI_tuptable = rows;
	}
	append_time(buf, ",\"completedTime\":", row, COL_COMPLETED);
	append_time(buf, ",\"scheduledStartTime\":", row, COL_START);
	append_json(buf, ",\"failureDetails\":", row, COL_FAILURE);
	append_string(buf, ",\"parentInstanceId\":", row, COL_PARENT);
	append_json(buf, ",\"tags\":", row, COL_TAGS);
	append_string(buf, ",\"version\":", row, COL_VERSION);
	appendStringInfo(buf, ",\"progress\":{\"tasksTotal\":%d,\"tasksCompleted\":%d}}",
					 pgdf_spi_int32(row, COL_TOTAL), pgdf_spi_int32(row, COL_DONE));
}

static void
append_json(StringInfo buf, const char *key, uint64 row, int col)
{
	appendStringInfoString(buf, key);
	append_raw(buf, row, col);
}

/* A column that is JSON text. */
static void
append_raw(StringInfo buf, uint64 row, int col)
{
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);
	text	   *json;

	if (isnull)
	{
		appendStringInfoString(buf, "null");
		return;
	}
	json = DatumGetTextPP(value);
	appendBinaryStringInfo(buf, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
	if ((Pointer) json != DatumGetPointer(value))
		pfree(json);
}

static void
append_string(StringInfo buf, const char *key, uint64 row, int col)
{
	char	   *value = pgdf_spi_cstring(row, col);

	appendStringInfoString(buf, key);
	if (value == NULL)
		appendStringInfoString(buf, "null");
	else
		escape_json(buf, value);
}

static void
append_time(StringInfo buf, const char *key, uint64 row, int col)
{
	bool		isnull;
	Datum		value = pgdf_spi_datum(row, col, &isnull);

	appendStringInfoString(buf, key);
	if (isnull)
		appendStringInfoString(buf, "null");
	else
		pgdf_api_append_time(buf, DatumGetTimestampTz(value));
}

/* --------------------------------------------------------------------- list */

/* One more than asked for tells whether there is more. */
static uint64
select_page(FunctionCallInfo fcinfo, Oid role, int top)
{
	char	   *prefix = pgdf_api_string_arg(fcinfo, 1);
	char	   *token = pgdf_api_string_arg(fcinfo, 10);
	Datum		values[LIST_NARGS] = {0};
	bool		nulls[LIST_NARGS] = {false};
	int			nstatuses;

	values[0] = BoolGetDatum(PG_ARGISNULL(8) || PG_GETARG_BOOL(8));
	values[1] = PG_ARGISNULL(2) ? TimestampTzGetDatum(DT_NOBEGIN) : PG_GETARG_DATUM(2);
	values[2] = PG_ARGISNULL(3) ? TimestampTzGetDatum(DT_NOEND) : PG_GETARG_DATUM(3);
	values[3] = pgdf_api_statuses_arg(fcinfo, 4, CHOOSE_ANY, &nstatuses);
	nulls[4] = PG_ARGISNULL(5);
	values[4] = nulls[4] ? (Datum) 0 : PG_GETARG_DATUM(5);
	nulls[5] = PG_ARGISNULL(6);
	values[5] = nulls[5] ? (Datum) 0 : PG_GETARG_DATUM(6);
	nulls[6] = PG_ARGISNULL(7);
	values[6] = nulls[6] ? (Datum) 0 : PG_GETARG_DATUM(7);
	values[7] = ObjectIdGetDatum(role);
	values[8] = BoolGetDatum(pgdf_is_admin(role));
	values[9] = Int32GetDatum(top + 1);
	if (prefix != NULL && prefix[0] != '\0')
		return select_prefix(values, nulls, prefix, token);
	return select_newest(values, nulls, token);
}

static uint64
select_newest(Datum *values, bool *nulls, const char *token)
{
	TimestampTz created_at = DT_NOEND;
	int64		instance_key = PG_INT64_MAX;

	(void) parse_newest_token(token, &created_at, &instance_key);
	values[10] = TimestampTzGetDatum(created_at);
	values[11] = Int64GetDatum(instance_key);
	return pgdf_spi_execute_latest(&newest_statement, values, nulls);
}

static uint64
select_prefix(Datum *values, bool *nulls, const char *prefix, const char *token)
{
	values[10] = CStringGetTextDatum(prefix);
	values[11] = CStringGetTextDatum(end_of_prefix(prefix));
	values[12] = CStringGetTextDatum(parse_prefix_token(token));
	return pgdf_spi_execute_latest(&prefix_statement, values, nulls);
}

/* No id has that byte, in any encoding; ids compare by bytes. */
static char *
end_of_prefix(const char *prefix)
{
	return psprintf("%s\xff", prefix);
}

/* The last row of a walk that has not come to an end: its id is in the place of the name. */
static bool
is_end_of_walk(uint64 row)
{
	bool		isnull;

	(void) pgdf_spi_datum(row, COL_ID, &isnull);
	return isnull;
}

/*
 * Where a page ends: c and created_at and instance_key in hex, or i and the bytes
 * of the id in hex.  A token of the other order, or none at all, is the beginning.
 */
static char *
token_of_row(uint64 row, bool has_prefix)
{
	StringInfoData buf;
	bool		isnull;

	initStringInfo(&buf);
	if (has_prefix)
	{
		appendStringInfoChar(&buf, 'i');
		for (const char *c = pgdf_spi_cstring(row, is_end_of_walk(row) ? COL_NAME : COL_ID); *c != '\0'; c++)
			appendStringInfo(&buf, "%02x", (unsigned char) *c);
	}
	else
		appendStringInfo(&buf, "c%016llx%016llx",
						 (unsigned long long) DatumGetTimestampTz(pgdf_spi_datum(row, COL_CREATED, &isnull)),
						 (unsigned long long) pgdf_spi_int64(row, COL_KEY));
	return buf.data;
}

static bool
parse_newest_token(const char *token, TimestampTz *created_at, int64 *instance_key)
{
	uint64		numbers[2] = {0};

	if (token == NULL || token[0] != 'c' || strlen(token) != 33)
		return false;
	for (int i = 0; i < 32; i++)
	{
		int			digit = hex_digit(token[i + 1]);

		if (digit < 0)
			return false;
		numbers[i / 16] = numbers[i / 16] << 4 | (uint64) digit;
	}
	*created_at = (TimestampTz) numbers[0];
	*instance_key = (int64) numbers[1];
	return true;
}

/* The id in a token, empty when it is none. */
static char *
parse_prefix_token(const char *token)
{
	size_t		length = token == NULL || token[0] != 'i' ? 0 : strlen(token) - 1;
	char	   *id = palloc0(length / 2 + 1);

	if (length % 2 != 0 || length / 2 > PGDF_INSTANCE_ID_MAX * MAX_MULTIBYTE_CHAR_LEN)
		return pstrdup("");
	for (size_t i = 0; i < length; i += 2)
	{
		int			high = hex_digit(token[i + 1]);
		int			low = hex_digit(token[i + 2]);

		if (high < 0 || low < 0)
			return pstrdup("");
		id[i / 2] = (char) (high << 4 | low);
	}
	if (!pg_verifymbstr(id, (int) strlen(id), true))
		return pstrdup("");
	return id;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

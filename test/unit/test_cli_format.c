/*
 * test_cli_format.c
 *		Tables, lists of fields and JSON from a query's result.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <libpq-fe.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "cli_format.h"
#include "tap.h"

#define OID_BOOL	16
#define OID_INT4	23
#define OID_TEXT	25
#define OID_JSONB	3802

static PGresult *result_make(void);
static void result_set(PGresult *result, int row, int column, const char *value);
static void check_name(char *got, const char *expected);
static void check_table(const PGresult *result);
static void check_clipped_table(void);
static void check_fields(const PGresult *result);
static void check_json(const PGresult *result);
static void check_verbatim(void);

int
main(void)
{
	PGresult   *result = result_make();

	setlocale(LC_CTYPE, "C.UTF-8");
	check_name(cli_format_heading("last_updated_time"), "LAST UPDATED TIME");
	check_name(cli_format_label("last_updated_time"), "Last updated time");
	check_name(cli_format_key("last_updated_time"), "lastUpdatedTime");
	check_name(cli_format_key("name"), "name");
	check_name(cli_format_key("a__b_"), "a_b_");

	is_int(cli_format_width("abc"), 3, "width of ASCII");
	is_int(cli_format_width("\xc3\xa9"), 1, "width of a two-byte character");
	is_int(cli_format_width("\xe6\x9d\xb1"), 2, "width of a wide character");
	is_int(cli_format_width("e\xcc\x81"), 1, "width with a combining character");
	is_int(cli_format_width("\xff"), 1, "width of a byte that is not UTF-8");

	check_table(result);
	check_clipped_table();
	check_fields(result);
	check_json(result);
	check_verbatim();
	PQclear(result);
	return done_testing();
}

/* Two rows: text, number, boolean, payload; the second has NULLs. */
static PGresult *
result_make(void)
{
	static PGresAttDesc columns[] = {
		{.name = (char *) "name", .typid = OID_TEXT},
		{.name = (char *) "live_workers", .typid = OID_INT4},
		{.name = (char *) "is_alive", .typid = OID_BOOL},
		{.name = (char *) "payload", .typid = OID_JSONB}
	};
	PGresult   *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

	PQsetResultAttrs(result, 4, columns);
	result_set(result, 0, 0, "caf\xc3\xa9");
	result_set(result, 0, 1, "12");
	result_set(result, 0, 2, "t");
	result_set(result, 0, 3, "{\"n\": 1.50, \"big\": 123456789012345678901234567890}");
	result_set(result, 1, 0, "a\n\x1b[31mb\xc2\x9b");
	result_set(result, 1, 1, NULL);
	result_set(result, 1, 2, "f");
	result_set(result, 1, 3, NULL);
	return result;
}

static void
result_set(PGresult *result, int row, int column, const char *value)
{
	PQsetvalue(result, row, column, (char *) value, value ? (int) strlen(value) : -1);
}

static void
check_name(char *got, const char *expected)
{
	is_str(got, expected, "%s", expected);
	free(got);
}

static void
check_table(const PGresult *result)
{
	Buf			out = {0};

	cli_format_table(&out, result, 0);
	is_str(out.data,
			"NAME                  LIVE WORKERS  IS ALIVE  PAYLOAD\n"
			"caf\xc3\xa9                            12  yes       {\"n\": 1.50, \"big\": 123456789012345678901234567890}\n"
			"a\\n\\u001b[31mb\\u009b                no\n",
			"a table is aligned, numbers to the right, without control characters");
	buf_free(&out);
}

static void
check_clipped_table(void)
{
	static PGresAttDesc columns[] = {{.name = (char *) "a", .typid = OID_TEXT}};
	PGresult   *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	Buf			out = {0};

	PQsetResultAttrs(result, 1, columns);
	result_set(result, 0, 0, "12345678");
	result_set(result, 1, 0, "1234\xe6\x9d\xb1" "9");
	result_set(result, 2, 0, "12345");
	cli_format_table(&out, result, 5);
	is_str(out.data, "A\n12345\n1234\n12345\n", "lines are cut between characters");
	buf_free(&out);
	PQclear(result);
}

static void
check_fields(const PGresult *result)
{
	Buf			out = {0};

	cli_format_fields(&out, result, 1);
	is_str(out.data, "Name      a\\n\\u001b[31mb\\u009b\nIs alive  no\n", "fields are aligned; NULLs are left out");
	buf_free(&out);
}

static void
check_json(const PGresult *result)
{
	json_object *array = cli_format_array(result);

	is_str(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN),
			"[{\"name\":\"caf\xc3\xa9\",\"liveWorkers\":12,\"isAlive\":true,"
			"\"payload\":{\"n\": 1.50, \"big\": 123456789012345678901234567890}},"
			"{\"name\":\"a\\n\\u001b[31mb\xc2\x9b\",\"liveWorkers\":null,\"isAlive\":false,\"payload\":null}]",
			"JSON has every column, and payloads as they are");
	json_object_put(array);
}

static void
check_verbatim(void)
{
	json_object *value = cli_format_verbatim("1e400");

	is_str(json_object_to_json_string(value), "1e400", "a number that no double holds");
	ok(cli_format_verbatim(NULL) == NULL, "SQL NULL is JSON null");
	json_object_put(value);
}

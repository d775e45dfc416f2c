/*
 * task_type.c
 *		Text form of the type df_task: "task:" and 16 hex digits.
 *
 * What the eight bytes mean is known to replay.c alone.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#define TASK_PREFIX		"task:"
#define TASK_DIGITS		16

PG_FUNCTION_INFO_V1(df_task_in);
PG_FUNCTION_INFO_V1(df_task_out);

static bool parse_task(const char *str, uint64 *task);
static int	hex_value(char c);

Datum
df_task_in(PG_FUNCTION_ARGS)
{
	const char *str = PG_GETARG_CSTRING(0);
	uint64		task;

	if (!parse_task(str, &task))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "df_task", str)));
	PG_RETURN_INT64((int64) task);
}

Datum
df_task_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(psprintf(TASK_PREFIX "%016llx",
							   (unsigned long long) PG_GETARG_INT64(0)));
}

static bool
parse_task(const char *str, uint64 *task)
{
	if (strncmp(str, TASK_PREFIX, strlen(TASK_PREFIX)) != 0)
		return false;
	str += strlen(TASK_PREFIX);
	if (strlen(str) != TASK_DIGITS)
		return false;

	*task = 0;
	for (; *str != '\0'; str++)
	{
		int			digit = hex_value(*str);

		if (digit < 0)
			return false;
		*task = (*task << 4) | digit;
	}
	return true;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * timer.c
 *		What orchestrators wait for besides activities: timers and events; and
 *		how they end a wait.
 *
 * Times are computed from df_now(), which is recorded, so that a replay asks for
 * the same timer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "payload.h"
#include "registry.h"
#include "turn.h"

PG_FUNCTION_INFO_V1(df_timer);
PG_FUNCTION_INFO_V1(df_timer_at);
PG_FUNCTION_INFO_V1(df_sleep);
PG_FUNCTION_INFO_V1(df_sleep_until);
PG_FUNCTION_INFO_V1(df_event);
PG_FUNCTION_INFO_V1(df_wait_event);
PG_FUNCTION_INFO_V1(df_cancel);
PG_FUNCTION_INFO_V1(df_continue_as_new);

static TimestampTz after(const Turn *turn, const Interval *delay);
static int64 schedule_timer(Turn *turn, TimestampTz fire_at);
static int64 schedule_event(Turn *turn, text *name);

/* df_timer(delay): a task that is complete after that time; at once when it is zero or less. */
Datum
df_timer(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_timer");

	PG_RETURN_INT64(schedule_timer(turn, after(turn, PG_GETARG_INTERVAL_P(0))));
}

/* df_timer_at(fire_at): a task that is complete at that time. */
Datum
df_timer_at(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_timer_at");

	PG_RETURN_INT64(schedule_timer(turn, PG_GETARG_TIMESTAMPTZ(0)));
}

/* df_sleep(delay): wait. */
Datum
df_sleep(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_sleep");

	pgdf_turn_await(turn, schedule_timer(turn, after(turn, PG_GETARG_INTERVAL_P(0))));
	PG_RETURN_VOID();
}

/* df_sleep_until(fire_at): wait until then. */
Datum
df_sleep_until(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_sleep_until");

	pgdf_turn_await(turn, schedule_timer(turn, PG_GETARG_TIMESTAMPTZ(0)));
	PG_RETURN_VOID();
}

/* df_event(event_name): a task that is complete when such an event has been raised. */
Datum
df_event(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_event");

	PG_RETURN_INT64(schedule_event(turn, PG_GETARG_TEXT_PP(0)));
}

/* df_wait_event(event_name, timeout): its payload, or SQL NULL when the time is over. */
Datum
df_wait_event(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_wait_event");
	int64		members[2];
	int64		any;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("event name must not be null")));
	members[0] = schedule_event(turn, PG_GETARG_TEXT_PP(0));
	if (PG_ARGISNULL(1))
	{
		pgdf_turn_await(turn, members[0]);
		PG_RETURN_JSONB_P(pgdf_turn_result(turn, members[0]));
	}

	members[1] = schedule_timer(turn, after(turn, PG_GETARG_INTERVAL_P(1)));
	any = pgdf_turn_group(turn, AWAIT_ANY, members, 2);
	pgdf_turn_await(turn, any);
	if (pgdf_turn_winner(turn, any) == members[1])
		PG_RETURN_NULL();
	pgdf_turn_cancel(turn, members[1]);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, members[0]));
}

/* df_cancel(task): stop a timer, a wait or an activity; it has failed with DF004 then. */
Datum
df_cancel(PG_FUNCTION_ARGS)
{
	pgdf_turn_cancel(pgdf_turn_require("df_cancel"), PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}

/* df_continue_as_new(input, keep_events): begin anew with an empty history.  Never returns. */
Datum
df_continue_as_new(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_continue_as_new");

	pgdf_turn_continue_as_new(turn, PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0),
							  PG_ARGISNULL(1) || PG_GETARG_BOOL(1));
}

static TimestampTz
after(const Turn *turn, const Interval *delay)
{
	return DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
												   TimestampTzGetDatum(pgdf_turn_now(turn)),
												   IntervalPGetDatum(delay)));
}

/* Its input in history is the time at which it is due. */
static int64
schedule_timer(Turn *turn, TimestampTz fire_at)
{
	TaskOptions options = {.fire_at = fire_at};
	JsonbValue	value;
	const int	utc = 0;

	if (TIMESTAMP_NOT_FINITE(fire_at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time of a timer must be finite")));
	value.type = jbvString;
	value.val.string.val = JsonEncodeDateTime(NULL, TimestampTzGetDatum(fire_at), TIMESTAMPTZOID,
											  &utc);
	value.val.string.len = strlen(value.val.string.val);
	return pgdf_turn_handle(turn, pgdf_turn_schedule(turn, TASK_TIMER, NULL,
													 JsonbValueToJsonb(&value), &options));
}

static int64
schedule_event(Turn *turn, text *name)
{
	char	   *event_name = text_to_cstring(name);

	pgdf_check_name(event_name, "event name", PGDF_NAME_MAX);
	return pgdf_turn_handle(turn, pgdf_turn_schedule(turn, TASK_EVENT, event_name, NULL, NULL));
}

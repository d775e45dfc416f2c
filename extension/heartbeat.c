/*
 * heartbeat.c
 *		df_heartbeat: what a SQL activity says about its progress.
 *
 * Nobody sees what a transaction writes before it commits, so the progress goes
 * to the worker that waits for the activity, as a message with an SQLSTATE of its
 * own; the worker records it on another connection (df.work, outcome h).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "payload.h"
#include "pgdf.h"
#include "turn.h"
#include "user_code.h"

/* Longest progress, as everywhere. */
#define PROGRESS_BYTES_MAX	16384

/*
 * A loop may call it as often as it likes: so many messages are sent at once, and
 * one more in each interval; what is over is left out.
 */
#define BURST				20
#define INTERVAL_US			(100 * 1000)

PG_FUNCTION_INFO_V1(df_heartbeat);

static bool may_send(void);

/* df_heartbeat(progress): any JSON; only in a SQL activity. */
Datum
df_heartbeat(PG_FUNCTION_ARGS)
{
	text	   *progress;

	if (!pgdf_sql_activity_is_active())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("df_heartbeat can only be called in a SQL activity"),
				 errhint("An orchestrator tells its state with df_set_custom_status().")));

	progress = pgdf_payload_from_jsonb(PG_ARGISNULL(0) ? NULL : PG_GETARG_JSONB_P(0));
	if (VARSIZE_ANY_EXHDR(progress) > PROGRESS_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("progress is too large"),
				 errdetail("It has %d bytes; %d are allowed.",
						   (int) VARSIZE_ANY_EXHDR(progress), PROGRESS_BYTES_MAX)));

	if (may_send())
		pgdf_user_code_tell(ERRCODE_DF_PROGRESS, text_to_cstring(progress));
	PG_RETURN_VOID();
}

/* A bucket of tokens: the last call before a long step is hardly ever the one that is left out. */
static bool
may_send(void)
{
	static TimestampTz filled_at = 0;
	static int	tokens = BURST;
	TimestampTz now = GetCurrentTimestamp();
	int64		fresh = (now - filled_at) / INTERVAL_US;

	if (fresh < 0 || fresh >= BURST)
	{
		tokens = BURST;
		filled_at = now;
	}
	else if (fresh > 0)
	{
		tokens = Min(BURST, tokens + (int) fresh);
		filled_at += fresh * INTERVAL_US;
	}
	if (tokens == 0)
		return false;
	tokens--;
	return true;
}

/*
 * retention.c
 *		Final instances that are old enough are deleted (pgdf.retention_*).
 *
 * One worker does it, the live one with the lowest number, on a connection of its
 * own: an instance is deleted as a whole, and may be a map of many million items.
 * Each call looks at some instances in the order of their creation and remembers
 * how far it came; there is no index for this, which every instance would have to
 * pay for.  Rows that somebody holds are left for the next time round.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "identity.h"
#include "instance.h"
#include "spi.h"
#include "turn.h"
#include "wake.h"

/* A call ends after so long, and so many instances; one is always deleted as a whole. */
#define CALL_BUDGET_MS		40
#define PURGE_MAX			1000

/* How many instances a call looks at. */
#define LOOK_MAX			5000

/* When to go on, and when to begin again, in ms. */
#define NEXT_BATCH_MS		250
#define NEXT_ROUND_MS		(60 * 1000)

/* Where the round stands. */
typedef struct RetentionCursor
{
	bool		is_open;
	TimestampTz created_at;
	int64		instance_key;
} RetentionCursor;

static PgdfStatement chosen_statement = {
	"SELECT coalesce(min(worker_key) = $1, false) FROM df.worker_sessions"
	" WHERE worker_key = $1 OR (lease_until > clock_timestamp() AND absent_since IS NULL)",
	1, {INT8OID}
};

/*
 * $4, $5, $6: what has ended before is deleted; NULL: nothing.  A child goes with
 * its parent, which may be rewound, as long as that is in the execution that
 * started it.
 */
static PgdfStatement look_statement = {
	"SELECT s.instance_key, s.created_at,"
	"       coalesce(s.completed_at < CASE s.status WHEN 1 THEN $4 WHEN 3 THEN $5 ELSE $6 END, false)"
	"       AND NOT EXISTS (SELECT FROM df.instance_state p"
	"                        WHERE p.instance_key = s.parent_instance_key"
	"                          AND p.execution = s.parent_execution)"
	"  FROM df.instance_state s"
	" WHERE (s.created_at, s.instance_key) > ($1, $2) AND s.created_at < $3"
	" ORDER BY s.created_at, s.instance_key LIMIT 5000",
	6, {TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
};

PG_FUNCTION_INFO_V1(df_retire_due);
PG_FUNCTION_INFO_V1(df_retire);

static RetentionCursor cursor = {.is_open = false};

static bool is_off(void);
static bool is_chosen(int64 worker_key);
static int	retire_batch(bool *is_round_over);
static void set_times(Datum *values, bool *nulls);

/* df.retire_due(worker_key): is anything to be deleted in time, and is it this worker that does it? */
Datum
df_retire_due(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	bool		is_due;

	pgdf_refuse_in_engine("df.retire_due");
	if (is_off())
		PG_RETURN_BOOL(false);
	pgdf_enter(&caller);
	SPI_connect();
	is_due = is_chosen(PG_GETARG_INT64(0));
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_due);
}

/* df.retire(worker_key): delete some of what is old enough.  Returns (purged, next_ms). */
Datum
df_retire(PG_FUNCTION_ARGS)
{
	PgdfIdentity caller;
	int			purged = 0;
	bool		is_round_over = true;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	pgdf_refuse_in_engine("df.retire");
	if (!is_off())
	{
		pgdf_enter(&caller);
		SPI_connect();
		if (pgdf_retention_lock() && is_chosen(PG_GETARG_INT64(0)))
			purged = retire_batch(&is_round_over);
		SPI_finish();
		pgdf_leave(&caller);
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int32GetDatum(purged);
	values[1] = Int32GetDatum(is_round_over ? NEXT_ROUND_MS : NEXT_BATCH_MS);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

static bool
is_off(void)
{
	return pgdf_retention_completed < 0 && pgdf_retention_failed < 0 && pgdf_retention_terminated < 0;
}

static bool
is_chosen(int64 worker_key)
{
	Datum		key = Int64GetDatum(worker_key);
	bool		isnull;

	pgdf_spi_execute(&chosen_statement, &key, NULL);
	return DatumGetBool(pgdf_spi_datum(0, 1, &isnull));
}

static int
retire_batch(bool *is_round_over)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), CALL_BUDGET_MS);
	Datum		values[6];
	bool		nulls[6] = {0};
	SPITupleTable *rows;
	uint64		n;
	uint64		row;
	int			purged = 0;

	if (!cursor.is_open)
	{
		cursor.created_at = DT_NOBEGIN;
		cursor.instance_key = 0;
	}
	values[0] = TimestampTzGetDatum(cursor.created_at);
	values[1] = Int64GetDatum(cursor.instance_key);
	set_times(values, nulls);
	n = pgdf_spi_execute(&look_statement, values, nulls);
	rows = SPI_tuptable;
	for (row = 0; row < n && purged < PURGE_MAX; row++)
	{
		bool		isnull;

		SPI_tuptable = rows;
		cursor.instance_key = pgdf_spi_int64(row, 1);
		cursor.created_at = DatumGetTimestampTz(pgdf_spi_datum(row, 2, &isnull));
		if (!DatumGetBool(pgdf_spi_datum(row, 3, &isnull)))
			continue;
		purged += (int) pgdf_instance_purge_unlocked(cursor.instance_key);
		if (GetCurrentTimestamp() >= deadline)
		{
			row++;
			break;
		}
	}
	*is_round_over = row == n && n < LOOK_MAX;
	cursor.is_open = !*is_round_over;
	/* what is lost in a crash is deleted again */
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_LOCAL, true, 0, false);
	return purged;
}

/* The times before which an end is old, and the latest of them: nothing that was created later has an older end. */
static void
set_times(Datum *values, bool *nulls)
{
	const int	seconds[] = {pgdf_retention_completed, pgdf_retention_failed, pgdf_retention_terminated};
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz latest = DT_NOBEGIN;

	for (int i = 0; i < lengthof(seconds); i++)
	{
		TimestampTz time = now - seconds[i] * USECS_PER_SEC;

		nulls[3 + i] = seconds[i] < 0;
		values[3 + i] = TimestampTzGetDatum(time);
		if (seconds[i] >= 0)
			latest = Max(latest, time);
	}
	values[2] = TimestampTzGetDatum(latest);
}

/*
 * claim.c
 *		The last part of an engine call: hand out tasks, lane by lane.
 *
 * Marks (lane.h) skip dead index entries, and rows that came late; a claim that
 * gets less than it asked for, and one a second whatever it gets, looks without
 * marks and finds the late ones.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "call_http.h"
#include "claim.h"
#include "hand_out.h"
#include "instance.h"
#include "lane.h"
#include "limit.h"
#include "map.h"
#include "spi.h"
#include "task.h"

/* A look without marks at least so often, in ms. */
#define FULL_CLAIM_MS	1000

/* A claim as one statement.  MATERIALIZED, or the subquery might run again and lock more rows. */
#define CLAIM(condition, order) \
	"WITH c AS MATERIALIZED (" \
	"    SELECT ctid FROM df.tasks" \
	"     WHERE state = 0 AND queue = $1 AND lane = $2" condition \
	"     ORDER BY " order " LIMIT $3 FOR UPDATE SKIP LOCKED)," \
	" u AS (" \
	"    UPDATE df.tasks t" \
	"       SET state = 1, fence = df.random_fence(), worker_key = $4, claimed_at = $5," \
	"           deliveries = t.deliveries + 1," \
	"           is_started = t.at_most_once AND t.resume_state IS NULL," \
	"           attempts = CASE WHEN t.at_most_once AND t.resume_state IS NULL THEN t.attempts + 1" \
	"                           ELSE t.attempts END" \
	"     WHERE t.ctid = ANY (ARRAY(SELECT ctid FROM c))" \
	"    RETURNING t.*)" \
	" SELECT u.instance_key, u.task_id, u.fence, u.name, s.instance_id, u.execution, u.attempts," \
	"        s.run_id, u.timeout, h.payload," \
	"        " PGDF_TASK_SETTINGS("u") "," \
	"        s.traceparent, u.at_most_once AND u.resume_state IS NULL," \
	"        u.priority, u.seq, s.instance_key IS NULL OR s.completed_at IS NOT NULL, h.event_id IS NULL" \
	"   FROM u" \
	"   LEFT JOIN LATERAL (SELECT * FROM df.instance_state" \
	"                       WHERE instance_key = u.instance_key OFFSET 0) s ON true" \
	"   LEFT JOIN LATERAL (SELECT event_id, payload FROM df.history" \
	"                       WHERE instance_key = u.instance_key AND execution = u.execution" \
	"                         AND event_id = u.scheduled_event OFFSET 0) h ON true" \
	"  ORDER BY u.priority DESC, u.seq"

static PgdfStatement claim_full = {
	CLAIM("", "priority DESC, seq"),
	5, {TEXTOID, TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID}
};

static PgdfStatement claim_marked = {
	CLAIM(" AND priority = $6 AND seq > $7", "seq"),
	7, {TEXTOID, TEXTOID, INT4OID, INT8OID, TIMESTAMPTZOID, INT4OID, INT8OID}
};

PG_FUNCTION_INFO_V1(df_random_fence);

static void claim_lane(WorkCall *call, const char *queue, const char *name, bool with_marks);
static void claim_limited(WorkCall *call, const char *queue, bool with_marks);
static void claim_up_to(WorkCall *call, Lane *lane, bool with_marks, int room);
static void run_claim(WorkCall *call, PgdfStatement *stmt, Lane *lane, int priority, int64 mark);
static bool requeue_limited(Engine *engine, uint64 row, const char *lane);
static void add_task(WorkCall *call, uint64 row, const char *lane);
static void add_new_task(WorkCall *call, const HandedOut *handed_out);
static text *idempotency_key(pg_uuid_t *run_id, int execution, int task_id);

/* df.random_fence(): the right to complete a claimed task; never 0. */
Datum
df_random_fence(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(pgdf_random_fence());
}

void
pgdf_claim(WorkCall *call)
{
	static unsigned int turn = 0;
	static TimestampTz last_full = 0;
	int			nnames = list_length(call->activities);
	bool		with_marks = call->mode == WORK_NORMAL &&
	!TimestampDifferenceExceeds(last_full, call->engine->now, FULL_CLAIM_MS);
	ListCell   *queue;
	ListCell   *cell;

	if (call->room <= 0)
		return;
	foreach(cell, call->engine->handed_out)
		add_new_task(call, lfirst(cell));
	if (!with_marks)
		last_full = call->engine->now;

	turn++;						/* every name comes first once; maps, every other time */
	if (turn % 2 == 0)
		pgdf_map_claim(call, with_marks);
	foreach(queue, call->engine->queues)
	{
		claim_lane(call, lfirst(queue), PGDF_LANE_SLOW, with_marks);
		if (call->claimed < call->room)
			claim_limited(call, lfirst(queue), with_marks);
		for (int i = 0; i < nnames && call->claimed < call->room; i++)
			claim_lane(call, lfirst(queue), list_nth(call->activities, (turn + i) % nnames),
					   with_marks);
	}
	if (turn % 2 != 0)
		pgdf_map_claim(call, with_marks);
}

static void
claim_lane(WorkCall *call, const char *queue, const char *name, bool with_marks)
{
	int			claimed = call->claimed;
	LimitGrant	limit;
	int			room = pgdf_limit_admit(call->engine, queue, name, call->room - call->claimed, &limit);

	if (room <= 0)
		return;
	claim_up_to(call, pgdf_lane_find(queue, name), with_marks, call->claimed + room);
	pgdf_limit_note_claims(call->engine, &limit, call->claimed - claimed);
}

/* The lanes of SQL and HTTP activities that have a limit, or had one. */
static void
claim_limited(WorkCall *call, const char *queue, bool with_marks)
{
	bool		offers_http = false;
	List	   *lane_names = NIL;
	ListCell   *cell;

	if (pgdf_limit_names() == NIL)
		return;
	foreach(cell, call->activities)
		offers_http = offers_http || strcmp(lfirst(cell), PGDF_HTTP_ACTIVITY) == 0;
	foreach(cell, pgdf_limit_names())
	{
		lane_names = lappend(lane_names, text_to_cstring(pgdf_limit_lane(lfirst(cell))));
		if (offers_http)
			lane_names = lappend(lane_names, text_to_cstring(pgdf_limit_http_lane(lfirst(cell))));
	}
	foreach(cell, lane_names)
	{
		if (call->claimed < call->room)
			claim_lane(call, queue, lfirst(cell), with_marks);
	}
}

/* Until so many are claimed in this call. */
static void
claim_up_to(WorkCall *call, Lane *lane, bool with_marks, int room)
{
	int			call_room = call->room;

	call->room = room;
	for (int i = 0; with_marks && i < lane->nmarks && call->claimed < call->room; i++)
	{
		if (pgdf_lane_waits_behind(lane, i))
			run_claim(call, &claim_marked, lane, lane->marks[i].priority, lane->marks[i].seq);
	}
	if (call->claimed < call->room && pgdf_lane_waits(lane, with_marks))
	{
		lane->nmarks = 0;
		run_claim(call, &claim_full, lane, 0, 0);
	}
	call->room = call_room;
}

static void
run_claim(WorkCall *call, PgdfStatement *stmt, Lane *lane, int priority, int64 mark)
{
	Engine	   *engine = call->engine;
	bool		is_common = strcmp(lane->name, PGDF_LANE_SLOW) == 0 ||
	strcmp(lane->name, PGDF_HTTP_ACTIVITY) == 0;
	SPITupleTable *rows;
	bool		isnull;
	Datum		values[7];
	uint64		n;

	values[0] = CStringGetTextDatum(lane->queue);
	values[1] = CStringGetTextDatum(lane->name);
	values[2] = Int32GetDatum(call->room - call->claimed);
	values[3] = Int64GetDatum(engine->worker_key);
	values[4] = TimestampTzGetDatum(engine->now);
	values[5] = Int32GetDatum(priority);
	values[6] = Int64GetDatum(mark);
	n = pgdf_spi_execute(stmt, values, NULL);
	rows = SPI_tuptable;
	for (uint64 row = 0; row < n; row++)
	{
		SPI_tuptable = rows;
		pgdf_lane_note_claim(lane, pgdf_spi_int32(row, 14), pgdf_spi_int64(row, 15));
		if (DatumGetBool(pgdf_spi_datum(row, 16, &isnull)))
		{
			/* its row was locked when its instance ended: nobody wants it any more */
			pgdf_task_delete(pgdf_spi_int64(row, 1), pgdf_spi_int32(row, 2));
			continue;
		}
		if (DatumGetBool(pgdf_spi_datum(row, 17, &isnull)))
		{
			pgdf_task_set_aside(pgdf_spi_int64(row, 1), pgdf_spi_int32(row, 2), engine->now);
			continue;
		}
		if (is_common && requeue_limited(call->engine, row, lane->name))
			continue;
		add_task(call, row, lane->name);
		call->claimed++;
	}
}

/* A limit has come since it was put into a lane of several activities: it goes to its own. */
static bool
requeue_limited(Engine *engine, uint64 row, const char *lane)
{
	char	   *name = pgdf_spi_cstring(row, 4);
	int64		instance_key = pgdf_spi_int64(row, 1);
	int			task_id = pgdf_spi_int32(row, 2);
	SPITupleTable *rows = SPI_tuptable;
	bool		is_limited = pgdf_limit_is_set(name);	/* may run a statement of its own */

	SPI_tuptable = rows;
	if (!is_limited || strcmp(pgdf_name_key(name), lane) == 0)
		return false;
	pgdf_task_requeue(instance_key, task_id,
					  text_to_cstring(lane[0] == '*' ? pgdf_limit_lane(name) : pgdf_limit_http_lane(name)));
	engine->more = true;
	return true;
}

static void
add_task(WorkCall *call, uint64 row, const char *lane)
{
	bool		is_http = strcmp(lane, PGDF_HTTP_ACTIVITY) == 0 ||
	strncmp(lane, PGDF_LANE_LIMITED_HTTP, strlen(PGDF_LANE_LIMITED_HTTP)) == 0;
	bool		is_sql = lane[0] == '*' && !is_http;
	WorkRow    *task = pgdf_work_add_row(call, is_sql ? 'Q' : 'T');
	bool		isnull;
	bool		at_most_once = DatumGetBool(pgdf_spi_datum(row, 13, &isnull));
	Datum		run_id = pgdf_spi_datum(row, 8, &isnull);
	Datum		timeout;

	task->instance_key = pgdf_spi_int64(row, 1);
	task->task_id = pgdf_spi_int32(row, 2);
	task->fence = pgdf_spi_int64(row, 3);
	task->name = is_http ? cstring_to_text(PGDF_HTTP_ACTIVITY) : pgdf_spi_text(row, 4, CurrentMemoryContext);
	task->instance_id = pgdf_spi_text(row, 5, CurrentMemoryContext);
	task->execution = pgdf_spi_int32(row, 6);
	task->attempt = pgdf_spi_int16(row, 7) + (at_most_once ? 0 : 1);
	task->idempotency_key = idempotency_key(DatumGetUUIDP(run_id), task->execution, task->task_id);
	timeout = pgdf_spi_datum(row, 9, &isnull);
	task->timeout_ms = isnull ? (is_sql ? pgdf_sql_timeout_ms() : -1) : pgdf_timeout_ms(DatumGetIntervalP(timeout));
	task->input = pgdf_spi_text(row, 10, CurrentMemoryContext);
	task->settings = pgdf_spi_text(row, 11, CurrentMemoryContext);
	task->traceparent = pgdf_spi_text(row, 12, CurrentMemoryContext);
	if (at_most_once)
		call->engine->must_be_durable = true;
}

/* One that was claimed as it was made. */
static void
add_new_task(WorkCall *call, const HandedOut *handed_out)
{
	const Instance *instance = handed_out->instance;
	const TaskRow *row = handed_out->row;
	WorkRow    *task = pgdf_work_add_row(call, 'T');
	pg_uuid_t	run_id = instance->run_id;

	task->instance_key = instance->key;
	task->task_id = row->task_id;
	task->fence = row->fence;
	task->name = row->name;
	task->instance_id = cstring_to_text(instance->instance_id);
	task->execution = instance->execution;
	task->attempt = row->attempts + 1;
	task->idempotency_key = idempotency_key(&run_id, task->execution, task->task_id);
	task->timeout_ms = row->timeout == NULL ? -1 : pgdf_timeout_ms(row->timeout);
	task->input = row->input;
	task->settings = row->settings;
	task->traceparent = instance->traceparent;
	call->claimed++;
	if (row->at_most_once)
		call->engine->must_be_durable = true;
}

static text *
idempotency_key(pg_uuid_t *run_id, int execution, int task_id)
{
	return cstring_to_text(psprintf("%s-%d-%d",
									DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(run_id))),
									execution, task_id));
}

int64
pgdf_timeout_ms(const Interval *timeout)
{
	int64		days = (int64) timeout->month * 30 + timeout->day;

	return Max(1, days * 86400000 + timeout->time / 1000);
}

int64
pgdf_sql_timeout_ms(void)
{
	return pgdf_sql_activity_timeout > 0 ? pgdf_sql_activity_timeout : -1;
}

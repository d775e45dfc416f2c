/*
 * blocked.c
 *		Why a live instance does not go on: what df_status says beside a quarantine.
 *
 * Nothing of this is stored, or looked at by the engine: it is found out when
 * somebody asks.  A large fan-out is not read for it as a whole.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "blocked.h"
#include "identity.h"
#include "registry.h"
#include "spi.h"

static PgdfStatement instance_statement = {
	"SELECT owner::oid FROM df.instance_state"
	" WHERE instance_key = $1 AND completed_at IS NULL AND status = 0",
	1, {INT8OID}
};

static PgdfStatement dead_statement = {
	"SELECT coalesce(map_task_id, task_id), name, deliveries::int FROM df.tasks"
	" WHERE instance_key = $1 AND state = 4 ORDER BY task_id LIMIT 1",
	1, {INT8OID}
};

/* Of the first hundred that wait. */
static PgdfStatement unserved_statement = {
	"SELECT k.name, k.queue, EXISTS (SELECT FROM df.worker_sessions WHERE lease_until > clock_timestamp()),"
	"       (SELECT min(q.queue) FROM df.worker_sessions o CROSS JOIN LATERAL unnest(o.queues) q(queue)"
	"         WHERE o.lease_until > clock_timestamp() AND k.lane = ANY (o.activities))"
	"  FROM (SELECT task_id, name, queue, lane FROM df.tasks"
	"         WHERE instance_key = $1 AND state + 0 IN (0, 2)"
	"         ORDER BY task_id LIMIT 100) k"
	" WHERE NOT " PGDF_TASK_IS_SERVED("k")
	" ORDER BY k.task_id LIMIT 1",
	1, {INT8OID}
};

static PgdfStatement served_statement = {
	"SELECT " PGDF_TASK_IS_SERVED("k") " FROM (SELECT $1 AS queue, $2 AS lane) k",
	2, {TEXTOID, TEXTOID}
};

PG_FUNCTION_INFO_V1(df_lane_is_served);
PG_FUNCTION_INFO_V1(df_waiting_reason);

static char *find_reason(Datum key);
static char *dead_reason(Datum key);
static char *unserved_reason(Datum key);

/* df.lane_is_served(queue, lane): does a live worker claim what is queued there? */
Datum
df_lane_is_served(PG_FUNCTION_ARGS)
{
	Datum		values[2] = {PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)};
	PgdfIdentity caller;
	bool		is_served;
	bool		isnull;

	pgdf_enter(&caller);
	SPI_connect();
	pgdf_spi_execute(&served_statement, values, NULL);
	is_served = DatumGetBool(pgdf_spi_datum(0, 1, &isnull));
	SPI_finish();
	pgdf_leave(&caller);
	PG_RETURN_BOOL(is_served);
}

/* df.waiting_reason(instance_key): what a running instance waits for in vain, or NULL. */
Datum
df_waiting_reason(PG_FUNCTION_ARGS)
{
	Oid			role = GetUserId();
	MemoryContext caller_context = CurrentMemoryContext;
	Datum		key = PG_GETARG_DATUM(0);
	PgdfIdentity caller;
	char	   *reason = NULL;
	text	   *result = NULL;
	bool		isnull;

	pgdf_enter(&caller);
	SPI_connect();
	if (pgdf_spi_execute_latest(&instance_statement, &key, NULL) > 0 &&
		pgdf_may_act_for(role, DatumGetObjectId(pgdf_spi_datum(0, 1, &isnull))))
		reason = find_reason(key);
	if (reason != NULL)
	{
		MemoryContext spi_context = MemoryContextSwitchTo(caller_context);

		result = cstring_to_text(reason);
		MemoryContextSwitchTo(spi_context);
	}
	SPI_finish();
	pgdf_leave(&caller);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

static char *
find_reason(Datum key)
{
	char	   *reason = dead_reason(key);

	return reason != NULL ? reason : unserved_reason(key);
}

static char *
dead_reason(Datum key)
{
	if (pgdf_spi_execute_latest(&dead_statement, &key, NULL) == 0)
		return NULL;
	return psprintf("activity \"%s\" (task %d) is a dead letter; deliveries without an answer: %d",
					pgdf_spi_cstring(0, 2), pgdf_spi_int32(0, 1), pgdf_spi_int32(0, 3));
}

static char *
unserved_reason(Datum key)
{
	char	   *name;
	char	   *queue;
	char	   *other_queue;
	char	   *nearest;
	bool		has_workers;
	bool		isnull;

	if (pgdf_spi_execute_latest(&unserved_statement, &key, NULL) == 0)
		return NULL;
	name = pgdf_spi_cstring(0, 1);
	queue = pgdf_spi_cstring(0, 2);
	has_workers = DatumGetBool(pgdf_spi_datum(0, 3, &isnull));
	other_queue = pgdf_spi_cstring(0, 4);
	if (!has_workers)
		return psprintf("no worker is connected to run activity \"%s\" of queue \"%s\"", name, queue);
	if (other_queue != NULL)
		return psprintf("no worker serves activity \"%s\" on queue \"%s\"; one does on queue \"%s\"",
						name, queue, other_queue);
	nearest = pgdf_registry_nearest(name, KIND_WORKER);
	if (nearest == NULL || strcmp(pgdf_name_key(nearest), pgdf_name_key(name)) == 0)
		return psprintf("no worker serves activity \"%s\" on queue \"%s\"", name, queue);
	return psprintf("no worker serves activity \"%s\" on queue \"%s\"; the nearest known name is \"%s\"",
					name, queue, nearest);
}

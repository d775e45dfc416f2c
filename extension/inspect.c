/*
 * inspect.c
 *		What an operator asks: df_waits (what does it wait for, and where in the
 *		code), df_tree (who started whom).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "await.h"
#include "blocked.h"
#include "compat.h"
#include "home.h"
#include "identity.h"
#include "instance.h"
#include "spi.h"
#include "turn.h"

/*
 * The open members of an awaited expression with what is known of them.  Events
 * are in history only once they have been raised: their name comes from the tree.
 * The next attempt of a sub-orchestration is a timer of the child's own.
 */
static const char *const waits_sql =
"SELECT s.instance_id, a.task_id::bigint,"
"       CASE h.event_type WHEN 4 THEN 'activity' WHEN 7 THEN 'sub-orchestration'"
"                         WHEN 10 THEN 'timer' WHEN 50 THEN 'map' ELSE 'event' END,"
"       coalesce(h.name, a.name),"
"       coalesce(h.event_time, s.last_updated_at),"
"       coalesce(t.fire_at, k.visible_at, k.schedule_deadline, n.fire_at),"
"       CASE WHEN m.task_id IS NOT NULL THEN " PGDF_TASK_IS_SERVED("m")
"            WHEN k.state = 1 THEN true WHEN k.state = 4 THEN false"
"            WHEN k.state IN (0, 2) THEN " PGDF_TASK_IS_SERVED("k") " END,"
"       CASE WHEN m.task_id IS NULL THEN k.progress::jsonb"
"            ELSE jsonb_build_object('items', m.items, 'completed', m.completed, 'failed', m.failed) END,"
"       substring(s.waiting_at FROM 'function ([^\\n]*) line [0-9]+[^\\n]*$'),"
"       substring(s.waiting_at FROM 'line ([0-9]+)[^\\n]*$')::int"
"  FROM df.instance_state s"
" CROSS JOIN LATERAL df.awaited_tasks(s.awaited, s.await_remaining) a"
"  LEFT JOIN df.history h ON h.instance_key = s.instance_key AND h.execution = s.execution"
"                        AND h.task_id = a.task_id AND h.event_type IN (4, 7, 10, 50)"
"  LEFT JOIN df.timers t ON t.instance_key = s.instance_key AND t.task_id = a.task_id"
"  LEFT JOIN df.tasks k ON k.instance_key = s.instance_key AND k.task_id = a.task_id"
"  LEFT JOIN df.maps m ON m.instance_key = s.instance_key AND m.task_id = a.task_id"
"  LEFT JOIN df.instance_state c ON c.parent_instance_key = s.instance_key"
"                        AND c.parent_execution = s.execution AND c.parent_task_id = a.task_id"
"  LEFT JOIN df.timers n ON n.instance_key = c.instance_key AND n.task_id = 0"
" WHERE s.completed_at IS NULL AND s.awaited IS NOT NULL"
"   AND ($1 IS NULL OR s.instance_id = $1)"
"   AND ($3 OR pg_has_role($2, s.owner, 'MEMBER'))"
"   AND NOT EXISTS (SELECT FROM df.history o"
"                    WHERE o.instance_key = s.instance_key AND o.execution = s.execution"
"                      AND o.task_id = a.task_id AND o.event_type IN (5, 6, 8, 9, 11, 15)"
"                      AND o.event_id > coalesce("
"                          (SELECT max(r.event_id) FROM df.history r"
"                            WHERE r.instance_key = s.instance_key AND r.execution = s.execution"
"                              AND r.event_type = 21), 0))"
" ORDER BY s.instance_key, a.task_id";

/*
 * From the topmost ancestor that still exists down, as far as the caller may see:
 * who replaces an instance of a role that he is a member of owns what its old
 * children have as parent.
 */
static const char *const tree_sql =
"WITH RECURSIVE up AS ("
"    SELECT instance_key, parent_instance_key FROM df.instance_state WHERE instance_key = $1"
"    UNION ALL"
"    SELECT p.instance_key, p.parent_instance_key FROM up"
"      JOIN df.instance_state p ON p.instance_key = up.parent_instance_key"
"     WHERE $3 OR pg_has_role($2, p.owner, 'MEMBER')),"
" top AS (SELECT u.instance_key FROM up u"
"          WHERE NOT EXISTS (SELECT FROM up p WHERE p.instance_key = u.parent_instance_key)),"
" tree AS ("
"    SELECT 0 AS depth, ARRAY[s.instance_key] AS path, s.instance_key, s.instance_id,"
"           NULL::text COLLATE \"C\" AS parent_instance_id, s.name, s.status"
"      FROM top JOIN df.instance_state s USING (instance_key)"
"    UNION ALL"
"    SELECT t.depth + 1, t.path || c.instance_key, c.instance_key, c.instance_id,"
"           t.instance_id, c.name, c.status"
"      FROM tree t JOIN df.instance_state c ON c.parent_instance_key = t.instance_key"
"     WHERE $3 OR pg_has_role($2, c.owner, 'MEMBER'))"
" SELECT depth, instance_id, parent_instance_id, name, df.status_name(status)"
"   FROM tree ORDER BY path";

PG_FUNCTION_INFO_V1(df_waits);
PG_FUNCTION_INFO_V1(df_tree);
PG_FUNCTION_INFO_V1(df_awaited_tasks);

static void emit(FunctionCallInfo fcinfo, const char *sql, int nargs, Oid *types, Datum *values,
				 const char *nulls);

/* df_waits(instance_id): what it waits for; NULL: every live instance of the caller's. */
Datum
df_waits(PG_FUNCTION_ARGS)
{
	Oid			types[3] = {TEXTOID, OIDOID, BOOLOID};
	Oid			role = GetUserId();
	Datum		values[3];
	char		nulls[4] = "   ";
	PgdfIdentity caller;
	InstanceRef ref;

	pgdf_refuse_in_turn("df_waits");
	if (!pgdf_home_is_updated())
		ereport(ERROR, pgdf_home_outdated());
	values[0] = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	nulls[0] = PG_ARGISNULL(0) ? 'n' : ' ';
	values[1] = ObjectIdGetDatum(role);
	values[2] = BoolGetDatum(pgdf_is_admin(role));

	pgdf_enter(&caller);
	SPI_connect();
	if (!PG_ARGISNULL(0))
		pgdf_instance_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), role, &ref);
	emit(fcinfo, waits_sql, 3, types, values, nulls);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* df_tree(instance_id): the family of an instance, ancestors first. */
Datum
df_tree(PG_FUNCTION_ARGS)
{
	Oid			types[3] = {INT8OID, OIDOID, BOOLOID};
	Oid			role = GetUserId();
	Datum		values[3] = {(Datum) 0, ObjectIdGetDatum(role), BoolGetDatum(pgdf_is_admin(role))};
	PgdfIdentity caller;
	InstanceRef ref;

	pgdf_refuse_in_turn("df_tree");
	pgdf_enter(&caller);
	SPI_connect();
	pgdf_instance_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), role, &ref);
	values[0] = Int64GetDatum(ref.instance_key);
	emit(fcinfo, tree_sql, 3, types, values, NULL);
	SPI_finish();
	pgdf_leave(&caller);
	return (Datum) 0;
}

/* df.awaited_tasks(awaited, remaining): members of the nodes that are not satisfied. */
Datum
df_awaited_tasks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType  *remaining = PG_GETARG_ARRAYTYPE_P(1);
	AwaitTree  *tree = pgdf_await_deserialize(PG_GETARG_BYTEA_PP(0),
											  (const int32 *) ARR_DATA_PTR(remaining),
											  ArrayGetNItems(ARR_NDIM(remaining), ARR_DIMS(remaining)));

	InitMaterializedSRF(fcinfo, 0);
	for (int n = 0; n < tree->nnodes; n++)
	{
		const AwaitNode *node = &tree->nodes[n];

		if (tree->remaining[n] <= 0)
			continue;
		for (int r = node->first_range; r < node->first_range + node->nranges; r++)
		{
			for (int32 task = tree->ranges[r].first; task <= tree->ranges[r].last; task++)
			{
				const char *name = pgdf_await_waiter_name(tree, task);
				Datum		values[2] = {Int32GetDatum(task), (Datum) 0};
				bool		nulls[2] = {false, name == NULL};

				if (name != NULL)
					values[1] = CStringGetTextDatum(name);
				tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
				CHECK_FOR_INTERRUPTS();
			}
		}
	}
	return (Datum) 0;
}

/* An ordinary plan: these read many rows of one instance, or few of many. */
static void
emit(FunctionCallInfo fcinfo, const char *sql, int nargs, Oid *types, Datum *values,
	 const char *nulls)
{
	InitMaterializedSRF(fcinfo, 0);
	if (SPI_execute_with_args(sql, nargs, types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run statement: %s", sql);
	pgdf_spi_to_tuplestore((ReturnSetInfo *) fcinfo->resultinfo);
}

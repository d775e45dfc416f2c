/*
 * flush.c
 *		What an engine call has changed, written in bulk at its end.
 *
 * This file and df_start (instance.c) are the only writers of df.instance_state
 * but for what belongs to one concern: quarantine and its end (advance.c, pin.c,
 * repair.c), a child's retry policy (child_retry.c), and what a rewind must have
 * said before the call goes on: status, links to parents (rewind.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "bulk.h"
#include "fault.h"
#include "hand_out.h"
#include "instance.h"
#include "rewind.h"
#include "row.h"
#include "spi.h"

static const char *const task_columns[] = {
	"instance_key", "execution", "task_id", "scheduled_event", "lane", "name", "queue", "priority",
	"seq", "state", "visible_at", "deliveries", "attempts", "is_started", "at_most_once", "retry",
	"timeout", "scheduled_at", "schedule_deadline", "settings", "last_failure", "fence", "worker_key",
	"claimed_at"
};

static PgdfRowTable task_table = {"tasks", task_columns, lengthof(task_columns)};

static const char *const instance_columns[] = {
	"status", "last_updated_at", "completed_at", "output", "failure", "custom_status", "next_event_id",
	"next_task_id", "tasks_total", "tasks_completed", "turns", "turn_failures", "blocked_reason",
	"code_hash", "await_remaining", "awaited", "waiting_at", "buffered_events", "execution", "input",
	"blocked_hash", "history_bytes"
};

/* Where the row is that this transaction has moved since it was locked. */
static PgdfStatement place_statement = {
	"SELECT ctid FROM df.instance_state WHERE instance_key = $1",
	1, {INT8OID}
};

static PgdfStatement insert_timers_statement = {
	"INSERT INTO df.timers (instance_key, execution, task_id, fire_at)"
	" SELECT $1, $2, * FROM unnest($3, $4)",
	4, {INT8OID, INT4OID, INT4ARRAYOID, TIMESTAMPTZARRAYOID}
};

static void drop_purged(Engine *engine);
static void flush_events(Engine *engine);
static void flush_tasks(Engine *engine);
static bool is_one_new_task(const Engine *engine);
static void insert_task(BulkTable **tasks, bool is_only, const Engine *engine,
						const Instance *instance, const TaskRow *row);
static void flush_timers(Instance *instance);
static void flush_instances(Engine *engine);
static void flush_instance(BulkTable *instances, const Engine *engine, Instance *instance);
static int64 next_task_seq(void);

void
pgdf_engine_flush(Engine *engine)
{
	if (engine->purges_before != pgdf_purges)
		drop_purged(engine);
	flush_events(engine);
	PGDF_FAULT(history_written);
	flush_tasks(engine);
	PGDF_FAULT(tasks_written);
	flush_instances(engine);
	PGDF_FAULT(instances_written);
}

/* A turn has started an instance anew whose old one had ended, and this call holds that, for what reached it late. */
static void
drop_purged(Engine *engine)
{
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		Datum		key = Int64GetDatum(instance->key);

		instance->is_deleted = instance->is_deleted || pgdf_spi_execute(&place_statement, &key, NULL) == 0;
	}
	engine->purges_before = pgdf_purges;
}

static void
flush_events(Engine *engine)
{
	BulkTable  *history = NULL;
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		if (instance->is_deleted || instance->events->count == 0)
			continue;
		if (history == NULL)
			history = pgdf_events_open();
		instance->history_bytes += pgdf_events_bytes(instance->events);
		pgdf_events_write_to(history, instance->events);
	}
	if (history != NULL)
		pgdf_bulk_close(history);
}

/* A single one, as that of a chain's step, is written as such: the table's indexes are not worth opening for it. */
static void
flush_tasks(Engine *engine)
{
	BulkTable  *tasks = NULL;
	bool		is_only;
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	pgdf_hand_out_new(engine);
	is_only = is_one_new_task(engine);
	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		ListCell   *cell;

		if (instance->is_deleted || instance->new_tasks == NIL)
			continue;
		foreach(cell, instance->new_tasks)
		{
			const TaskRow *row = lfirst(cell);

			insert_task(&tasks, is_only, engine, instance, row);
			engine->tasks_queued += row->state == TASK_QUEUED || row->state == TASK_CLAIMED ? 1 : 0;
		}
		instance->new_tasks = NIL;
	}
	if (tasks != NULL)
		pgdf_bulk_close(tasks);
}

static bool
is_one_new_task(const Engine *engine)
{
	HASH_SEQ_STATUS scan;
	const Instance *instance;
	int			count = 0;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
		count += instance->is_deleted ? 0 : list_length(instance->new_tasks);
	return count == 1;
}

static void
insert_task(BulkTable **tasks, bool is_only, const Engine *engine, const Instance *instance,
			const TaskRow *row)
{
	Datum		values[lengthof(task_columns)];
	bool		nulls[lengthof(task_columns)] = {0};
	bool		is_claimed = row->state == TASK_CLAIMED;

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int32GetDatum(instance->execution);
	values[2] = Int32GetDatum(row->task_id);
	values[3] = Int32GetDatum(row->scheduled_event);
	values[4] = PointerGetDatum(row->lane);
	values[5] = PointerGetDatum(row->name);
	values[6] = PointerGetDatum(row->queue);
	values[7] = Int32GetDatum(row->priority);
	values[8] = Int64GetDatum(next_task_seq());
	values[9] = Int16GetDatum((int16) row->state);
	values[10] = TimestampTzGetDatum(row->visible_at);
	nulls[10] = !row->has_visible_at;
	values[11] = Int16GetDatum(is_claimed ? 1 : 0);
	values[12] = Int16GetDatum((int16) row->attempts + (is_claimed && row->at_most_once ? 1 : 0));
	values[13] = BoolGetDatum(is_claimed && row->at_most_once);
	values[14] = BoolGetDatum(row->at_most_once);
	values[15] = PointerGetDatum(row->retry);
	nulls[15] = row->retry == NULL;
	values[16] = IntervalPGetDatum(row->timeout);
	nulls[16] = row->timeout == NULL;
	values[17] = TimestampTzGetDatum(engine->now);
	values[18] = TimestampTzGetDatum(row->schedule_deadline);
	nulls[18] = !row->has_schedule_deadline;
	values[19] = PointerGetDatum(row->settings);
	nulls[19] = row->settings == NULL;
	values[20] = PointerGetDatum(row->last_failure);
	nulls[20] = row->last_failure == NULL;
	values[21] = Int64GetDatum(row->fence);
	values[22] = Int64GetDatum(engine->worker_key);
	values[23] = TimestampTzGetDatum(engine->now);
	nulls[21] = nulls[22] = nulls[23] = !is_claimed;
	if (is_only && pgdf_row_insert(&task_table, values, nulls))
		return;
	if (*tasks == NULL)
		*tasks = pgdf_bulk_open(task_table.name, task_columns, lengthof(task_columns));
	pgdf_bulk_insert(*tasks, values, nulls);
}

/* What the column's default says. */
static int64
next_task_seq(void)
{
	static Oid	sequence = InvalidOid;

	/* it may have been dropped with the extension, and made again */
	if (!OidIsValid(sequence) || get_rel_relkind(sequence) != RELKIND_SEQUENCE)
		sequence = get_relname_relid("task_seq", get_namespace_oid("df", false));
	return nextval_internal(sequence, false);
}

static void
flush_timers(Instance *instance)
{
	int			n = list_length(instance->new_timers);
	ColumnArray task_ids;
	ColumnArray fire_ats;
	Datum		values[4] = {Int64GetDatum(instance->key), Int32GetDatum(instance->execution)};

	if (n == 0)
		return;
	pgdf_column_init(&task_ids, n);
	pgdf_column_init(&fire_ats, n);
	for (int i = 0; i < n; i++)
	{
		const TimerRow *timer = list_nth(instance->new_timers, i);

		pgdf_column_set(&task_ids, i, Int32GetDatum(timer->task_id), false);
		pgdf_column_set(&fire_ats, i, TimestampTzGetDatum(timer->fire_at), false);
	}
	values[2] = pgdf_column_array(&task_ids, INT4ARRAYOID);
	values[3] = pgdf_column_array(&fire_ats, TIMESTAMPTZARRAYOID);
	pgdf_spi_execute(&insert_timers_statement, values, NULL);
	instance->new_timers = NIL;
}

static void
flush_instances(Engine *engine)
{
	BulkTable  *instances = NULL;
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		if (!instance->is_dirty || instance->is_deleted)
			continue;
		flush_timers(instance);
		if (instances == NULL)
			instances = pgdf_bulk_open("instance_state", instance_columns,
									   lengthof(instance_columns));
		flush_instance(instances, engine, instance);
	}
	if (instances != NULL)
		pgdf_bulk_close(instances);
}

static void
flush_instance(BulkTable *instances, const Engine *engine, Instance *instance)
{
	Datum		values[lengthof(instance_columns)] = {0};
	bool		nulls[lengthof(instance_columns)] = {0};
	bool		is_changed[lengthof(instance_columns)];
	Datum		key = Int64GetDatum(instance->key);

	memset(is_changed, true, sizeof(is_changed));
	values[0] = Int16GetDatum((int16) instance->status);
	values[1] = TimestampTzGetDatum(engine->now);
	is_changed[2] = is_changed[3] = is_changed[4] = instance->end != END_KEPT;
	values[2] = TimestampTzGetDatum(engine->now);
	nulls[2] = instance->end == END_CLEARED;
	values[3] = PointerGetDatum(instance->output);
	nulls[3] = instance->output == NULL;
	values[4] = PointerGetDatum(instance->failure);
	nulls[4] = instance->failure == NULL;
	is_changed[5] = instance->has_custom_status;
	values[5] = PointerGetDatum(instance->custom_status);
	nulls[5] = instance->custom_status == NULL;
	values[6] = Int32GetDatum(instance->next_event_id);
	values[7] = Int32GetDatum(instance->next_task_id);
	values[8] = Int32GetDatum(instance->tasks_total);
	values[9] = Int32GetDatum(instance->tasks_completed);
	values[10] = Int32GetDatum(instance->turns);
	values[11] = Int16GetDatum((int16) instance->turn_failures);
	nulls[12] = instance->blocked_reason == NULL;
	values[12] = nulls[12] ? (Datum) 0 : CStringGetTextDatum(instance->blocked_reason);
	nulls[13] = instance->code_hash == NULL;
	values[13] = nulls[13] ? (Datum) 0 : CStringGetTextDatum(instance->code_hash);
	nulls[14] = instance->awaited == NULL;
	if (!nulls[14])
	{
		ColumnArray remaining;

		pgdf_column_init(&remaining, instance->awaited->nnodes);
		for (int i = 0; i < instance->awaited->nnodes; i++)
			pgdf_column_set(&remaining, i, Int32GetDatum(instance->awaited->remaining[i]), false);
		values[14] = pgdf_column_array(&remaining, INT4ARRAYOID);
	}
	is_changed[15] = is_changed[16] = instance->is_awaited_dirty;
	nulls[15] = !instance->is_awaited_dirty || instance->awaited == NULL;
	values[15] = nulls[15] ? (Datum) 0 : PointerGetDatum(pgdf_await_serialize(instance->awaited));
	nulls[16] = instance->waiting_at == NULL;
	values[16] = nulls[16] ? (Datum) 0 : CStringGetTextDatum(instance->waiting_at);
	values[17] = Int32GetDatum(instance->buffered_events);
	values[18] = Int32GetDatum(instance->execution);
	is_changed[19] = instance->is_input_dirty;
	nulls[19] = !instance->is_input_dirty || instance->input == NULL;
	values[19] = PointerGetDatum(instance->input);
	nulls[20] = instance->blocked_hash == NULL;
	values[20] = nulls[20] ? (Datum) 0 : CStringGetTextDatum(instance->blocked_hash);
	values[21] = Int64GetDatum(instance->history_bytes);

	if (!pgdf_bulk_update(instances, &instance->place, values, nulls, is_changed) &&
		pgdf_spi_execute(&place_statement, &key, NULL) > 0)
	{
		bool		isnull;

		instance->place = *(ItemPointer) DatumGetPointer(pgdf_spi_datum(0, 1, &isnull));
		if (!pgdf_bulk_update(instances, &instance->place, values, nulls, is_changed))
			elog(ERROR, "could not find the row of instance " INT64_FORMAT, instance->key);
	}
	instance->is_dirty = instance->is_awaited_dirty = instance->is_input_dirty = false;
}

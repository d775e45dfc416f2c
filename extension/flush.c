/*
 * flush.c
 *		What an engine call has changed, written in bulk at its end.
 *
 * This file and df_start (instance.c) are the only writers of df.instance_state
 * but for what belongs to one concern: quarantine (advance.c, pin.c) and the link
 * to a parent that a rewind cuts (rewind.c).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "fault.h"
#include "rewind.h"
#include "spi.h"

static PgdfStatement update_statement = {
	"UPDATE df.instance_state"
	"   SET status = $2, last_updated_at = $3,"
	"       completed_at = CASE $4 WHEN 0 THEN completed_at WHEN 1 THEN $3 END,"
	"       output = CASE $4 WHEN 0 THEN output ELSE $5 END,"
	"       failure = CASE $4 WHEN 0 THEN failure ELSE $6 END,"
	"       custom_status = CASE WHEN $7 THEN $8 ELSE custom_status END,"
	"       next_event_id = $9, next_task_id = $10, tasks_total = $11, tasks_completed = $12,"
	"       turns = $13, turn_failures = $14::smallint, blocked_reason = $15, code_hash = $16,"
	"       await_remaining = $17, awaited = CASE WHEN $18 THEN $19 ELSE awaited END,"
	"       buffered_events = $20, execution = $21, input = CASE WHEN $22 THEN $23 ELSE input END,"
	"       blocked_hash = $24, waiting_at = CASE WHEN $18 THEN $25 ELSE waiting_at END,"
	"       history_bytes = $26"
	" WHERE instance_key = $1",
	26, {INT8OID, INT2OID, TIMESTAMPTZOID, INT4OID, JSONOID, JSONOID, BOOLOID, JSONOID,
		INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, INT4OID, TEXTOID, TEXTOID, INT4ARRAYOID,
		BOOLOID, BYTEAOID, INT4OID, INT4OID, BOOLOID, JSONOID, TEXTOID, TEXTOID, INT8OID}
};

static PgdfStatement insert_tasks_statement = {
	"INSERT INTO df.tasks (instance_key, execution, task_id, scheduled_event, lane, name, queue,"
	"                      priority, state, visible_at, attempts, at_most_once, retry, timeout,"
	"                      scheduled_at, schedule_deadline, settings, last_failure)"
	" SELECT t.k, t.e, t.task_id, t.scheduled_event, t.lane, t.name, t.queue, t.priority, t.state,"
	"        t.visible_at, t.attempts, t.at_most_once, t.retry, t.timeout, $18,"
	"        t.deadline, t.settings, t.last_failure"
	"   FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
	"     AS t(k, e, task_id, scheduled_event, lane, name, queue, priority, state,"
	"          visible_at, attempts, at_most_once, retry, timeout, deadline, settings, last_failure)",
	18, {INT8ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID, TEXTARRAYOID, TEXTARRAYOID,
		TEXTARRAYOID, INT4ARRAYOID, INT2ARRAYOID, TIMESTAMPTZARRAYOID, INT2ARRAYOID, BOOLARRAYOID,
		JSONARRAYOID, INTERVALARRAYOID, TIMESTAMPTZARRAYOID, JSONARRAYOID, JSONARRAYOID,
		TIMESTAMPTZOID}
};

static PgdfStatement insert_timers_statement = {
	"INSERT INTO df.timers (instance_key, execution, task_id, fire_at)"
	" SELECT $1, $2, * FROM unnest($3, $4)",
	4, {INT8OID, INT4OID, INT4ARRAYOID, TIMESTAMPTZARRAYOID}
};

static void flush_events(Engine *engine);
static void flush_tasks(Engine *engine);
static void flush_timers(Instance *instance);
static void flush_instance(Engine *engine, Instance *instance);

void
pgdf_engine_flush(Engine *engine)
{
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	flush_events(engine);
	PGDF_FAULT(history_written);
	flush_tasks(engine);
	PGDF_FAULT(tasks_written);
	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		if (!instance->is_dirty || instance->is_deleted)
			continue;
		flush_timers(instance);
		flush_instance(engine, instance);
	}
	PGDF_FAULT(instances_written);
}

static void
flush_events(Engine *engine)
{
	EventBuffer *all = pgdf_events_create(engine->context);
	HASH_SEQ_STATUS scan;
	Instance   *instance;

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		if (instance->is_deleted)
			continue;
		for (int i = 0; i < instance->events->count; i++)
			memcpy(pgdf_events_add(all), &instance->events->events[i], sizeof(Event));
		instance->history_bytes += pgdf_events_bytes(instance->events);
		instance->events->count = 0;
	}
	pgdf_events_write(all);
}

static void
flush_tasks(Engine *engine)
{
	HASH_SEQ_STATUS scan;
	Instance   *instance;
	int			count = 0;
	int			queued = 0;
	int			n = 0;
	ColumnArray columns[17];
	Datum		values[18];

	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
		count += instance->is_deleted ? 0 : list_length(instance->new_tasks);
	if (count == 0)
		return;

	for (int c = 0; c < lengthof(columns); c++)
		pgdf_column_init(&columns[c], count);
	hash_seq_init(&scan, engine->instances);
	while ((instance = hash_seq_search(&scan)) != NULL)
	{
		ListCell   *cell;

		if (instance->is_deleted)
			continue;
		foreach(cell, instance->new_tasks)
		{
			const TaskRow *row = lfirst(cell);

			queued += row->state == TASK_QUEUED ? 1 : 0;
			pgdf_column_set(&columns[0], n, Int64GetDatum(instance->key), false);
			pgdf_column_set(&columns[1], n, Int32GetDatum(instance->execution), false);
			pgdf_column_set(&columns[2], n, Int32GetDatum(row->task_id), false);
			pgdf_column_set(&columns[3], n, Int32GetDatum(row->scheduled_event), false);
			pgdf_column_set(&columns[4], n, PointerGetDatum(row->lane), false);
			pgdf_column_set(&columns[5], n, PointerGetDatum(row->name), false);
			pgdf_column_set(&columns[6], n, PointerGetDatum(row->queue), false);
			pgdf_column_set(&columns[7], n, Int32GetDatum(row->priority), false);
			pgdf_column_set(&columns[8], n, Int16GetDatum((int16) row->state), false);
			pgdf_column_set(&columns[9], n, TimestampTzGetDatum(row->visible_at), !row->has_visible_at);
			pgdf_column_set(&columns[10], n, Int16GetDatum((int16) row->attempts), false);
			pgdf_column_set(&columns[11], n, BoolGetDatum(row->at_most_once), false);
			pgdf_column_set(&columns[12], n, PointerGetDatum(row->retry), row->retry == NULL);
			pgdf_column_set(&columns[13], n, IntervalPGetDatum(row->timeout), row->timeout == NULL);
			pgdf_column_set(&columns[14], n, TimestampTzGetDatum(row->schedule_deadline),
							!row->has_schedule_deadline);
			pgdf_column_set(&columns[15], n, PointerGetDatum(row->settings), row->settings == NULL);
			pgdf_column_set(&columns[16], n, PointerGetDatum(row->last_failure), row->last_failure == NULL);
			n++;
		}
		instance->new_tasks = NIL;
	}
	for (int c = 0; c < lengthof(columns); c++)
		values[c] = pgdf_column_array(&columns[c], insert_tasks_statement.argtypes[c]);
	values[17] = TimestampTzGetDatum(engine->now);
	pgdf_spi_execute(&insert_tasks_statement, values, NULL);
	engine->tasks_queued += queued;
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
flush_instance(Engine *engine, Instance *instance)
{
	Datum		values[26];
	bool		nulls[26] = {0};

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int16GetDatum((int16) instance->status);
	values[2] = TimestampTzGetDatum(engine->now);
	values[3] = Int32GetDatum(instance->end);
	values[4] = PointerGetDatum(instance->output);
	nulls[4] = instance->output == NULL;
	values[5] = PointerGetDatum(instance->failure);
	nulls[5] = instance->failure == NULL;
	values[6] = BoolGetDatum(instance->has_custom_status);
	values[7] = PointerGetDatum(instance->custom_status);
	nulls[7] = instance->custom_status == NULL;
	values[8] = Int32GetDatum(instance->next_event_id);
	values[9] = Int32GetDatum(instance->next_task_id);
	values[10] = Int32GetDatum(instance->tasks_total);
	values[11] = Int32GetDatum(instance->tasks_completed);
	values[12] = Int32GetDatum(instance->turns);
	values[13] = Int32GetDatum(instance->turn_failures);
	nulls[14] = instance->blocked_reason == NULL;
	values[14] = nulls[14] ? (Datum) 0 : CStringGetTextDatum(instance->blocked_reason);
	nulls[15] = instance->code_hash == NULL;
	values[15] = nulls[15] ? (Datum) 0 : CStringGetTextDatum(instance->code_hash);
	nulls[16] = instance->awaited == NULL;
	if (!nulls[16])
	{
		ColumnArray remaining;

		pgdf_column_init(&remaining, instance->awaited->nnodes);
		for (int i = 0; i < instance->awaited->nnodes; i++)
			pgdf_column_set(&remaining, i, Int32GetDatum(instance->awaited->remaining[i]), false);
		values[16] = pgdf_column_array(&remaining, INT4ARRAYOID);
	}
	values[17] = BoolGetDatum(instance->is_awaited_dirty);
	nulls[18] = !instance->is_awaited_dirty || instance->awaited == NULL;
	values[18] = nulls[18] ? (Datum) 0 : PointerGetDatum(pgdf_await_serialize(instance->awaited));
	values[19] = Int32GetDatum(instance->buffered_events);
	values[20] = Int32GetDatum(instance->execution);
	values[21] = BoolGetDatum(instance->is_input_dirty);
	nulls[22] = !instance->is_input_dirty || instance->input == NULL;
	values[22] = PointerGetDatum(instance->input);
	nulls[23] = instance->blocked_hash == NULL;
	values[23] = nulls[23] ? (Datum) 0 : CStringGetTextDatum(instance->blocked_hash);
	nulls[24] = instance->waiting_at == NULL;
	values[24] = nulls[24] ? (Datum) 0 : CStringGetTextDatum(instance->waiting_at);
	values[25] = Int64GetDatum(instance->history_bytes);
	pgdf_spi_execute(&update_statement, values, nulls);
	instance->is_dirty = instance->is_awaited_dirty = instance->is_input_dirty = false;
}

/*
 * decide.c
 *		What a turn has decided becomes events in history, and rows where
 *		something is to be done.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "event.h"
#include "instance.h"
#include "limit.h"
#include "map.h"
#include "retry.h"
#include "rewind.h"
#include "task.h"

static const TaskOptions no_options = {0};

static EventType created_event(TaskKind kind);
static void apply_task(Engine *engine, Instance *instance, int number, TurnTask *task,
					   Event *event);
static TaskRow *activity_row(Engine *engine, const Instance *instance, int number,
							 const TurnTask *task, const Registration *registration);
static void schedule_activity(Engine *engine, Instance *instance, int number, TurnTask *task);
static void schedule_map(Engine *engine, Instance *instance, int number, TurnTask *task);
static void schedule_timer(Instance *instance, int number, TurnTask *task);
static void check_history(Instance *instance, int events_before);
static bool crosses(int64 before, int64 after, int64 limit);
static void start_child(Engine *engine, Instance *instance, int number, TurnTask *task);
static text *start_detached(Engine *engine, Instance *instance, TurnTask *task);
static StartRequest start_request(const Instance *instance, const TurnTask *task);

void
pgdf_decisions_apply(Engine *engine, Instance *instance, Turn *turn, bool is_final)
{
	Replay	   *replay = turn->replay;
	TimestampTz now = GetCurrentTimestamp();
	int			events_before = instance->next_event_id;
	int			last = replay->ntasks;
	ListCell   *cell;

	for (int number = replay->ntasks + 1; number < turn->next_task; number++)
	{
		TurnTask   *task = &replay->tasks[number - 1];
		Event	   *event;

		if (task->kind == TASK_EVENT)
			continue;			/* history has it when an event is bound to it */
		event = pgdf_instance_add_event(instance, created_event(task->kind), now);
		event->task_id = number;
		event->name = task->name ? cstring_to_text(task->name) : NULL;
		event->input_hash = task->input_hash;
		event->has_input_hash = true;
		event->payload = task->input;
		task->scheduled_event = event->event_id;
		last = number;
		if (!is_final || task->kind == TASK_SEND || task->kind == TASK_CHILD)
			apply_task(engine, instance, number, task, event);
	}
	foreach(cell, turn->restarted)
		start_child(engine, instance, lfirst_int(cell), &replay->tasks[lfirst_int(cell) - 1]);
	pgdf_replay_forget_restarts(replay);
	check_history(instance, events_before);
	replay->ntasks = last;
	instance->next_task_id = Max(instance->next_task_id, turn->next_task);
}

/* A history that nobody can replay in good time is told of early, and ends by standing still. */
static void
check_history(Instance *instance, int events_before)
{
	int64		bytes = instance->history_bytes + pgdf_events_bytes(instance->events);

	if (instance->next_event_id > pgdf_max_history_events)
		pgdf_instance_block(instance,
							psprintf("history has more than %d events (pgdf.max_history_events)",
									 pgdf_max_history_events));
	else if (bytes > (int64) pgdf_max_history_bytes * 1024)
		pgdf_instance_block(instance,
							psprintf("history has more than %d kB (pgdf.max_history_bytes)",
									 pgdf_max_history_bytes));
	else if (crosses(events_before, instance->next_event_id, pgdf_max_history_events / 10) ||
			 crosses(instance->history_bytes, bytes, (int64) pgdf_max_history_bytes * 1024 / 10))
		ereport(LOG,
				(errmsg("history of instance \"%s\" has %d events with " INT64_FORMAT " kB",
						instance->instance_id, instance->next_event_id - 1, bytes / 1024),
				 errdetail("It may have %d events and %d kB.", pgdf_max_history_events, pgdf_max_history_bytes),
				 errhint("Use sub-orchestrations, df_map or df_continue_as_new().")));
}

static bool
crosses(int64 before, int64 after, int64 limit)
{
	return before <= limit && after > limit;
}

static EventType
created_event(TaskKind kind)
{
	switch (kind)
	{
		case TASK_ACTIVITY:
			return EVENT_TASK_SCHEDULED;
		case TASK_RECORD:
			return EVENT_GENERIC;
		case TASK_TIMER:
			return EVENT_TIMER_CREATED;
		case TASK_CHILD:
			return EVENT_CHILD_CREATED;
		case TASK_SEND:
			return EVENT_EVENT_SENT;
		case TASK_MAP:
			return EVENT_MAP_SCHEDULED;
		case TASK_EVENT:
			break;
	}
	elog(ERROR, "unexpected kind of task: %d", (int) kind);
	return EVENT_GENERIC;
}

static void
apply_task(Engine *engine, Instance *instance, int number, TurnTask *task, Event *event)
{
	switch (task->kind)
	{
		case TASK_ACTIVITY:
			instance->tasks_total++;
			if (!task->is_cancelled)
				schedule_activity(engine, instance, number, task);
			break;
		case TASK_TIMER:
			if (!task->is_cancelled)
				schedule_timer(instance, number, task);
			break;
		case TASK_CHILD:
			instance->tasks_total++;
			start_child(engine, instance, number, task);
			break;
		case TASK_SEND:
			event->failure = task->options->event_name == NULL ?
				start_detached(engine, instance, task) :
				pgdf_event_send(engine, instance, task->options, task->input);
			break;
		case TASK_MAP:
			if (!task->is_cancelled)
				schedule_map(engine, instance, number, task);
			break;
		case TASK_RECORD:
		case TASK_EVENT:
			break;
	}
}

/* What a new activity, or each item of a map, has from its call and its registration. */
static TaskRow *
activity_row(Engine *engine, const Instance *instance, int number, const TurnTask *task,
			 const Registration *registration)
{
	const TaskOptions *options = task->options ? task->options : &no_options;
	TaskRow    *row = palloc0(sizeof(TaskRow));
	RetryPolicy policy;
	const char *queue;

	row->task_id = number;
	row->scheduled_event = task->scheduled_event;
	row->name = cstring_to_text(task->name);
	row->lane = pgdf_task_lane(registration, task->name);
	queue = options->queue ? options->queue :
		registration != NULL && registration->queue != NULL ? registration->queue :
		instance->queue != NULL ? instance->queue : PGDF_DEFAULT_QUEUE;
	row->queue = cstring_to_text(queue);
	row->priority = options->has_priority ? options->priority : instance->priority;
	row->state = TASK_QUEUED;
	row->retry = options->retry ? options->retry : registration ? registration->retry : NULL;
	row->at_most_once = row->retry != NULL && pgdf_retry_parse(row->retry, &policy) &&
		policy.max_attempts == 1;
	row->timeout = options->timeout ? options->timeout : registration ? registration->timeout : NULL;
	row->settings = registration ? registration->settings : NULL;
	row->input = task->input;
	if (options->schedule_timeout != NULL)
	{
		row->has_schedule_deadline = true;
		row->schedule_deadline = DatumGetTimestampTz(
			DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(engine->now),
								IntervalPGetDatum(options->schedule_timeout)));
	}
	return row;
}

/* A row for a new activity; one that runs in the database may be run before it is written. */
static void
schedule_activity(Engine *engine, Instance *instance, int number, TurnTask *task)
{
	const Registration *registration = pgdf_engine_registration(engine, task->name, NULL);
	TaskRow    *row = activity_row(engine, instance, number, task, registration);

	if (registration != NULL && registration->kind == KIND_SQL &&
		!pgdf_limit_is_set(task->name) &&
		pgdf_engine_serves_queue(engine, text_to_cstring(row->queue)))
	{
		InlineTask *inline_task = palloc(sizeof(InlineTask));

		inline_task->registration = registration;
		inline_task->input = task->input;
		inline_task->row = *row;
		instance->inline_tasks = lappend(instance->inline_tasks, inline_task);
	}
	else
		instance->new_tasks = lappend(instance->new_tasks, row);
}

/* A map of nothing has no activity, and needs none. */
static void
schedule_map(Engine *engine, Instance *instance, int number, TurnTask *task)
{
	const Registration *registration = task->name == NULL ? NULL :
	pgdf_engine_registration(engine, task->name, NULL);
	TaskRow		nothing = {.task_id = number};
	TaskRow    *row = task->name == NULL ? &nothing :
	activity_row(engine, instance, number, task, registration);

	if (task->name != NULL)
		row->lane = pgdf_map_lane(row->lane);
	pgdf_map_schedule(engine, instance, task->options->inputs, task->options->max_in_flight, row);
}

static void
schedule_timer(Instance *instance, int number, TurnTask *task)
{
	TimerRow   *timer = palloc(sizeof(TimerRow));

	timer->task_id = number;
	timer->fire_at = task->options->fire_at;
	instance->new_timers = lappend(instance->new_timers, timer);
}

/* A child that cannot be started has failed: its parent decides what that means. */
static void
start_child(Engine *engine, Instance *instance, int number, TurnTask *task)
{
	StartRequest request = start_request(instance, task);
	text	   *failure;

	request.parent_instance_key = instance->key;
	request.parent_execution = instance->execution;
	request.parent_task_id = number;
	request.root_instance_key = instance->root_key;
	request.retry = task->options->retry;
	failure = pgdf_instance_try_start(&request);
	if (failure == NULL)
	{
		engine->sent++;
		engine->more = true;
	}
	else
	{
		/* through the inbox: the orchestrator is not awaiting anything yet */
		Delivery	delivery = {.type = EVENT_CHILD_FAILED,.execution = instance->execution,
			.task_id = number,.time = engine->now,.failure = failure};

		pgdf_delivery_insert(instance->key, &delivery);
		engine->more = true;
	}
}

/* df_start in a turn.  Returns why it could not be done, for history. */
static text *
start_detached(Engine *engine, Instance *instance, TurnTask *task)
{
	StartRequest request = start_request(instance, task);

	request.if_exists = (IfExists) task->options->if_exists;
	request.has_start_at = task->options->has_start_at;
	request.start_at = task->options->start_at;
	request.priority = task->options->priority;
	request.queue = task->options->queue;
	engine->sent++;
	engine->more = true;
	return pgdf_instance_try_start(&request);
}

static StartRequest
start_request(const Instance *instance, const TurnTask *task)
{
	StartRequest request = {0};

	request.name = task->kind == TASK_SEND ? task->name + strlen(PGDF_START_PREFIX) : task->name;
	request.input = task->input;
	request.instance_id = task->options->instance_id;
	request.version = task->options->version;
	request.tags = task->options->tags;
	request.priority = instance->priority;
	request.queue = instance->queue;
	request.owner = instance->owner;
	return request;
}

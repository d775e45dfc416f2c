/*
 * orchestrate.c
 *		Run turns: load history, replay, collect decisions, apply them.
 *
 * The function runs in a subtransaction that is always rolled back.  What it
 * decided is in memory (turn.h) and is applied afterwards, or not at all: a turn
 * that was cancelled, diverged or hit a passing error leaves nothing but a count.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "child_retry.h"
#include "failure.h"
#include "fault.h"
#include "map.h"
#include "orchestrate.h"
#include "payload.h"
#include "pin.h"
#include "replay_cache.h"
#include "rewind.h"
#include "scan.h"
#include "spi.h"
#include "sql_activity.h"

/* After so many turns in a row that could not be finished, an instance is quarantined. */
#define TURN_FAILURES_MAX	3

/* How long it rests after the first and before the last of them, in ms. */
#define TURN_RETRY_MS		1000

/* And when another session has one of the tasks that its end would forget. */
#define TASKS_RETRY_MS		20

/* So much of the lines that say where an instance waits is kept. */
#define CONTEXT_BYTES_MAX	8192

/* An instance that goes on at once lets others have theirs after so many turns. */
#define TURNS_IN_A_ROW		8

/* To undo the beginning of a turn. */
typedef struct TurnMark
{
	int			events;
	int			next_event_id;
	int			nstarts;
} TurnMark;

static const char *const event_names[] = {
	"event_id", "event_type", "task_id", "event_time", "name", "input_hash", "payload", "failure"
};

typedef enum EventColumn
{
	EVENT_COLUMN_ID, EVENT_COLUMN_TYPE, EVENT_COLUMN_TASK_ID, EVENT_COLUMN_TIME, EVENT_COLUMN_NAME,
	EVENT_COLUMN_INPUT_HASH, EVENT_COLUMN_PAYLOAD, EVENT_COLUMN_FAILURE
} EventColumn;

static ScanColumns event_columns = {event_names, lengthof(event_names)};

static PgdfStatement insert_timer_statement = {
	"INSERT INTO df.timers (instance_key, task_id, execution, fire_at) VALUES ($1, $2, $3, $4)"
	" ON CONFLICT (instance_key, task_id) DO UPDATE SET fire_at = EXCLUDED.fire_at",
	4, {INT8OID, INT4OID, INT4OID, TIMESTAMPTZOID}
};

static void advance_instance(Engine *engine, Instance *instance);
static bool budget_is_left(const Engine *engine, const Instance *instance);
static void leave_for_later(Engine *engine, Instance *instance);
static void run_turn(Engine *engine, Instance *instance);
static void load_replay(Instance *instance);
static void replay_stored_event(Replay *replay, const TableScan *history);
static Datum event_datum(const TableScan *history, EventColumn column, bool *isnull);
static text *event_text(const TableScan *history, EventColumn column, MemoryContext context);
static TurnMark begin_turn(Instance *instance);
static void undo_turn(Instance *instance, const TurnMark *mark);
static void run_function(Instance *instance, const Registration *registration, Turn *turn,
						 UserCode *code);
static void pin_code(Engine *engine, Instance *instance, const UserCode *code);
static bool is_pinned_already(const Engine *engine, const char *code_hash);
static void apply_turn(Engine *engine, Instance *instance, Turn *turn, UserCode *code,
					   const TurnMark *mark);
static void apply_suspended(Engine *engine, Instance *instance, Turn *turn);
static void fail_instance(Engine *engine, Instance *instance, const Turn *turn, ErrorData *error);
static void handle_divergence(Engine *engine, Instance *instance, const Turn *turn);
static void handle_unfinished(Engine *engine, Instance *instance, const char *reason);
static char *outermost_lines(char *context);
static void rest(Instance *instance, int ms);

void
pgdf_engine_advance(Engine *engine)
{
	while (engine->ready != NIL)
	{
		Instance   *instance = linitial(engine->ready);

		engine->ready = list_delete_first(engine->ready);
		instance->is_queued = false;
		if (pgdf_instance_is_ready(instance))
			advance_instance(engine, instance);
	}
}

/* It goes on as long as it can, but not for ever while others wait. */
static void
advance_instance(Engine *engine, Instance *instance)
{
	for (int i = 0; i < TURNS_IN_A_ROW; i++)
	{
		if (!budget_is_left(engine, instance))
		{
			leave_for_later(engine, instance);
			return;
		}
		run_turn(engine, instance);
		pgdf_sql_activities_run(engine, instance);
		CHECK_FOR_INTERRUPTS();
		if (!instance->is_queued || llast(engine->ready) != instance)
			return;
		engine->ready = list_delete_last(engine->ready);
		instance->is_queued = false;
	}
	pgdf_instance_check_ready(engine, instance);
}

/*
 * Turns are counted by instances: how many one has in a call, only time limits.  But a
 * careful call writes each turn by itself.
 */
static bool
budget_is_left(const Engine *engine, const Instance *instance)
{
	if (engine->turns_left <= 0 && (engine->is_careful || instance->turns_now == 0))
		return false;
	return engine->turns == 0 || GetCurrentTimestamp() < engine->deadline;
}

/* Its counters are written with everything else; a row in the inbox brings it back. */
static void
leave_for_later(Engine *engine, Instance *instance)
{
	Delivery	wake = {.type = EVENT_ORCHESTRATOR_STARTED,.execution = -1,.time = engine->now};

	pgdf_delivery_insert(instance->key, &wake);
	engine->more = true;
}

static void
run_turn(Engine *engine, Instance *instance)
{
	const Registration *registration = pgdf_engine_registration(engine, instance->name,
																instance->version);
	MemoryContext caller = MemoryContextSwitchTo(instance->context);
	TurnMark	mark;
	Turn	   *turn;
	UserCode	code = {0};

	if (registration == NULL || registration->kind != KIND_ORCHESTRATOR)
	{
		pgdf_instance_block(instance,
							psprintf("orchestrator \"%s\" is not registered", instance->name));
		instance->blocked_hash = "";	/* any code will do */
		MemoryContextSwitchTo(caller);
		return;
	}
	if (instance->replay == NULL)
		load_replay(instance);

	mark = begin_turn(instance);
	turn = pgdf_turn_create(instance->context, instance->replay);
	turn->instance_key = instance->key;
	turn->instance_id = instance->instance_id;
	turn->name = instance->name;
	turn->run_id = instance->run_id;
	turn->execution = instance->execution;
	turn->input = pgdf_payload_to_jsonb(instance->input == NULL ? NULL :
										DatumGetTextPP(PointerGetDatum(instance->input)));

	PGDF_FAULT(turn_begun);
	run_function(instance, registration, turn, &code);
	PGDF_FAULT(turn_run);
	engine->turns++;
	if (engine->is_careful || instance->turns_now++ == 0)
		engine->turns_left--;
	apply_turn(engine, instance, turn, &code, &mark);
	PGDF_FAULT(turn_applied);
	pgdf_map_inputs_free(turn);
	if (instance->blocked_reason != NULL)
		instance->blocked_hash = pgdf_registry_current_hash(registration);
	MemoryContextSwitchTo(caller);
}

/* ------------------------------------------------------------------ replay */

static void
load_replay(Instance *instance)
{
	const EventBuffer *new = instance->events;
	StoredHistory stored = {.instance_key = instance->key,.run_id = instance->run_id,
	.execution = instance->execution};

	stored.last_event = (new->count > 0 ? new->events[0].event_id : instance->next_event_id) - 1;
	instance->replay = instance->had_history ?
		pgdf_replay_cache_load(&stored, instance->context) : pgdf_replay_create(instance->context);
	for (int i = 0; i < instance->events->count; i++)
		pgdf_replay_event(instance->replay, &instance->events->events[i]);
}

void
pgdf_replay_load(Replay *replay, int64 instance_key, int execution, int after_event)
{
	TableScan  *history = pgdf_scan_begin("history", "history_pkey", 3, AccessShareLock, GetTransactionSnapshot());
	ScanKeyData keys[3];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(instance_key));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(execution));
	ScanKeyInit(&keys[2], 3, BTGreaterStrategyNumber, F_INT4GT, Int32GetDatum(after_event));
	pgdf_scan_seek(history, keys, 3);
	while (pgdf_scan_next(history))
	{
		CHECK_FOR_INTERRUPTS();
		replay_stored_event(replay, history);
	}
	pgdf_scan_end(history);
}

static void
replay_stored_event(Replay *replay, const TableScan *history)
{
	Event		event = {0};
	bool		isnull;

	event.event_id = DatumGetInt32(event_datum(history, EVENT_COLUMN_ID, &isnull));
	event.type = (EventType) DatumGetInt16(event_datum(history, EVENT_COLUMN_TYPE, &isnull));
	event.task_id = DatumGetInt32(event_datum(history, EVENT_COLUMN_TASK_ID, &isnull));
	if (isnull)
		event.task_id = 0;
	event.time = DatumGetTimestampTz(event_datum(history, EVENT_COLUMN_TIME, &isnull));
	event.name = event_text(history, EVENT_COLUMN_NAME, CurrentMemoryContext);
	event.input_hash = DatumGetInt64(event_datum(history, EVENT_COLUMN_INPUT_HASH, &isnull));
	if (isnull)
		event.input_hash = 0;
	if (event.type != EVENT_TASK_SCHEDULED && event.type != EVENT_CHILD_CREATED)
		event.payload = event_text(history, EVENT_COLUMN_PAYLOAD, replay->context);
	event.failure = event_text(history, EVENT_COLUMN_FAILURE, replay->context);
	pgdf_replay_event(replay, &event);
}

static Datum
event_datum(const TableScan *history, EventColumn column, bool *isnull)
{
	return slot_getattr(history->slot, pgdf_scan_columns(history, &event_columns)[column], isnull);
}

static text *
event_text(const TableScan *history, EventColumn column, MemoryContext context)
{
	bool		isnull;
	Datum		datum = event_datum(history, column, &isnull);
	MemoryContext caller;
	text	   *copy;

	if (isnull)
		return NULL;
	caller = MemoryContextSwitchTo(context);
	copy = DatumGetTextPCopy(datum);
	MemoryContextSwitchTo(caller);
	return copy;
}

/* Events that make a task, and its kind. */
static bool
makes_task(EventType type, TaskKind *kind)
{
	switch (type)
	{
		case EVENT_TASK_SCHEDULED:
			*kind = TASK_ACTIVITY;
			return true;
		case EVENT_MAP_SCHEDULED:
			*kind = TASK_MAP;
			return true;
		case EVENT_TIMER_CREATED:
			*kind = TASK_TIMER;
			return true;
		case EVENT_CHILD_CREATED:
			*kind = TASK_CHILD;
			return true;
		case EVENT_GENERIC:
			*kind = TASK_RECORD;
			return true;
		case EVENT_EVENT_SENT:
			*kind = TASK_SEND;
			return true;
		default:
			return false;
	}
}

static char *
name_of(const Replay *replay, const Event *event)
{
	return event->name == NULL ? NULL :
		MemoryContextStrdup(replay->context, text_to_cstring(event->name));
}

/* What an event means for the next turn. */
void
pgdf_replay_event(Replay *replay, const Event *event)
{
	TaskKind	kind;
	TurnTask   *task;

	if (event->type == EVENT_ORCHESTRATOR_STARTED)
	{
		pgdf_replay_add_start(replay, event->event_id, event->time);
		pgdf_replay_forget_restarts(replay);
		return;
	}
	if (event->type == EVENT_EXECUTION_REWOUND)
	{
		pgdf_replay_rewind(replay, event->payload);
		return;
	}
	if (event->task_id == 0)
		return;

	task = pgdf_replay_task(replay, event->task_id);
	replay->ntasks = Max(replay->ntasks, event->task_id);
	if (makes_task(event->type, &kind))
	{
		task->kind = kind;
		task->name = name_of(replay, event);
		task->input_hash = event->input_hash;
		task->known_input = NULL;
		task->scheduled_event = event->event_id;
		if (kind == TASK_RECORD || kind == TASK_SEND ||
			(kind == TASK_MAP && pgdf_map_is_empty(event->payload)))
		{
			task->outcome = OUTCOME_COMPLETED;
			task->result = event->payload;
		}
		return;
	}
	if (event->type == EVENT_EVENT_RAISED)
	{
		task->kind = TASK_EVENT;
		task->name = name_of(replay, event);
	}
	if (task->kind == TASK_MAP && task->outcome != OUTCOME_NONE)
		return;					/* of nothing: it was complete when it was made */
	task->outcome = event->failure != NULL ? OUTCOME_FAILED : OUTCOME_COMPLETED;
	task->outcome_event = event->event_id;
	task->result = event->payload;
	task->result_json = NULL;
	task->failure = event->failure;
}

/* -------------------------------------------------------------------- turn */

static TurnMark
begin_turn(Instance *instance)
{
	TurnMark	mark;
	Event	   *event;

	mark.events = instance->events->count;
	mark.next_event_id = instance->next_event_id;
	mark.nstarts = instance->replay->nstarts;

	event = pgdf_instance_add_event(instance, EVENT_ORCHESTRATOR_STARTED, GetCurrentTimestamp());
	pgdf_replay_add_start(instance->replay, event->event_id, event->time);
	instance->needs_turn = false;
	return mark;
}

static void
undo_turn(Instance *instance, const TurnMark *mark)
{
	instance->events->count = mark->events;
	instance->next_event_id = mark->next_event_id;
	instance->replay->nstarts = mark->nstarts;
}

static void
run_function(Instance *instance, const Registration *registration, Turn *turn, UserCode *code)
{
	code->registration = registration;
	code->owner = instance->owner;
	code->input = turn->input;
	code->budget_ms = pgdf_turn_timeout;
	code->is_read_only = true;
	code->instance_key = instance->key;
	code->is_pinned = true;
	code->code_hash = instance->code_hash;

	pgdf_turn_run(turn, code);
	if (code->end == USER_CODE_CHANGED)
	{
		code->clone = pgdf_pin_clone(instance->code_hash);
		if (!OidIsValid(code->clone))
			code->code_hash = NULL; /* its text is lost: the function as it is now */
		pgdf_turn_run(turn, code);
	}
}

void
pgdf_turn_run(Turn *turn, UserCode *code)
{
	turn->tag = hash_bytes(turn->run_id.data, UUID_LEN) ^ (uint32) turn->execution;
	pgdf_turn = turn;
	PG_TRY();
	{
		pgdf_user_code_run(code);
	}
	PG_FINALLY();
	{
		pgdf_turn = NULL;
	}
	PG_END_TRY();

	if (turn->is_suspended || code->end == USER_CODE_RETURNED)
		pgdf_turn_check_end(turn);
}

/* From its first turn on, an instance keeps the code that this turn ran. */
static void
pin_code(Engine *engine, Instance *instance, const UserCode *code)
{
	MemoryContext caller;

	if (instance->code_hash != NULL || code->current_hash == NULL)
		return;
	instance->code_hash = MemoryContextStrdup(instance->context, code->current_hash);
	if (is_pinned_already(engine, instance->code_hash))
		return;
	pgdf_pin_record(instance->code_hash, code->registration, instance->owner);
	caller = MemoryContextSwitchTo(engine->context);
	engine->pinned = lappend(engine->pinned, pstrdup(instance->code_hash));
	MemoryContextSwitchTo(caller);
}

static bool
is_pinned_already(const Engine *engine, const char *code_hash)
{
	ListCell   *cell;

	foreach(cell, engine->pinned)
	{
		if (strcmp(lfirst(cell), code_hash) == 0)
			return true;
	}
	return false;
}

static void
apply_turn(Engine *engine, Instance *instance, Turn *turn, UserCode *code, const TurnMark *mark)
{
	bool		is_raised = code->end == USER_CODE_RAISED && !turn->is_suspended;

	if (turn->expected != NULL)
	{
		undo_turn(instance, mark);
		handle_divergence(engine, instance, turn);
		return;
	}
	if (code->end == USER_CODE_TIMED_OUT)
	{
		undo_turn(instance, mark);
		handle_unfinished(engine, instance,
						  psprintf("turn ran longer than pgdf.turn_timeout (%d ms)", pgdf_turn_timeout));
		return;
	}
	if (is_raised && pgdf_error_is_transient(code->error))
	{
		undo_turn(instance, mark);
		handle_unfinished(engine, instance,
						  psprintf("turn could not be finished: %s (SQLSTATE %s)",
								   code->error->message != NULL ? pgdf_clip(code->error->message) : "",
								   unpack_sql_state(code->error->sqlerrcode)));
		return;
	}

	if ((turn->is_continued || (is_raised && pgdf_child_has_policy(instance))) &&
		!pgdf_instance_hold_tasks(engine, instance))
	{
		undo_turn(instance, mark);
		instance->replay = NULL;
		rest(instance, TASKS_RETRY_MS);
		return;
	}

	instance->turns++;
	instance->turn_failures = 0;
	if (turn->is_suspended)
		pin_code(engine, instance, code);
	pgdf_instance_set_status(instance, STATUS_RUNNING);
	if (turn->has_custom_status)
	{
		instance->has_custom_status = true;
		instance->custom_status = turn->custom_status;
	}
	pgdf_decisions_apply(engine, instance, turn, !turn->is_suspended || turn->is_continued);

	if (turn->is_suspended)
	{
		instance->waiting_at = code->error != NULL ? outermost_lines(code->error->context) : NULL;
		apply_suspended(engine, instance, turn);
	}
	else if (is_raised)
		fail_instance(engine, instance, turn, code->error);
	else
	{
		pgdf_instance_add_event(instance, EVENT_EXECUTION_COMPLETED,
								GetCurrentTimestamp())->payload = code->result;
		pgdf_instance_finish(engine, instance, STATUS_COMPLETED, code->result, NULL);
	}
}

static void
apply_suspended(Engine *engine, Instance *instance, Turn *turn)
{
	ListCell   *cell;

	foreach(cell, turn->cancelled)
		pgdf_instance_cancel_task(instance, lfirst_int(cell));
	if (turn->is_continued)
	{
		pgdf_instance_continue_as_new(engine, instance, turn->next_input, turn->keep_events);
		return;
	}
	instance->awaited = turn->awaited;
	instance->is_awaited_dirty = true;
	pgdf_event_bind_buffered(instance);
	pgdf_instance_check_ready(engine, instance);
}

/* ---------------------------------------------------------------- bad ends */

static void
fail_instance(Engine *engine, Instance *instance, const Turn *turn, ErrorData *error)
{
	const RaisedFailure *cause = pgdf_turn_find_failure(turn, error->sqlerrcode, error->message);
	text	   *failure;
	Event	   *event;

	if (error->sqlerrcode == ERRCODE_READ_ONLY_SQL_TRANSACTION)
		error->hint = psprintf("An orchestrator only decides; move what writes into an activity.%s%s",
							   error->context ? " The statement is at: " : "",
							   error->context ? error->context : "");
	failure = pgdf_failure_from_error(error, cause != NULL ? cause->failure : NULL);
	event = pgdf_instance_add_event(instance, EVENT_EXECUTION_COMPLETED, GetCurrentTimestamp());
	event->failure = failure;
	event->payload = pgdf_rewind_point(turn, cause);
	pgdf_instance_finish(engine, instance, STATUS_FAILED, NULL, failure);
}

static void
handle_divergence(Engine *engine, Instance *instance, const Turn *turn)
{
	char	   *reason = psprintf("orchestrator does not match its history: expected %s, got %s%s%s",
								  turn->expected, turn->actual,
								  turn->divergence_context && turn->divergence_context[0] ? ", at " : "",
								  turn->divergence_context ? turn->divergence_context : "");
	Failure		failure = {.error_type = "NonDeterminism",.message = reason,.is_non_retriable = true};
	text	   *json;

	if (pgdf_on_nondeterminism == NONDETERMINISM_QUARANTINE)
	{
		pgdf_instance_block(instance, reason);
		return;
	}
	json = pgdf_failure_to_json(&failure);
	pgdf_instance_set_status(instance, STATUS_RUNNING);
	pgdf_instance_add_event(instance, EVENT_EXECUTION_COMPLETED,
							GetCurrentTimestamp())->failure = json;
	pgdf_instance_finish(engine, instance, STATUS_FAILED, NULL, json);
}

/* A turn that came to no end says nothing about the instance: try again, and then stop trying. */
static void
handle_unfinished(Engine *engine, Instance *instance, const char *reason)
{
	instance->turn_failures++;
	instance->is_dirty = true;
	if (instance->turn_failures >= TURN_FAILURES_MAX)
	{
		pgdf_instance_block(instance, reason);
		return;
	}
	rest(instance, TURN_RETRY_MS * instance->turn_failures);
}

/* The last lines are those of the orchestrator itself; others may have the text of a statement. */
static char *
outermost_lines(char *context)
{
	size_t		length = context != NULL ? strlen(context) : 0;
	char	   *line;

	if (length <= CONTEXT_BYTES_MAX)
		return context;
	line = strchr(context + length - CONTEXT_BYTES_MAX, '\n');
	return line != NULL ? line + 1 : NULL;
}

/* Another turn, after so long. */
static void
rest(Instance *instance, int ms)
{
	Datum		values[4];

	values[0] = Int64GetDatum(instance->key);
	values[1] = Int32GetDatum(0);
	values[2] = Int32GetDatum(instance->execution);
	values[3] = TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), ms));
	pgdf_spi_execute(&insert_timer_statement, values, NULL);
	instance->awaited = NULL;	/* the timer, and nothing else, brings the next turn */
	instance->is_awaited_dirty = true;
	instance->is_dirty = true;
}

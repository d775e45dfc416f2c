/*
 * turn.c
 *		A turn: tasks, handles, suspension, divergence.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "expression.h"
#include "failure.h"
#include "map.h"
#include "payload.h"
#include "turn.h"

/*
 * A handle: the upper half tells the execution, so that a handle of another one
 * is refused; the lower half is a task's number, or with the top bit a
 * combination's index.
 */
#define HANDLE_GROUP_BIT	UINT64CONST(0x80000000)
#define HANDLE_NUMBER_MASK	UINT64CONST(0x7FFFFFFF)

/* Combinations in one awaited expression; it is stored with the instance, and walked at every delivery. */
#define AWAIT_NODES_MAX		100000

/* What an execution's replays may remember, beside its history. */
#define REMEMBERED_MAX	(1024 * 1024)

/* New tasks may take so much before memory is looked at again. */
#define MEASURE_BYTES	(1024 * 1024)

/* Later than every event. */
#define NEVER	PG_INT32_MAX

Turn	   *pgdf_turn = NULL;
bool		pgdf_in_sql_activity = false;

static void forget_unrecorded(Replay *replay);
static void raise_suspended(void) pg_attribute_noreturn();
static void diverge(Turn *turn, const char *expected, const char *actual) pg_attribute_noreturn();
static int64 input_hash(const Turn *turn, Jsonb *input);
static Jsonb *remember(Replay *replay, const Jsonb *json);
static void replay_task(Turn *turn, int number, TaskKind kind, const char *name, int64 hash);
static void add_task(Turn *turn, int number, TaskKind kind, const char *name, Jsonb *input,
					 int64 hash, const TaskOptions *options);
static void check_memory(Turn *turn, Jsonb *input);
static void restart_child(Turn *turn, int number, Jsonb *input, const TaskOptions *options);
static void adopt_event_task(Turn *turn, int number, const char *name);
static char *describe(TaskKind kind, const char *name, int number);
static int	completed_at(const Turn *turn, int64 handle);
static int	group_completed_at(const Turn *turn, const TaskGroup *group);
static AwaitTree *await_tree_build(Turn *turn, int64 handle);
static void await_event(Turn *turn, AwaitTree *tree, int number);
static void await_tree_add(Turn *turn, AwaitTree *tree, int64 handle, int parent);
static void raise_failure(Turn *turn, const TurnTask *task, int number) pg_attribute_noreturn();
static Jsonb *group_result(Turn *turn, int64 handle, const TaskGroup *group);

bool
pgdf_turn_is_active(void)
{
	return pgdf_turn != NULL;
}

bool
pgdf_sql_activity_is_active(void)
{
	return pgdf_in_sql_activity;
}

void
pgdf_refuse_in_turn(const char *function)
{
	if (pgdf_turn == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s cannot be called by an orchestrator", function),
			 errhint("Call it in an activity.")));
}

void
pgdf_refuse_in_engine(const char *function)
{
	pgdf_refuse_in_turn(function);
	if (!pgdf_in_sql_activity)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s cannot be called by an activity", function)));
}

Turn *
pgdf_turn_require(const char *function)
{
	if (pgdf_turn == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s can only be called by an orchestrator", function),
				 errhint("Register the function that calls it with df_register_orchestrator and start it with df_start.")));
	if (pgdf_turn->is_suspended || pgdf_turn->expected != NULL)
		raise_suspended();
	return pgdf_turn;
}

Replay *
pgdf_replay_create(MemoryContext context)
{
	Replay	   *replay = MemoryContextAllocZero(context, sizeof(Replay));

	replay->context = context;
	return replay;
}

void
pgdf_replay_copy(Replay *copy, Replay *origin)
{
	if (origin->ntasks > 0)
	{
		(void) pgdf_replay_task(copy, origin->ntasks + 1);
		memcpy(copy->tasks, origin->tasks, (Size) origin->ntasks * sizeof(TurnTask));
	}
	if (origin->nstarts > 0)
	{
		copy->start_capacity = origin->nstarts + 1;
		copy->starts = MemoryContextAllocHuge(copy->context, (Size) copy->start_capacity * sizeof(TurnStart));
		memcpy(copy->starts, origin->starts, (Size) origin->nstarts * sizeof(TurnStart));
	}
	copy->ntasks = origin->ntasks;
	copy->nstarts = origin->nstarts;
	copy->nrewinds = origin->nrewinds;
	copy->has_restarts = origin->has_restarts;
	copy->origin = origin;
}

TurnTask *
pgdf_replay_task(Replay *replay, int number)
{
	if (number < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid task number %d", number)));
	if (number > replay->task_capacity)
	{
		int			capacity = Max(replay->task_capacity * 2, Max(16, number));

		replay->tasks = replay->tasks == NULL ?
			MemoryContextAllocHuge(replay->context, (Size) capacity * sizeof(TurnTask)) :
			repalloc_huge(replay->tasks, (Size) capacity * sizeof(TurnTask));
		memset(replay->tasks + replay->task_capacity, 0,
			   (Size) (capacity - replay->task_capacity) * sizeof(TurnTask));
		replay->task_capacity = capacity;
	}
	replay->ntouched = Max(replay->ntouched, number);
	return &replay->tasks[number - 1];
}

void
pgdf_replay_add_start(Replay *replay, int event_id, TimestampTz time)
{
	if (replay->nstarts == replay->start_capacity)
	{
		replay->start_capacity = Max(8, replay->start_capacity * 2);
		replay->starts = replay->starts == NULL ?
			MemoryContextAllocHuge(replay->context, replay->start_capacity * sizeof(TurnStart)) :
			repalloc_huge(replay->starts, replay->start_capacity * sizeof(TurnStart));
	}
	replay->starts[replay->nstarts].event_id = event_id;
	replay->starts[replay->nstarts].time = time;
	replay->nstarts++;
}

Turn *
pgdf_turn_create(MemoryContext context, Replay *replay)
{
	Turn	   *turn = MemoryContextAllocZero(context, sizeof(Turn));

	Assert(replay->nstarts > 0);
	forget_unrecorded(replay);
	turn->context = context;
	turn->resource_owner = CurrentResourceOwner;
	turn->replay = replay;
	turn->next_task = 1;
	return turn;
}

/* What an earlier turn of this engine call left in the replay without recording it. */
static void
forget_unrecorded(Replay *replay)
{
	for (int i = 0; replay->has_cancelled && i < replay->ntasks; i++)
	{
		TurnTask   *task = &replay->tasks[i];

		if (!task->is_cancelled)
			continue;
		task->is_cancelled = false;
		task->outcome = OUTCOME_NONE;
		task->outcome_event = 0;
		task->failure = NULL;
	}
	replay->has_cancelled = false;
	if (replay->ntouched > replay->ntasks)
		memset(replay->tasks + replay->ntasks, 0,
			   (Size) (replay->ntouched - replay->ntasks) * sizeof(TurnTask));
	replay->ntouched = replay->ntasks;
}

void
pgdf_turn_check_end(Turn *turn)
{
	const TurnTask *task;

	if (turn->expected != NULL || turn->next_task > turn->replay->ntasks)
		return;
	task = &turn->replay->tasks[turn->next_task - 1];	/* history ends with a recorded one */
	turn->expected = MemoryContextStrdup(turn->context,
										 describe(task->kind, task->name, turn->next_task));
	turn->actual = turn->is_suspended ? "a wait" : "the end of the function";
	turn->divergence_event = task->scheduled_event;
}

const TurnTask *
pgdf_turn_next_recorded(const Turn *turn)
{
	return turn->next_task > turn->replay->ntasks ? NULL : &turn->replay->tasks[turn->next_task - 1];
}

int
pgdf_turn_schedule(Turn *turn, TaskKind kind, const char *name, Jsonb *input,
				   const TaskOptions *options)
{
	if (input == NULL)
		input = pgdf_payload_null();
	return pgdf_turn_schedule_hashed(turn, kind, name, input,
									 kind == TASK_RECORD || kind == TASK_EVENT ? 0 :
									 input_hash(turn, input), options);
}

int
pgdf_turn_schedule_hashed(Turn *turn, TaskKind kind, const char *name, Jsonb *input, int64 hash,
						  const TaskOptions *options)
{
	int			number = turn->next_task;

	if (number <= turn->replay->ntasks)
	{
		replay_task(turn, number, kind, name, hash);
		if (turn->replay->tasks[number - 1].must_restart)
			restart_child(turn, number, input, options);
	}
	else
		add_task(turn, number, kind, name, input, hash, options);
	if (kind == TASK_EVENT)
		adopt_event_task(turn, number, name);
	turn->next_task++;
	return number;
}

int64
pgdf_turn_handle(const Turn *turn, int number)
{
	return (int64) (((uint64) turn->tag << 32) | (uint64) number);
}

int64
pgdf_turn_group(Turn *turn, AwaitKind kind, const int64 *members, int nmembers)
{
	TaskGroup  *group;
	MemoryContext caller = MemoryContextSwitchTo(turn->context);

	for (int i = 0; i < nmembers; i++)
		(void) pgdf_turn_task(turn, members[i]);	/* refuses foreign handles */

	if (turn->ngroups == turn->group_capacity)
	{
		turn->group_capacity = Max(8, turn->group_capacity * 2);
		turn->groups = turn->groups == NULL ?
			palloc(turn->group_capacity * sizeof(TaskGroup)) :
			repalloc_huge(turn->groups, turn->group_capacity * sizeof(TaskGroup));
	}
	group = &turn->groups[turn->ngroups];
	group->kind = kind;
	group->nmembers = nmembers;
	group->members = palloc_extended(Max(1, nmembers) * sizeof(int64), MCXT_ALLOC_HUGE);
	if (nmembers > 0)
		memcpy(group->members, members, nmembers * sizeof(int64));
	MemoryContextSwitchTo(caller);

	return (int64) (((uint64) turn->tag << 32) | HANDLE_GROUP_BIT |
					(uint64) turn->ngroups++);
}

void
pgdf_turn_await(Turn *turn, int64 handle)
{
	const Replay *replay = turn->replay;
	int			event = completed_at(turn, handle);
	MemoryContext caller;

	if (event != NEVER)
	{
		while (event > replay->starts[turn->start].event_id &&
			   turn->start < replay->nstarts - 1)
			turn->start++;
		return;
	}

	caller = MemoryContextSwitchTo(turn->context);
	turn->awaited = await_tree_build(turn, handle);
	turn->is_suspended = true;
	MemoryContextSwitchTo(caller);
	raise_suspended();
}

bool
pgdf_turn_is_completed(const Turn *turn, int64 handle)
{
	return completed_at(turn, handle) <= turn->replay->starts[turn->start].event_id;
}

Jsonb *
pgdf_turn_result(Turn *turn, int64 handle)
{
	TurnTask   *task = pgdf_turn_task(turn, handle);

	if (task == NULL)
		return group_result(turn, handle, pgdf_turn_find_group(turn, handle));
	if (task->outcome == OUTCOME_FAILED)
		raise_failure(turn, task, pgdf_turn_task_number(handle));
	if (task->kind == TASK_MAP)
		return pgdf_map_result(turn, pgdf_turn_task_number(handle));
	if (task->result_json == NULL)
	{
		Jsonb	   *json = pgdf_payload_to_jsonb(task->result);

		task->result_json = remember(turn->replay, json);
		return json;
	}
	return task->result_json;
}

int64
pgdf_turn_winner(const Turn *turn, int64 handle)
{
	const TaskGroup *group = pgdf_turn_find_group(turn, handle);
	int64		winner = 0;
	int			best = NEVER;

	for (int i = 0; i < group->nmembers; i++)
	{
		int			event = completed_at(turn, group->members[i]);

		if (event < best)
		{
			best = event;
			winner = group->members[i];
		}
	}
	Assert(best != NEVER);
	return winner;
}

TurnTask *
pgdf_turn_task(const Turn *turn, int64 handle)
{
	uint64		bits = (uint64) handle;
	int64		number = (int64) (bits & HANDLE_NUMBER_MASK);
	bool		is_group = (bits & HANDLE_GROUP_BIT) != 0;

	if ((uint32) (bits >> 32) != turn->tag ||
		(is_group ? number >= turn->ngroups : (number < 1 || number >= turn->next_task)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("task does not belong to this execution"),
				 errhint("A df_task is valid in the execution that made it; do not store it or pass it on.")));
	return is_group ? NULL : &turn->replay->tasks[number - 1];
}

int
pgdf_turn_task_number(int64 handle)
{
	return (int) ((uint64) handle & HANDLE_NUMBER_MASK);
}

TaskGroup *
pgdf_turn_find_group(const Turn *turn, int64 handle)
{
	if (((uint64) handle & HANDLE_GROUP_BIT) == 0)
		return NULL;
	return &turn->groups[pgdf_turn_task_number(handle)];
}

bool
pgdf_turn_is_replaying(const Turn *turn)
{
	return turn->start < turn->replay->nstarts - 1;
}

uint64
pgdf_turn_generate(Turn *turn, uint32 salt)
{
	struct
	{
		pg_uuid_t	run_id;
		int32		execution;
		uint32		counter;
		uint32		salt;
	}			seed;

	memset(&seed, 0, sizeof(seed));
	seed.run_id = turn->run_id;
	seed.execution = turn->execution;
	seed.counter = turn->generated++;
	seed.salt = salt;
	return hash_bytes_extended((const unsigned char *) &seed, sizeof(seed), 0x9df);
}

int
pgdf_turn_failure_sqlstate(const TurnTask *task, const Failure *failure)
{
	if (strcmp(failure->error_type, "Timeout") == 0)
		return ERRCODE_DF_TIMED_OUT;
	if (strcmp(failure->error_type, "Canceled") == 0 ||
		strcmp(failure->error_type, "Terminated") == 0)
		return ERRCODE_DF_CANCELLED;
	return task->kind == TASK_CHILD ? ERRCODE_DF_CHILD_FAILED : ERRCODE_DF_ACTIVITY_FAILED;
}

void
pgdf_turn_note_failure(Turn *turn, const TurnTask *task, int sqlstate, List *failed_tasks)
{
	MemoryContext caller = MemoryContextSwitchTo(turn->context);
	RaisedFailure *raised = palloc(sizeof(RaisedFailure));

	raised->failure = task->failure;
	raised->sqlstate = sqlstate;
	raised->failed_tasks = list_copy(failed_tasks);
	raised->failed_from = turn->replay->starts[turn->start].event_id;
	turn->failures = lcons(raised, turn->failures);
	MemoryContextSwitchTo(caller);
}

const RaisedFailure *
pgdf_turn_find_failure(const Turn *turn, int sqlstate, const char *message)
{
	ListCell   *cell;

	foreach(cell, turn->failures)
	{
		const RaisedFailure *raised = lfirst(cell);
		Failure		failure;

		pgdf_failure_from_json(raised->failure, &failure);
		if (raised->sqlstate == sqlstate && message != NULL && strstr(message, failure.message) != NULL)
			return raised;
	}
	return NULL;
}

const char *
pgdf_turn_task_word(TaskKind kind)
{
	return kind == TASK_CHILD ? "sub-orchestration" : kind == TASK_MAP ? "map of" : "activity";
}

char *
pgdf_turn_describe(const TurnTask *task, int number)
{
	return describe(task->kind, task->name, number);
}

void
pgdf_turn_cancel(Turn *turn, int64 handle)
{
	Failure		failure = {.error_type = "Canceled",.message = "task was cancelled",
	.is_non_retriable = true};
	TurnTask   *task = pgdf_turn_task(turn, handle);
	MemoryContext caller;

	if (task == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a combination of tasks cannot be cancelled"),
				 errhint("Cancel its members.")));
	if (task->kind == TASK_CHILD)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a sub-orchestration cannot be cancelled"),
				 errhint("Terminate it in an activity, with df_terminate().")));
	if (pgdf_turn_is_completed(turn, handle))
		return;

	/* whatever history says of its later fate: for this function it ends here */
	caller = MemoryContextSwitchTo(turn->context);
	task->outcome = OUTCOME_FAILED;
	task->outcome_event = turn->replay->starts[turn->start].event_id;
	task->failure = pgdf_failure_to_json(&failure);
	task->is_cancelled = true;
	turn->replay->has_cancelled = true;
	if (!pgdf_turn_is_replaying(turn))
		turn->cancelled = lappend_int(turn->cancelled, pgdf_turn_task_number(handle));
	MemoryContextSwitchTo(caller);
}

void
pgdf_turn_continue_as_new(Turn *turn, Jsonb *input, bool keep_events)
{
	MemoryContext caller = MemoryContextSwitchTo(turn->context);

	turn->next_input = pgdf_payload_from_jsonb_checked(input == NULL ? pgdf_payload_null() : input,
													   "input");
	turn->keep_events = keep_events;
	turn->is_continued = true;
	turn->is_suspended = true;
	MemoryContextSwitchTo(caller);
	raise_suspended();
}

TimestampTz
pgdf_turn_now(const Turn *turn)
{
	return turn->replay->starts[turn->start].time;
}

char *
pgdf_turn_child_id(const Turn *turn, int attempt)
{
	struct
	{
		pg_uuid_t	run_id;
		int32		execution;
		int32		number;
		int32		attempt;
	}			seed;

	memset(&seed, 0, sizeof(seed));
	seed.run_id = turn->run_id;
	seed.execution = turn->execution;
	seed.number = turn->next_task;
	seed.attempt = attempt;
	return psprintf("%016llx%016llx",
					(unsigned long long) hash_bytes_extended((const unsigned char *) &seed, sizeof(seed), 1),
					(unsigned long long) hash_bytes_extended((const unsigned char *) &seed, sizeof(seed), 2));
}

/*
 * P0004 is what no handler catches by accident: neither WHEN OTHERS nor WHEN
 * OTHERS OR query_canceled.  Code that catches it all the same gets it again
 * from its next call; the engine goes by the flag and ignores what comes of it.
 */
static void
raise_suspended(void)
{
	pgdf_expression_interrupt();
	ereport(ERROR,
			(errcode(ERRCODE_ASSERT_FAILURE),
			 errmsg("orchestrator is suspended")));
}

static void
diverge(Turn *turn, const char *expected, const char *actual)
{
	char	   *context = GetErrorContextStack();
	MemoryContext caller = MemoryContextSwitchTo(turn->context);

	turn->expected = pstrdup(expected);
	turn->actual = pstrdup(actual);
	if (turn->next_task <= turn->replay->ntasks)
		turn->divergence_event = turn->replay->tasks[turn->next_task - 1].scheduled_event;
	turn->divergence_context = pstrdup(context ? context : "");
	MemoryContextSwitchTo(caller);
	raise_suspended();
}

/*
 * The hash of an input, which is what history has of it.  An input is mostly the one
 * of the replay before, to the byte, and to compare these is many times faster.
 */
static int64
input_hash(const Turn *turn, Jsonb *input)
{
	Replay	   *replay = turn->replay;
	TurnTask   *task = turn->next_task > replay->ntasks ? NULL : &replay->tasks[turn->next_task - 1];
	int64		hash;

	if (task != NULL && task->known_input != NULL &&
		VARSIZE(task->known_input) == VARSIZE(input) &&
		memcmp(task->known_input, input, VARSIZE(input)) == 0)
		return task->input_hash;

	hash = pgdf_payload_hash(input);
	if (task != NULL && task->known_input == NULL && task->input_hash == hash)
	{
		Replay	   *origin = replay->origin;
		bool		is_shared = origin != NULL && turn->next_task <= origin->ntasks;

		task->known_input = remember(is_shared ? origin : replay, input);
		if (is_shared)
			origin->tasks[turn->next_task - 1].known_input = task->known_input;
	}
	return hash;
}

/* A copy that the next replay finds; NULL when there is no room for more. */
static Jsonb *
remember(Replay *replay, const Jsonb *json)
{
	Jsonb	   *copy;

	if (replay->remembered + VARSIZE(json) > REMEMBERED_MAX)
		return NULL;
	replay->remembered += VARSIZE(json);
	copy = MemoryContextAlloc(replay->context, VARSIZE(json));
	memcpy(copy, json, VARSIZE(json));
	return copy;
}

/* Compare a call with what history has under its number. */
static void
replay_task(Turn *turn, int number, TaskKind kind, const char *name, int64 hash)
{
	const TurnTask *task = &turn->replay->tasks[number - 1];

	/* a wait that no event has ended yet is not in history */
	if (task->scheduled_event == 0 && task->outcome == OUTCOME_NONE)
	{
		if (kind != TASK_EVENT)
			diverge(turn, psprintf("a wait for an event (task %d)", number),
					describe(kind, name, number));
		return;
	}
	if (task->kind != kind ||
		(name == NULL) != (task->name == NULL) ||
		(name != task->name && pg_strcasecmp(name, task->name) != 0))
		diverge(turn, describe(task->kind, task->name, number),
				describe(kind, name, number));
	if (task->input_hash != hash)
		diverge(turn, describe(task->kind, task->name, number),
				"the same call with another input");
}

static void
add_task(Turn *turn, int number, TaskKind kind, const char *name, Jsonb *input,
		 int64 hash, const TaskOptions *options)
{
	MemoryContext caller;
	TurnTask   *task;

	if (kind == TASK_EVENT)
		return;					/* decides nothing */
	if (pgdf_turn_is_replaying(turn))
		diverge(turn, "a wait", describe(kind, name, number));
	if (turn->nnew >= pgdf_max_tasks_per_turn)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("turn schedules more than %d tasks", pgdf_max_tasks_per_turn),
				 errhint("Await some of them first, or raise pgdf.max_tasks_per_turn.")));

	check_memory(turn, input);
	caller = MemoryContextSwitchTo(turn->context);
	task = pgdf_replay_task(turn->replay, number);
	memset(task, 0, sizeof(TurnTask));
	task->kind = kind;
	task->name = name ? pstrdup(name) : NULL;
	task->input_hash = hash;
	task->input = pgdf_payload_from_jsonb_checked(input, "input");
	if (options != NULL)
	{
		task->options = palloc(sizeof(TaskOptions));
		memcpy(task->options, options, sizeof(TaskOptions));
	}
	if (kind == TASK_RECORD || kind == TASK_SEND ||
		(kind == TASK_MAP && pgdf_map_is_empty(task->input)))
	{
		/* complete at once, as of the start of this turn */
		task->outcome = OUTCOME_COMPLETED;
		task->result = task->input;
	}
	turn->nnew++;
	MemoryContextSwitchTo(caller);
}

/* Now and then: a look at all contexts costs as much as a few turns. */
static void
check_memory(Turn *turn, Jsonb *input)
{
	turn->unmeasured += sizeof(TurnTask) + (input == NULL ? 0 : VARSIZE_ANY(input));
	if (turn->unmeasured < MEASURE_BYTES)
		return;
	turn->unmeasured = 0;
	if (MemoryContextMemAllocated(TopMemoryContext, true) > (Size) pgdf_max_turn_memory * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("turn needs more than %d kB of memory", pgdf_max_turn_memory),
				 errhint("Schedule less at a time, use df_map_agg(), or raise pgdf.max_turn_memory.")));
}

/* What a child was started with is not in history: the call says it again. */
static void
restart_child(Turn *turn, int number, Jsonb *input, const TaskOptions *options)
{
	MemoryContext caller = MemoryContextSwitchTo(turn->context);
	TurnTask   *task = &turn->replay->tasks[number - 1];

	task->input = pgdf_payload_from_jsonb(input);
	task->options = palloc(sizeof(TaskOptions));
	memcpy(task->options, options, sizeof(TaskOptions));
	turn->restarted = lappend_int(turn->restarted, number);
	MemoryContextSwitchTo(caller);
}

/* The waiter gets its name from the function; history knows it only when it is bound. */
static void
adopt_event_task(Turn *turn, int number, const char *name)
{
	TurnTask   *task = pgdf_replay_task(turn->replay, number);

	task->kind = TASK_EVENT;
	if (task->name == NULL)
		task->name = MemoryContextStrdup(turn->context, name);
}

static char *
describe(TaskKind kind, const char *name, int number)
{
	switch (kind)
	{
		case TASK_ACTIVITY:
			return psprintf("activity \"%s\" (task %d)", name ? name : "", number);
		case TASK_RECORD:
			return psprintf("df_record (task %d)", number);
		case TASK_TIMER:
			return psprintf("timer (task %d)", number);
		case TASK_EVENT:
			return psprintf("event \"%s\" (task %d)", name ? name : "", number);
		case TASK_CHILD:
			return psprintf("sub-orchestration \"%s\" (task %d)", name ? name : "", number);
		case TASK_SEND:
			return psprintf("%s (task %d)", name ? name : "", number);
		case TASK_MAP:
			return psprintf("map of \"%s\" (task %d)", name ? name : "", number);
	}
	return pstrdup("an unknown call");
}

/* The event with which a task or combination became complete; NEVER if it is not. */
static int
completed_at(const Turn *turn, int64 handle)
{
	const TurnTask *task = pgdf_turn_task(turn, handle);

	if (task == NULL)
		return group_completed_at(turn, pgdf_turn_find_group(turn, handle));
	return task->outcome == OUTCOME_NONE ? NEVER : task->outcome_event;
}

static int
group_completed_at(const Turn *turn, const TaskGroup *group)
{
	int			first = NEVER;
	int			last = 0;
	int			first_failure = NEVER;

	check_stack_depth();
	for (int i = 0; i < group->nmembers; i++)
	{
		const TurnTask *task = pgdf_turn_task(turn, group->members[i]);
		int			event;

		/* combinations of combinations: there may be more ways through them than members */
		CHECK_FOR_INTERRUPTS();
		event = completed_at(turn, group->members[i]);

		first = Min(first, event);
		last = Max(last, event);
		if (task != NULL && task->outcome == OUTCOME_FAILED)
			first_failure = Min(first_failure, event);
	}
	switch (group->kind)
	{
		case AWAIT_ALL:
			return last;
		case AWAIT_ANY:
			return first;
		case AWAIT_ALL_FAIL_FAST:
			return Min(last, first_failure);
	}
	return NEVER;
}

static AwaitTree *
await_tree_build(Turn *turn, int64 handle)
{
	AwaitTree  *tree = pgdf_await_create();

	if (pgdf_turn_find_group(turn, handle) == NULL)
	{
		int32		number = pgdf_turn_task_number(handle);

		pgdf_await_add_node(tree, AWAIT_ALL, -1, 1);
		pgdf_await_set_tasks(tree, &number, 1);
		await_event(turn, tree, number);
	}
	else
		await_tree_add(turn, tree, handle, -1);
	return tree;
}

/* A waiter that is awaited takes the next event of its name. */
static void
await_event(Turn *turn, AwaitTree *tree, int number)
{
	const TurnTask *task = &turn->replay->tasks[number - 1];

	if (task->kind == TASK_EVENT)
		pgdf_await_add_waiter(tree, number, task->name);
}

/* A node for a combination, with its open members; then nodes for the open combinations in it. */
static void
await_tree_add(Turn *turn, AwaitTree *tree, int64 handle, int parent)
{
	const TaskGroup *group = pgdf_turn_find_group(turn, handle);
	int32	   *tasks = palloc_extended(Max(1, group->nmembers) * sizeof(int32), MCXT_ALLOC_HUGE);
	int64	   *groups = palloc_extended(Max(1, group->nmembers) * sizeof(int64), MCXT_ALLOC_HUGE);
	int			ntasks = 0;
	int			ngroups = 0;
	int			node;
	int			remaining;

	check_stack_depth();
	if (tree->nnodes >= AWAIT_NODES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many combinations of tasks are awaited at once"),
				 errdetail("The limit is %d.", AWAIT_NODES_MAX)));
	for (int i = 0; i < group->nmembers; i++)
	{
		int64		member = group->members[i];

		if (completed_at(turn, member) != NEVER)
			continue;
		if (pgdf_turn_find_group(turn, member) == NULL)
		{
			tasks[ntasks++] = pgdf_turn_task_number(member);
			await_event(turn, tree, pgdf_turn_task_number(member));
		}
		else
			groups[ngroups++] = member;
	}

	node = pgdf_await_add_node(tree, group->kind, parent, 0);
	pgdf_await_set_tasks(tree, tasks, ntasks);
	remaining = ngroups;
	for (int r = 0; r < tree->nodes[node].nranges; r++)
	{
		const AwaitRange *range = &tree->ranges[tree->nodes[node].first_range + r];

		remaining += range->last - range->first + 1;
	}
	tree->remaining[node] = group->kind == AWAIT_ANY ? 1 : remaining;

	for (int i = 0; i < ngroups; i++)
		await_tree_add(turn, tree, groups[i], node);
}

static void
raise_failure(Turn *turn, const TurnTask *task, int number)
{
	Failure		failure;
	int			sqlstate;

	pgdf_failure_from_json(task->failure, &failure);
	sqlstate = pgdf_turn_failure_sqlstate(task, &failure);
	pgdf_turn_note_failure(turn, task, sqlstate, list_make1_int(number));
	pgdf_expression_interrupt();
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("%s \"%s\" failed: %s",
					pgdf_turn_task_word(task->kind),
					task->name ? task->name : "", failure.message),
			 task->kind == TASK_MAP && !task->is_cancelled ?
			 errdetail("%s", pgdf_map_failures(turn, number)) :
			 errdetail("Task %d failed with error type \"%s\".", number, failure.error_type)));
}

/* All: an array of the members' results.  Any: the winner's result. */
static Jsonb *
group_result(Turn *turn, int64 handle, const TaskGroup *group)
{
	JsonbParseState *state = NULL;
	JsonbValue *array;

	check_stack_depth();
	if (group->kind == AWAIT_ANY)
		return pgdf_turn_result(turn, pgdf_turn_winner(turn, handle));

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < group->nmembers; i++)
	{
		Jsonb	   *result = pgdf_turn_result(turn, group->members[i]);
		JsonbValue	value;

		if (JB_ROOT_IS_SCALAR(result))
			(void) JsonbExtractScalar(&result->root, &value);
		else
		{
			value.type = jbvBinary;
			value.val.binary.data = &result->root;
			value.val.binary.len = VARSIZE(result) - VARHDRSZ;
		}
		pushJsonbValue(&state, WJB_ELEM, &value);
	}
	array = pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(array);
}

/*
 * turn.h
 *		A turn: one run of an orchestrator function against its history.
 *
 * Everything here is memory.  The engine loads the history into a Replay, runs
 * the function while a Turn points at it, and writes the decisions afterwards.
 *
 * Tasks are numbered 1, 2, 3 ... in the order in which the function makes them.
 * A number that history has is replayed: kind, name and input must be the same.
 * A higher one is a new decision.
 *
 * Time within a history is the event id.  The start of a turn is an event too
 * (OrchestratorStarted), so "was this complete when that turn ran" is a
 * comparison of two event ids, and every answer a function gets is the one it
 * got when it first asked.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_TURN_H
#define PGDF_TURN_H

#include "postgres.h"

#include "await.h"
#include "datatype/timestamp.h"
#include "compat.h"
#include "failure.h"
#include "nodes/pg_list.h"
#include "pgdf.h"
#include "utils/jsonb.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef enum TaskKind
{
	TASK_ACTIVITY,
	TASK_RECORD,				/* df_record: complete when it is made */
	TASK_TIMER,
	TASK_EVENT,					/* a wait for an event: history has it when it is bound */
	TASK_CHILD,					/* a sub-orchestration */
	TASK_SEND,					/* df_start or df_raise_event: complete when it is made */
	TASK_MAP					/* an activity for every member of a set; of none: complete when it is made */
} TaskKind;

typedef enum TaskOutcome
{
	OUTCOME_NONE,
	OUTCOME_COMPLETED,
	OUTCOME_FAILED
} TaskOutcome;

/* How a task is to be done; what is not set comes from its registration. */
typedef struct TaskOptions
{
	text	   *retry;			/* JSON, or NULL */
	Interval   *timeout;		/* activities: of an attempt */
	Interval   *schedule_timeout;	/* activities: until it has been done */
	char	   *queue;			/* activities, starts */
	bool		has_priority;
	int			priority;
	TimestampTz fire_at;		/* timers */
	char	   *instance_id;	/* children, starts, events: which instance */
	char	   *version;		/* children, starts */
	Jsonb	   *tags;			/* children, starts */
	bool		has_start_at;	/* starts */
	TimestampTz start_at;
	int			if_exists;		/* starts: IfExists of instance.h */
	char	   *event_name;		/* events; NULL: a start */
	char	   *event_id;		/* events: for de-duplication, or NULL */
	struct MapInputs *inputs;	/* maps: what they are of */
	int			max_in_flight;	/* maps; 0: any number */
} TaskOptions;

/* Element i of Replay.tasks is task number i + 1. */
typedef struct TurnTask
{
	TaskKind	kind;
	char	   *name;			/* NULL for records */
	int64		input_hash;
	Jsonb	   *known_input;	/* an input that has this hash, or NULL: compared by an earlier replay */
	int			scheduled_event;	/* 0: decided in this turn */
	TaskOutcome outcome;
	int			outcome_event;
	text	   *result;			/* JSON text */
	Jsonb	   *result_json;	/* the same, when it has been converted */
	text	   *failure;		/* failureDetails */
	bool		is_cancelled;	/* by df_cancel, as of where the function is */
	bool		must_restart;	/* a child that has failed and cannot be rewound */
	text	   *input;			/* new tasks only */
	TaskOptions *options;		/* new tasks only; may be NULL */
} TurnTask;

/* An OrchestratorStarted event. */
typedef struct TurnStart
{
	int			event_id;
	TimestampTz time;
} TurnStart;

/* The history of an execution, as a turn needs it. */
typedef struct Replay
{
	MemoryContext context;
	TurnTask   *tasks;
	int			ntasks;			/* in history */
	int			ntouched;		/* tasks behind this one are empty */
	int			task_capacity;
	TurnStart  *starts;
	int			nstarts;
	int			start_capacity;
	int			nrewinds;
	bool		has_restarts;	/* tasks with must_restart */
	bool		has_cancelled;	/* tasks with is_cancelled */
	struct Replay *origin;		/* whose strings it shares, and which outlives it; or NULL */
	Size		remembered;		/* bytes of what replays have found out */
} Replay;

/* A failure that the function was told of. */
typedef struct RaisedFailure
{
	text	   *failure;		/* failureDetails */
	int			sqlstate;
	List	   *failed_tasks;	/* int: the tasks whose failure that was */
	int			failed_from;	/* event id of the turn that first saw it */
} RaisedFailure;

/* A combination made by df_all, df_any. */
typedef struct TaskGroup
{
	AwaitKind	kind;
	int			nmembers;
	int64	   *members;		/* handles */
} TaskGroup;

typedef struct Turn
{
	MemoryContext context;		/* of new decisions: outlives the function */
	ResourceOwner resource_owner;	/* of what new decisions keep in files */
	Replay	   *replay;
	int64		instance_key;
	const char *instance_id;
	const char *name;
	pg_uuid_t	run_id;
	int			execution;
	uint32		tag;			/* of this execution, in handles */
	Jsonb	   *input;

	/* the cursor */
	int			next_task;		/* number the next task gets */
	int			start;			/* index of the turn being replayed */
	int			nnew;			/* tasks behind replay->ntasks */
	Size		unmeasured;		/* what they take, since memory was last looked at */
	TaskGroup  *groups;
	int			ngroups;
	int			group_capacity;
	uint32		generated;		/* by df_uuid and df_random */

	/* what came of it */
	bool		is_suspended;
	AwaitTree  *awaited;		/* when suspended */
	List	   *cancelled;		/* int: tasks that df_cancel stopped in this turn */
	bool		is_continued;	/* df_continue_as_new was called */
	bool		keep_events;
	text	   *next_input;
	char	   *expected;		/* what history has; not NULL: the turn has diverged */
	const char *actual;			/* what the function did instead */
	int			divergence_event;	/* the event that was expected; 0: none */
	char	   *divergence_context;	/* function and line */
	bool		has_custom_status;
	text	   *custom_status;
	List	   *failures;		/* RaisedFailure *: the last one raised comes first */
	List	   *restarted;		/* int: failed children that a rewind wants anew */
	List	   *map_inputs;		/* MapInputs *: all that the function has collected */
} Turn;

/* The turn that this backend is running, or NULL. */
extern Turn *pgdf_turn;

/* True while a SQL activity runs inside the engine. */
extern bool pgdf_in_sql_activity;

extern bool pgdf_turn_is_active(void);
extern bool pgdf_sql_activity_is_active(void);

/* Error 55000 when called in a turn: function is a client function. */
extern void pgdf_refuse_in_turn(const char *function);

/* The same in turns and SQL activities: function waits or deletes. */
extern void pgdf_refuse_in_engine(const char *function);

/*
 * The running turn, for the context function of that name.  Error 55000 outside
 * of a turn; raises again when the turn is suspended or has diverged.
 */
extern Turn *pgdf_turn_require(const char *function);

/* Error 22023 unless a time-out is more than zero and not without measure.  what begins the message. */
extern void pgdf_check_timeout(const Interval *interval, const char *what);

extern Replay *pgdf_replay_create(MemoryContext context);

/* Make an empty replay a copy with arrays of its own, and the strings of the original, which must outlive it. */
extern void pgdf_replay_copy(Replay *copy, Replay *origin);

/* The task of that number, growing the array with empty ones; error XX001 below 1. */
extern TurnTask *pgdf_replay_task(Replay *replay, int number);

extern void pgdf_replay_add_start(Replay *replay, int event_id, TimestampTz time);

/* Begin a turn in context; the newest start of the replay must be there. */
extern Turn *pgdf_turn_create(MemoryContext context, Replay *replay);

/*
 * The function has returned or suspended: has it made every task that history
 * has?  If not, the turn has diverged.
 */
extern void pgdf_turn_check_end(Turn *turn);

/* The task that history has under the number that the next one gets; NULL: it is a new decision. */
extern const TurnTask *pgdf_turn_next_recorded(const Turn *turn);

/*
 * Make the next task: the recorded one, after comparing, or a new decision.
 * Returns its number.
 */
extern int	pgdf_turn_schedule(Turn *turn, TaskKind kind, const char *name, Jsonb *input,
							   const TaskOptions *options);

/* The same with the hash of what it is to be compared by; input is what history shows. */
extern int	pgdf_turn_schedule_hashed(Turn *turn, TaskKind kind, const char *name, Jsonb *input,
									  int64 hash, const TaskOptions *options);

/* What may fail, for messages: the name follows. */
extern const char *pgdf_turn_task_word(TaskKind kind);

/* "activity "x" (task 3)", for messages. */
extern char *pgdf_turn_describe(const TurnTask *task, int number);

/* Stop a task that has no outcome yet: from here on it has failed as Canceled. */
extern void pgdf_turn_cancel(Turn *turn, int64 handle);

/* End this execution and begin the next one with a new input. */
extern void pgdf_turn_continue_as_new(Turn *turn, Jsonb *input, bool keep_events) pg_attribute_noreturn();

/* Recorded time of the turn that the function is in. */
extern TimestampTz pgdf_turn_now(const Turn *turn);

/*
 * An instance id that depends on run id, execution, the number of the next task,
 * and on attempt.
 */
extern char *pgdf_turn_child_id(const Turn *turn, int attempt);

/* Handles of tasks and combinations. */
extern int64 pgdf_turn_handle(const Turn *turn, int number);
extern int64 pgdf_turn_group(Turn *turn, AwaitKind kind, const int64 *members, int nmembers);

/* Returns when the task is complete; suspends the turn otherwise. */
extern void pgdf_turn_await(Turn *turn, int64 handle);

extern bool pgdf_turn_is_completed(const Turn *turn, int64 handle);

/* The result of a completed task; raises its failure (class DF). */
extern Jsonb *pgdf_turn_result(Turn *turn, int64 handle);

/* The member that completed first; of a completed AWAIT_ANY group. */
extern int64 pgdf_turn_winner(const Turn *turn, int64 handle);

/* The task behind a handle, or NULL for a combination; error 22023 for a foreign handle. */
extern TurnTask *pgdf_turn_task(const Turn *turn, int64 handle);

/* Its number, for messages. */
extern int	pgdf_turn_task_number(int64 handle);

/* The combination behind a handle, or NULL for a task. */
extern TaskGroup *pgdf_turn_find_group(const Turn *turn, int64 handle);

/* Note, before raising it, which tasks' failure df_failure() and df_rewind speak of. */
extern void pgdf_turn_note_failure(Turn *turn, const TurnTask *task, int sqlstate,
								   List *failed_tasks);

/* The failure that an error which ended the function has passed on, or NULL. */
extern const RaisedFailure *pgdf_turn_find_failure(const Turn *turn, int sqlstate, const char *message);

/* SQLSTATE of a failure as the orchestrator sees it: one of class DF. */
extern int	pgdf_turn_failure_sqlstate(const TurnTask *task, const Failure *failure);

/* Is the function still in a part that an earlier turn has run? */
extern bool pgdf_turn_is_replaying(const Turn *turn);

/* 64 bits that depend on run id, execution and how often it was called. */
extern uint64 pgdf_turn_generate(Turn *turn, uint32 salt);

#endif							/* PGDF_TURN_H */

/*
 * engine.h
 *		The engine call: one transaction that records, advances and claims.
 *
 * An Engine lives for one call.  It holds the row locks of its Instances, keeps
 * what it changes in memory, and writes it in bulk at the end.
 *
 * Order of locks: task rows (SKIP LOCKED), then instance rows (SKIP LOCKED).  A
 * call never waits for a row.  What concerns an instance that is not locked here
 * goes to the inbox.
 *
 * One owner's code per call: an Engine locks instances of one owner only.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ENGINE_H
#define PGDF_ENGINE_H

#include "postgres.h"

#include "await.h"
#include "history.h"
#include "pgdf.h"
#include "registry.h"
#include "scan.h"
#include "turn.h"
#include "utils/hsearch.h"

/* An event on its way to an instance. */
typedef struct Delivery
{
	EventType	type;
	int			execution;		/* -1: whichever is current */
	int			task_id;		/* 0: none */
	TimestampTz time;
	text	   *name;
	text	   *payload;
	text	   *failure;
} Delivery;

/* A row for df.tasks. */
typedef struct TaskRow
{
	int			task_id;
	int			scheduled_event;
	text	   *lane;
	text	   *name;
	text	   *queue;
	int			priority;
	TaskState	state;
	bool		has_visible_at;
	TimestampTz visible_at;
	int			attempts;
	text	   *retry;
	bool		at_most_once;
	Interval   *timeout;
	bool		has_schedule_deadline;
	TimestampTz schedule_deadline;
	text	   *settings;
	text	   *last_failure;
	text	   *input;			/* as its event has it */
	int64		fence;			/* of a task that is claimed as it is made */
} TaskRow;

/* A row for df.timers. */
typedef struct TimerRow
{
	int			task_id;
	TimestampTz fire_at;
} TimerRow;

/* A SQL activity that may run inside this call before it gets a row. */
typedef struct InlineTask
{
	const Registration *registration;
	text	   *input;
	TaskRow		row;
} InlineTask;

/* What a call does to the end of an instance: completed_at, output and failure. */
typedef enum EndChange
{
	END_KEPT = 0,				/* as it is in the row */
	END_SET = 1,
	END_CLEARED = 2				/* by a rewind */
} EndChange;

/* A task that was claimed as it was made. */
typedef struct HandedOut
{
	const struct Instance *instance;
	const TaskRow *row;
} HandedOut;

/* An instance whose row lock this call holds. */
typedef struct Instance
{
	int64		key;			/* hash key */
	MemoryContext context;

	/* the row */
	ItemPointerData place;		/* when it was locked */
	char	   *instance_id;
	pg_uuid_t	run_id;
	int			execution;
	char	   *name;
	char	   *version;
	Oid			owner;
	InstanceStatus status;
	int64		parent_key;		/* 0: none */
	int			parent_execution;
	int			parent_task_id;
	int64		root_key;
	int			priority;
	char	   *queue;			/* or NULL */
	struct varlena *input;		/* as stored: perhaps toasted */
	int			next_event_id;
	int64		history_bytes;	/* of payloads and failures, without the events of this call */
	int			next_task_id;
	int			tasks_total;
	int			tasks_completed;
	int			turns;
	int			turn_failures;
	AwaitTree  *awaited;		/* NULL: nothing awaited */
	char	   *blocked_reason;	/* or NULL */
	int			buffered_events;	/* rows in df.buffered_events */
	EndChange	end;
	text	   *output;
	text	   *failure;
	bool		has_custom_status;
	text	   *custom_status;
	char	   *code_hash;		/* what it runs; NULL: not pinned yet */
	char	   *waiting_at;		/* function and line of its last suspension */
	const char *blocked_hash;	/* current code when it was quarantined */
	text	   *traceparent;	/* or NULL */

	/* this call */
	bool		is_dirty;
	bool		is_awaited_dirty;
	bool		is_input_dirty;
	bool		needs_turn;		/* whatever is awaited */
	bool		is_queued;		/* in Engine.ready */
	bool		is_deleted;		/* replaced: write nothing */
	bool		is_postponed;	/* a request waits in the inbox for rows that others hold, and so does what comes after it */
	int64		first_replacement;	/* of the inbox rows taken, those that begin it anew; 0: none */
	int64		last_replacement;
	int			turns_now;		/* turns that it had in this call */
	bool		had_history;	/* events in the table */
	bool		had_tasks;		/* perhaps rows in df.tasks */
	Replay	   *replay;			/* NULL until the first turn of this call */
	EventBuffer *events;		/* to be written */
	List	   *new_tasks;		/* TaskRow *, to be written */
	List	   *new_timers;		/* TimerRow *, to be written */
	List	   *inline_tasks;	/* InlineTask *, to be run or written */
} Instance;

typedef struct Engine
{
	MemoryContext context;
	int64		worker_key;
	Oid			owner;			/* of the instances locked here; InvalidOid: none yet */
	TimestampTz now;
	TimestampTz deadline;		/* begin nothing after this */
	int			turns_left;		/* instances that may still have turns */
	int64		suspect;		/* careful: the instance being advanced; 0: none */
	bool		is_careful;		/* one instance, contained: a call before this one raised an error */
	List	   *queues;			/* char * */
	HTAB	   *instances;
	List	   *ready;			/* Instance *, in order */
	HTAB	   *registrations;
	List	   *pinned;			/* char *: hashes of code that is known to be in df.code */
	uint64		purges_before;	/* pgdf_purges when it began */

	/* new tasks that the caller gets at once */
	List	   *offered;		/* char *: names that it runs */
	int			room;			/* places that it has */
	List	   *handed_out;		/* HandedOut * */

	/* limits of SQL activities in this transaction */
	int			writing_subtransactions;
	bool		sql_is_exhausted;

	/* summary */
	int			recorded;
	int			fenced;
	int			turns;
	int			sent;
	bool		more;			/* something ready was left */
	bool		skipped;		/* something was locked by another session */
	int			tasks_queued;	/* rows put into lanes, and slots of limited activities that are free now */
	int64		limit_due_ms;	/* when a limit may let more tasks begin; 0: none is in the way */
	bool		must_be_durable;
} Engine;

/*
 * So often in a row may writing what an instance decided raise an error.  After
 * twice as many its termination has been tried as well.
 */
#define PGDF_POISON_FAILURES	3

/* Did this session's last call leave work in the inbox because it was another owner's? */
extern bool pgdf_owners_wait;

/* Whose SQL activities it left in their lane for that reason: the next call is theirs. */
extern Oid	pgdf_lane_owner;

/* --- engine.c: what the call holds --- */

/* For one call that may advance so many instances; 1: carefully. */
extern Engine *pgdf_engine_create(int64 worker_key, int turns);

/* Lock the given instances that belong to engine->owner; busy and foreign ones are left out. */
extern void pgdf_engine_lock(Engine *engine, const int64 *keys, int nkeys);

/* The table of instances by their keys, to be locked one by one; and the row that was found. */
extern TableScan *pgdf_engine_scan_instances(void);
extern bool pgdf_engine_lock_row(Engine *engine, TableScan *scan);

/* After a rollback: hold no instance, have decided nothing. */
extern void pgdf_engine_forget(Engine *engine);

/* An instance locked by this call, or NULL. */
extern Instance *pgdf_engine_find(Engine *engine, int64 key);

/* Registration of a name, looked up once a call; NULL: not registered. */
extern const Registration *pgdf_engine_registration(Engine *engine, const char *name,
													const char *version);

/* Is it one of the queues that the calling worker serves? */
extern bool pgdf_engine_serves_queue(const Engine *engine, const char *queue);

/* --- deliver.c: what reaches an instance --- */

/* Into the instance's history when it is locked here, else into its inbox. */
extern void pgdf_engine_deliver(Engine *engine, int64 key, const Delivery *delivery);

/* Take an event into a locked instance. */
extern void pgdf_instance_deliver(Engine *engine, Instance *instance, const Delivery *delivery);

/* A task of a locked instance has its outcome; a failure when delivery->failure is set. */
extern void pgdf_instance_record_outcome(Instance *instance, const Delivery *delivery);

/* Name of an inbox row: a backend that ran this instance's code had to be terminated. */
#define PGDF_RUNAWAY_NAME	"*runaway"

/* Insert an inbox row. */
extern void pgdf_delivery_insert(int64 key, const Delivery *delivery);

/* Is it the request to begin the instance anew (df_start with if_exists 'replace')? */
extern bool pgdf_delivery_is_replacement(const Delivery *delivery);

/* Has it a reason for a turn, and may it have one? */
extern bool pgdf_instance_is_ready(const Instance *instance);

/* Put an instance into the list of ready ones if it is. */
extern void pgdf_instance_check_ready(Engine *engine, Instance *instance);

/* A new event of the instance: numbered, and noted for its replay. */
extern Event *pgdf_instance_add_event(Instance *instance, EventType type, TimestampTz time);

/* --- finish.c: status, end, next execution --- */

/* The only place that changes a status. */
extern void pgdf_instance_set_status(Instance *instance, InstanceStatus status);

/* End an instance: status, open work, parent. */
extern void pgdf_instance_finish(Engine *engine, Instance *instance, InstanceStatus status,
								 text *output, text *failure);

/* Make it stand still until someone looks at it. */
extern void pgdf_instance_block(Instance *instance, const char *reason);

/*
 * Lock all of its tasks' rows, but for chunks of maps.  False: another session has
 * one, and the caller leaves for a later call what must not miss a row, since
 * their numbers are used again.
 */
extern bool pgdf_instance_hold_tasks(Engine *engine, const Instance *instance);

/* The same with chunks, for who deletes all that the instance has. */
extern bool pgdf_instance_hold_all_tasks(Engine *engine, const Instance *instance);

/* Remove a task that was cancelled: its row or its timer. */
extern void pgdf_instance_cancel_task(Instance *instance, int task_id);

/* Begin the next execution: history, tasks and timers of this one go. */
extern void pgdf_instance_continue_as_new(Engine *engine, Instance *instance, text *input,
										  bool keep_events);

/*
 * What every next execution begins with: no tasks, no timers, the code as it is now.
 * Events that are not written yet are the caller's business.
 */
extern void pgdf_instance_next_execution(Instance *instance);

/* --- flush.c: writing --- */

/* Write everything that the call has changed. */
extern void pgdf_engine_flush(Engine *engine);

/* --- event.c: external events --- */

/* An event for a live instance: bound to its waiter, or buffered. */
extern void pgdf_event_receive(Instance *instance, const Delivery *delivery);

/* An event for an instance that is final: only history remembers it. */
extern void pgdf_event_too_late(Instance *instance, const Delivery *delivery);

/* A turn has suspended: bind buffered events to what it waits for. */
extern void pgdf_event_bind_buffered(Instance *instance);

/* --- decide.c: what a turn has decided becomes events and rows --- */

extern void pgdf_decisions_apply(Engine *engine, Instance *instance, Turn *turn, bool is_final);

/* --- orchestrate.c: turns --- */

/* What an event means for the next turn. */
extern void pgdf_replay_event(Replay *replay, const Event *event);

/* Run turns until nothing is ready or the call's budget is used up. */
extern void pgdf_engine_advance(Engine *engine);

#endif							/* PGDF_ENGINE_H */

/*
 * instance.h
 *		Life of an instance: statuses, start, control requests, purge.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_INSTANCE_H
#define PGDF_INSTANCE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "compat.h"
#include "history.h"
#include "pgdf.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

/* "Running", ... as users see it. */
extern const char *pgdf_status_name(InstanceStatus status);

/* False when no status has that name (case-insensitive). */
extern bool pgdf_status_parse(const char *name, InstanceStatus *status);

extern bool pgdf_status_is_final(InstanceStatus status);

/* Error XX000 when the transition is not in the table of transitions. */
extern void pgdf_status_check_transition(InstanceStatus from, InstanceStatus to);

/* What control and client functions look at first. */
typedef struct InstanceRef
{
	int64		instance_key;
	Oid			owner;
	InstanceStatus status;
	bool		is_own_start;	/* started, and not yet committed, by this transaction */
} InstanceRef;

/*
 * The instance of that id, as it is now (newest snapshot).  False when there is
 * none, or none that caller may see.  Needs pgdf_enter() and SPI_connect().
 */
extern bool pgdf_instance_find(const char *instance_id, Oid caller, InstanceRef *ref);

/* The same; error 42704 instead of false. */
extern void pgdf_instance_require(const char *instance_id, Oid caller, InstanceRef *ref);

/* Live, or failed and asked to rewind: what is asked for after that reaches it when it is live again. */
extern bool pgdf_instance_will_be_live(const InstanceRef *ref);

/* What pgdf_instance_require raises. */
extern void pgdf_instance_raise_unknown(const char *instance_id) pg_attribute_noreturn();

typedef enum IfExists
{
	IF_EXISTS_ERROR,
	IF_EXISTS_IGNORE,
	IF_EXISTS_REPLACE
} IfExists;

/* What a start needs; strings may be NULL where the design says NULL. */
typedef struct StartRequest
{
	const char *name;
	text	   *input;			/* JSON text, checked; NULL = null */
	const char *instance_id;	/* NULL: generated */
	bool		has_start_at;
	TimestampTz start_at;
	IfExists	if_exists;
	Jsonb	   *tags;
	const char *version;
	int			priority;
	const char *queue;
	Oid			owner;			/* whose rights it runs with */
	int64		parent_instance_key;	/* 0: none */
	int			parent_execution;
	int			parent_task_id;
	int64		root_instance_key;	/* 0: itself */
	text	   *retry;			/* children: policy, or NULL */
} StartRequest;

/*
 * Start an instance; returns its id in CurrentMemoryContext.  Needs
 * pgdf_enter() and SPI_connect().  Errors: 22023 for a bad id, queue, version or
 * tags; 42704 unknown orchestrator; 42501, 42883 of pgdf_registry_resolve(); 42710
 * when the id is taken (always when it is taken by an instance of somebody the
 * owner may not act for); 40001 in a REPEATABLE READ transaction that cannot see
 * who took it.
 *
 * IF_EXISTS_REPLACE of a live instance leaves a row in the inbox instead, of
 * type EVENT_EXECUTION_TERMINATED and name PGDF_REPLACE_NAME, whose payload
 * pgdf_start_request_parse() reads.
 *
 * The row of df.instance_state has status Pending, code_hash NULL (the first
 * turn pins the code) and the input; the inbox row of type
 * EVENT_EXECUTION_STARTED has the orchestrator's name and no payload.  A start in
 * the future has a timer (task 0, execution 0) instead of that row.
 */
extern char *pgdf_instance_start(const StartRequest *request);

/* Name of the inbox row that asks for a replacement. */
#define PGDF_REPLACE_NAME	"*replace"

/*
 * The start request in such a row's payload, in CurrentMemoryContext; its
 * if_exists is IF_EXISTS_REPLACE.  The JSON is
 *
 *	{"name": text, "instance_id": text, "version": text|null, "queue": text|null,
 *	 "priority": int, "start_at": text|null (timestamptz, ISO), "tags": object|null,
 *	 "owner": text (role name as an SQL identifier), "input": any}
 *
 * owner is InvalidOid when the role is gone.  Needs pgdf_enter() and
 * SPI_connect().
 */
extern void pgdf_start_request_parse(text *payload, StartRequest *request);

/*
 * What the instance of that id was started with, but for its id, and its status,
 * as it is now (newest snapshot); strings and payloads in context.  False when
 * there is none, or none that caller may see.  Needs pgdf_enter() and
 * SPI_connect().
 */
extern bool pgdf_start_request_read(const char *instance_id, Oid caller_role, MemoryContext context,
									StartRequest *request, InstanceStatus *status);

/*
 * Begin an instance anew, as request has it, under its id and key: what is in its
 * inbox, and what is on its way there, is for the new run.  All else that it has
 * is deleted.  Its execution is one higher, so that an outcome for the old run is
 * not taken for one of the new.  The caller holds the row lock, has ended the old
 * run (tasks, parent, children), and writes nothing of it afterwards.  Errors as
 * pgdf_instance_start().
 */
extern void pgdf_instance_replace(int64 instance_key, const StartRequest *request);

/*
 * The same two in a subtransaction, for the engine: what is wrong with a request
 * does not undo the whole call.  NULL, or failureDetails; errors of the system's
 * making are raised again.
 */
extern text *pgdf_instance_try_start(const StartRequest *request);
extern text *pgdf_instance_try_replace(int64 instance_key, const StartRequest *request);

/*
 * Delete all rows of one instance (of any state, no checks, no locks taken on
 * others).  A child's parent_instance_key that leads nowhere means that it is
 * detached; keys are never used again.
 */
extern void pgdf_instance_delete(int64 instance_key);

/*
 * Delete a final instance with its final descendants (below a live one nothing
 * is looked at: it is detached with all it has).  Takes row locks in key order.
 * Returns how many were deleted; 0 when the instance is gone or live.
 */
extern uint64 pgdf_instance_purge(int64 instance_key);

/* How many this backend has purged: an engine call that starts instances looks what became of those it holds. */
extern uint64 pgdf_purges;

/*
 * The same, one of many in a transaction: it waits for who holds a row only as long
 * as this transaction has purged nothing, so that two that purge one set in
 * different order do not wait for each other.
 */
extern uint64 pgdf_instance_purge_of_set(int64 instance_key);

/* The same without waiting: what somebody holds stays, all of it if that is the instance itself. */
extern uint64 pgdf_instance_purge_unlocked(int64 instance_key);

/*
 * Put an event without a task into an instance's inbox; name and payload may be
 * NULL.  Call pgdf_wake_workers() before.
 */
extern void pgdf_inbox_insert(int64 instance_key, EventType type, const char *name, text *payload);

/* 32 random hex digits, and a random uuid. */
extern char *pgdf_random_id(void);
extern pg_uuid_t *pgdf_random_uuid(void);

/* Random, never 0. */
extern int64 pgdf_random_fence(void);

#endif							/* PGDF_INSTANCE_H */

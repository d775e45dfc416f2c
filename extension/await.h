/*
 * await.h
 *		What a suspended orchestrator waits for: a tree of all/any over tasks,
 *		kept with the instance so that a delivery needs no replay.
 *
 * The tree itself never changes between two turns; a delivery only lowers the
 * counters.  A node is satisfied when its counter has reached zero, and the
 * instance is ready for its next turn when node 0 is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_AWAIT_H
#define PGDF_AWAIT_H

#include "postgres.h"

typedef enum AwaitKind
{
	AWAIT_ALL,					/* every member */
	AWAIT_ANY,					/* the first member */
	AWAIT_ALL_FAIL_FAST			/* every member, or the first failure */
} AwaitKind;

typedef struct AwaitNode
{
	int32		kind;			/* AwaitKind */
	int32		parent;			/* node it is a member of; -1: the root */
	int32		first_range;	/* member tasks: ranges[first_range ..] */
	int32		nranges;
} AwaitNode;

/* Tasks first to last, both included. */
typedef struct AwaitRange
{
	int32		first;
	int32		last;
} AwaitRange;

/* A member task that waits for an event of this name. */
typedef struct AwaitWaiter
{
	int32		task;
	char	   *name;
} AwaitWaiter;

typedef struct AwaitTree
{
	int			nnodes;
	int			nranges;
	int			nwaiters;
	AwaitNode  *nodes;
	AwaitRange *ranges;
	AwaitWaiter *waiters;		/* in order of task */
	int32	   *remaining;		/* one counter a node; 0 or less: satisfied */
} AwaitTree;

/* An empty tree with room that grows, in CurrentMemoryContext. */
extern AwaitTree *pgdf_await_create(void);

/* Add a node (parents first); returns its number. */
extern int	pgdf_await_add_node(AwaitTree *tree, AwaitKind kind, int parent, int remaining);

/* Add tasks to the node added last; sorts and merges them into ranges. */
extern void pgdf_await_set_tasks(AwaitTree *tree, int32 *tasks, int ntasks);

/* Note that a member task waits for an event; the name is copied. */
extern void pgdf_await_add_waiter(AwaitTree *tree, int32 task, const char *name);

/*
 * The lowest-numbered open waiter for events of this name (any case), or 0: it
 * is to get the event, and waits no more.
 */
extern int32 pgdf_await_take_waiter(AwaitTree *tree, const char *name);

/* The event name that a waiter waits for, NULL when the task is none. */
extern const char *pgdf_await_waiter_name(const AwaitTree *tree, int32 task);

/* Task has an outcome. */
extern void pgdf_await_deliver(AwaitTree *tree, int32 task, bool is_failure);

extern bool pgdf_await_is_satisfied(const AwaitTree *tree);

/* The unchanging part as stored in df.instance_state.awaited. */
extern bytea *pgdf_await_serialize(const AwaitTree *tree);

/* From both stored parts, in CurrentMemoryContext; error XX001 when they do not fit together. */
extern AwaitTree *pgdf_await_deserialize(bytea *awaited, const int32 *remaining, int nremaining);

#endif							/* PGDF_AWAIT_H */

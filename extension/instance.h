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
} StartRequest;

/*
 * Start an instance; returns its id in CurrentMemoryContext.  Needs
 * pgdf_enter() and SPI_connect().
 */
extern char *pgdf_instance_start(const StartRequest *request);

/*
 * Delete all rows of instances (keys of any state, no checks, no locks taken on
 * others): what purge and replace do after their own checks.
 */
extern void pgdf_instance_delete(int64 instance_key);

/* 32 random hex digits, and a random uuid. */
extern char *pgdf_random_id(void);
extern pg_uuid_t *pgdf_random_uuid(void);

/* Random, never 0. */
extern int64 pgdf_random_fence(void);

#endif							/* PGDF_INSTANCE_H */

/*
 * work.h
 *		What the parts of an engine call share: the request and the rows of its
 *		answer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WORK_H
#define PGDF_WORK_H

#include "postgres.h"

#include "engine.h"

typedef enum WorkMode
{
	WORK_NORMAL,
	WORK_SCAN,					/* without low-water marks, everything that is due */
	WORK_IDLE					/* a scan before sleep: asks whether producers are in flight */
} WorkMode;

/* A row of the answer; docs/internals.md says what each is. */
typedef struct WorkRow
{
	char		what;
	int64		instance_key;
	int			task_id;
	int64		fence;
	text	   *name;
	text	   *instance_id;
	int			execution;
	int			attempt;
	text	   *idempotency_key;
	int64		timeout_ms;		/* -1: none */
	text	   *input;
	text	   *settings;
	text	   *traceparent;
} WorkRow;

typedef struct WorkCall
{
	Engine	   *engine;
	WorkMode	mode;
	int			room;
	List	   *activities;		/* char * */
	bool		is_quiet;
	int			claimed;
	List	   *rows;			/* WorkRow * */
} WorkCall;

/* A zeroed row at the end of the answer. */
extern WorkRow *pgdf_work_add_row(WorkCall *call, char what);

#endif							/* PGDF_WORK_H */

/*
 * record.h
 *		The first part of an engine call: outcomes that a worker reports.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_RECORD_H
#define PGDF_RECORD_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "task.h"
#include "utils/array.h"
#include "work.h"

typedef enum ReportState
{
	REPORT_UNSEEN,				/* its row was not locked by us */
	REPORT_VALID,
	REPORT_FENCED
} ReportState;

/* One reported outcome. */
typedef struct Report
{
	int64		instance_key;
	int			task_id;
	int64		fence;
	char		outcome;		/* c, f, r, s, h */
	text	   *payload;		/* or NULL */
	ReportState state;

	/* when it is valid, and no item of a map */
	TaskAttempt attempt;
	bool		is_started;
	bool		is_sql;
	char	   *name;
	ItemPointerData row;		/* place of the locked row */
} Report;

/*
 * Record reported outcomes: the arguments done_* of df.work.  A result counts
 * only with the task's present fence, compared under the task's row lock.
 */
extern void pgdf_record(WorkCall *call, ArrayType *instances, ArrayType *tasks,
						ArrayType *fences, text *outcomes, ArrayType *payloads);

/* A report that was not recorded: void, or only out of reach for the moment. */
extern void pgdf_report_send_back(WorkCall *call, const Report *report);

/* Why a result cannot be stored, as failureDetails; NULL when it can. */
extern text *pgdf_report_invalid_result(const char *name, text *result);

/* A reported failure, or failureDetails that say that it was none. */
extern text *pgdf_report_failure(text *failure);

#endif							/* PGDF_RECORD_H */

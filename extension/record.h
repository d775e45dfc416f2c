/*
 * record.h
 *		The first part of an engine call: outcomes that a worker reports.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_RECORD_H
#define PGDF_RECORD_H

#include "postgres.h"

#include "utils/array.h"
#include "work.h"

/*
 * Record reported outcomes: the arguments done_* of df.work.  A result counts
 * only with the task's present fence, compared under the task's row lock.
 */
extern void pgdf_record(WorkCall *call, ArrayType *instances, ArrayType *tasks,
						ArrayType *fences, text *outcomes, ArrayType *payloads);

#endif							/* PGDF_RECORD_H */

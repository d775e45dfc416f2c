/*
 * outcome.h
 *		What became of claimed tasks, on its way to the database.
 *
 * An Outcome lives from the end of an activity until a df.work call that
 * carried it has committed.  Sending one twice is safe: the fence decides.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_OUTCOME_H
#define PGDF_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As df.work spells them. */
#define OUTCOME_COMPLETED	'c'
#define OUTCOME_FAILED		'f'
#define OUTCOME_RETURNED	'r' /* given back unstarted */
#define OUTCOME_STARTED		's'
#define OUTCOME_POSTPONED	'p' /* not done yet: handed out again later */
#define OUTCOME_PROGRESS	'h' /* how far it is; nothing else changes */

/* The right to complete a task. */
typedef struct TaskKey
{
	int64_t		instance_key;
	int32_t		task_id;
	int64_t		fence;
} TaskKey;

typedef struct Outcome
{
	struct Outcome *next;
	TaskKey		key;
	char		what;			/* OUTCOME_* */
	char	   *payload;		/* JSON text, or NULL */
	size_t		length;
	int64_t		made_us;		/* when the activity ended */
	int			refusals;		/* grows when a call with this one alone raised an error */
	bool		is_repeat;		/* sent before, in a commit that may not be durable */
} Outcome;

/* First in, first out.  A zeroed list is empty. */
typedef struct OutcomeList
{
	Outcome    *head;
	Outcome    *tail;
	int			count;
	bool		is_mixed;		/* perhaps of several instances */
} OutcomeList;

/* Takes over payload. */
extern Outcome *outcome_new(TaskKey key, char what, char *payload, size_t length, int64_t now_us);
extern void outcome_free(Outcome *outcome);

extern void outcomes_push(OutcomeList *list, Outcome *outcome);

/* Move all of source in front of, or behind, what list holds. */
extern void outcomes_prepend(OutcomeList *list, OutcomeList *source);
extern void outcomes_append(OutcomeList *list, OutcomeList *source);

/* Move from the front at most so many, and at least one but otherwise not more than max_bytes, into *taken. */
extern void outcomes_take(OutcomeList *list, int max_count, size_t max_bytes, OutcomeList *taken);

/* Unlink the first outcome of this task, or NULL. */
extern Outcome *outcomes_remove(OutcomeList *list, const TaskKey *key);

/* Is there something, and all of it of this instance? */
extern bool outcomes_are_of(const OutcomeList *list, int64_t instance_key);

/* Free every outcome of this task, or every one of this kind; 0: of any. */
extern void outcomes_forget(OutcomeList *list, const TaskKey *key, char what);
extern void outcomes_free(OutcomeList *list);

extern bool task_keys_are_equal(const TaskKey *left, const TaskKey *right);

#endif							/* PGDF_OUTCOME_H */

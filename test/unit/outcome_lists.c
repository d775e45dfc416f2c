/*
 * outcome_lists.c
 *		Lists of outcomes: order, batches by count and size, removal.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "outcome.h"
#include "tap.h"
#include "xalloc.h"

static void add(OutcomeList *list, int task_id, size_t length);
static void is_list(const OutcomeList *list, const char *expected, const char *name);
static TaskKey key_of(int task_id);
static void batches(void);
static void joining(void);
static void removal(void);
static void forgetting(void);
static void one_instance(void);

int
main(void)
{
	batches();
	joining();
	removal();
	forgetting();
	one_instance();
	return done_testing();
}

static void
batches(void)
{
	OutcomeList list = {0};
	OutcomeList taken = {0};

	for (int i = 1; i <= 5; i++)
		add(&list, i, 10);
	outcomes_take(&list, 2, 1000, &taken);
	is_list(&taken, "1 2", "a batch is bounded by its count");
	is_list(&list, "3 4 5", "the rest stays");
	outcomes_free(&taken);

	outcomes_take(&list, 100, 25, &taken);
	is_list(&taken, "3 4", "and by its size");
	outcomes_free(&taken);
	outcomes_take(&list, 100, 5, &taken);
	is_list(&taken, "5", "but it has at least one");
	is_list(&list, "", "then the list is empty");
	outcomes_free(&taken);
	outcomes_take(&list, 100, 5, &taken);
	is_list(&taken, "", "and gives nothing");
	add(&list, 6, 1);
	is_list(&list, "6", "an emptied list can be used again");
	outcomes_free(&list);
}

static void
joining(void)
{
	OutcomeList left = {0};
	OutcomeList right = {0};

	add(&left, 1, 0);
	add(&right, 2, 0);
	add(&right, 3, 0);
	outcomes_append(&left, &right);
	is_list(&left, "1 2 3", "append");
	is_list(&right, "", "takes everything");
	outcomes_append(&left, &right);
	is_list(&left, "1 2 3", "append nothing");
	add(&right, 9, 0);
	outcomes_prepend(&left, &right);
	is_list(&left, "9 1 2 3", "prepend");
	outcomes_prepend(&left, &right);
	is_list(&left, "9 1 2 3", "prepend nothing");
	outcomes_prepend(&right, &left);
	is_list(&right, "9 1 2 3", "prepend to nothing");
	add(&right, 4, 0);
	is_list(&right, "9 1 2 3 4", "the end is known");
	outcomes_free(&right);
}

static void
removal(void)
{
	OutcomeList list = {0};
	TaskKey		key = key_of(3);

	for (int i = 1; i <= 3; i++)
		add(&list, i, 0);
	outcome_free(outcomes_remove(&list, &key));
	is_list(&list, "1 2", "the last is removed");
	add(&list, 4, 0);
	is_list(&list, "1 2 4", "and the end is known");
	key = key_of(1);
	outcome_free(outcomes_remove(&list, &key));
	is_list(&list, "2 4", "the first is removed");
	ok(outcomes_remove(&list, &key) == NULL, "what is not there is not removed");
	key = key_of(2);
	key.fence++;
	ok(outcomes_remove(&list, &key) == NULL, "nor what has another fence");
	outcomes_free(&list);
	outcomes_free(&list);
	is_int(list.count, 0, "free may be called twice");
}

static void
add(OutcomeList *list, int task_id, size_t length)
{
	outcomes_push(list, outcome_new(key_of(task_id), OUTCOME_COMPLETED, xstrdup("0"), length, 0));
}

static TaskKey
key_of(int task_id)
{
	TaskKey		key = {7, task_id, 1000 + task_id};

	return key;
}

static void
is_list(const OutcomeList *list, const char *expected, const char *name)
{
	char		text[200] = "";
	int			count = 0;

	for (const Outcome *outcome = list->head; outcome != NULL; outcome = outcome->next)
	{
		size_t		used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%d", used > 0 ? " " : "", outcome->key.task_id);
		count++;
	}
	ok(strcmp(text, expected) == 0 && count == list->count, "%s: %s", name, text);
}

static void
forgetting(void)
{
	OutcomeList list = {0};
	TaskKey		key = key_of(2);

	for (int i = 1; i <= 3; i++)
		add(&list, i, 10);
	add(&list, 2, 10);
	list.tail->what = OUTCOME_PROGRESS;
	add(&list, 4, 10);
	outcomes_forget(&list, &key, OUTCOME_PROGRESS);
	is_list(&list, "1 2 3 4", "progress of a task is forgotten, its outcome stays");
	outcomes_forget(&list, &key, OUTCOME_PROGRESS);
	is_list(&list, "1 2 3 4", "once");
	add(&list, 2, 10);
	outcomes_forget(&list, &key, 0);
	is_list(&list, "1 3 4", "everything of a task is forgotten");
	add(&list, 5, 10);
	is_list(&list, "1 3 4 5", "and the list goes on");
	outcomes_free(&list);
}

static void
one_instance(void)
{
	OutcomeList list = {0};
	OutcomeList other = {0};
	OutcomeList taken = {0};
	TaskKey		key = {8, 1, 1001};

	ok(!outcomes_are_of(&list, 7), "an empty list is of no instance");
	add(&list, 1, 0);
	add(&list, 2, 0);
	ok(outcomes_are_of(&list, 7) && !outcomes_are_of(&list, 8), "all are of one instance");
	outcomes_push(&other, outcome_new(key, OUTCOME_COMPLETED, NULL, 0, 0));
	outcomes_append(&list, &other);
	ok(!outcomes_are_of(&list, 7) && !outcomes_are_of(&list, 8), "one of another is behind them");
	outcomes_take(&list, 2, SIZE_MAX, &taken);
	ok(outcomes_are_of(&taken, 7), "what is taken is looked at anew");
	outcomes_prepend(&list, &taken);
	ok(!outcomes_are_of(&list, 7), "they are back in front of it");
	outcomes_take(&list, 3, SIZE_MAX, &taken);
	ok(!outcomes_are_of(&taken, 7), "all of them are mixed");
	add(&list, 3, 0);
	ok(outcomes_are_of(&list, 7), "a list that was emptied begins anew");
	outcomes_free(&list);
	outcomes_free(&taken);
}

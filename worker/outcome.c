/*
 * outcome.c
 *		What became of claimed tasks, on its way to the database.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

Outcome *
outcome_new(TaskKey key, char what, char *payload, size_t length, int64_t now_us)
{
	Outcome    *outcome = xcalloc(1, sizeof(Outcome));

	outcome->key = key;
	outcome->what = what;
	outcome->payload = payload;
	outcome->length = length;
	outcome->made_us = now_us;
	return outcome;
}

void
outcome_free(Outcome *outcome)
{
	if (outcome == NULL)
		return;
	free(outcome->payload);
	free(outcome);
}

void
outcomes_push(OutcomeList *list, Outcome *outcome)
{
	outcome->next = NULL;
	if (list->tail != NULL)
	{
		list->is_mixed = list->is_mixed || list->tail->key.instance_key != outcome->key.instance_key;
		list->tail->next = outcome;
	}
	else
	{
		list->is_mixed = false;
		list->head = outcome;
	}
	list->tail = outcome;
	list->count++;
}

void
outcomes_prepend(OutcomeList *list, OutcomeList *source)
{
	outcomes_append(source, list);
	*list = *source;
	memset(source, 0, sizeof(*source));
}

void
outcomes_append(OutcomeList *list, OutcomeList *source)
{
	if (source->head == NULL)
		return;
	if (list->tail != NULL)
	{
		list->is_mixed = list->is_mixed || source->is_mixed ||
			list->tail->key.instance_key != source->head->key.instance_key;
		list->tail->next = source->head;
	}
	else
	{
		list->is_mixed = source->is_mixed;
		list->head = source->head;
	}
	list->tail = source->tail;
	list->count += source->count;
	memset(source, 0, sizeof(*source));
}

void
outcomes_take(OutcomeList *list, int max_count, size_t max_bytes, OutcomeList *taken)
{
	size_t		bytes = 0;

	while (list->head != NULL && taken->count < max_count)
	{
		Outcome    *outcome = list->head;

		bytes += outcome->length;
		if (taken->count > 0 && bytes > max_bytes)
			break;
		list->head = outcome->next;
		if (list->head == NULL)
			list->tail = NULL;
		list->count--;
		outcomes_push(taken, outcome);
	}
}

Outcome *
outcomes_remove(OutcomeList *list, const TaskKey *key)
{
	Outcome    *previous = NULL;

	for (Outcome *outcome = list->head; outcome != NULL; previous = outcome, outcome = outcome->next)
	{
		if (!task_keys_are_equal(&outcome->key, key))
			continue;
		if (previous != NULL)
			previous->next = outcome->next;
		else
			list->head = outcome->next;
		if (list->tail == outcome)
			list->tail = previous;
		list->count--;
		outcome->next = NULL;
		return outcome;
	}
	return NULL;
}

bool
outcomes_are_of(const OutcomeList *list, int64_t instance_key)
{
	return list->head != NULL && !list->is_mixed && list->head->key.instance_key == instance_key;
}

void
outcomes_forget(OutcomeList *list, const TaskKey *key, char what)
{
	OutcomeList kept = {0};

	while (list->head != NULL)
	{
		Outcome    *outcome = list->head;

		list->head = outcome->next;
		if (task_keys_are_equal(&outcome->key, key) && (what == 0 || what == outcome->what))
			outcome_free(outcome);
		else
			outcomes_push(&kept, outcome);
	}
	*list = kept;
}

void
outcomes_free(OutcomeList *list)
{
	while (list->head != NULL)
	{
		Outcome    *outcome = list->head;

		list->head = outcome->next;
		outcome_free(outcome);
	}
	memset(list, 0, sizeof(*list));
}

bool
task_keys_are_equal(const TaskKey *left, const TaskKey *right)
{
	return left->fence == right->fence && left->instance_key == right->instance_key &&
		left->task_id == right->task_id;
}

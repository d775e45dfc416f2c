/*
 * explore.h
 *		All states that a small model can reach, breadth first.
 *
 * A model is a state without pointers or padding, a function that emits every
 * next state, and a check.  The shortest way to a state that the check refuses is
 * kept.  Included once a program.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_EXPLORE_H
#define PGDF_EXPLORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Explorer Explorer;

typedef struct Model
{
	size_t		size;			/* of a state */
	void		(*steps) (Explorer *explorer, const void *state);

	/* NULL: all is well.  is_stuck: no step, but chances, leads to another state. */
	const char *(*check) (const void *state, bool is_stuck);
} Model;

struct Explorer
{
	const Model *model;
	uint8_t    *states;
	uint32_t   *parents;
	const char **labels;		/* of the step that led here */
	uint32_t	count;
	uint32_t	capacity;
	uint32_t   *table;			/* index + 1; 0: free */
	uint32_t	table_size;		/* a power of two */
	uint32_t	current;
	bool		has_moved;
	const char *violation;
	uint32_t	violating;
};

static inline uint8_t *
explore_state(const Explorer *e, uint32_t i)
{
	return e->states + (size_t) i * e->model->size;
}

static inline uint32_t
explore_hash(const uint8_t *bytes, size_t size)
{
	uint32_t	hash = 2166136261u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash ^ (hash >> 15);
}

static inline void
explore_grow(Explorer *e)
{
	e->capacity = e->capacity == 0 ? 1024 : e->capacity * 2;
	e->states = realloc(e->states, (size_t) e->capacity * e->model->size);
	e->parents = realloc(e->parents, e->capacity * sizeof(uint32_t));
	e->labels = realloc(e->labels, e->capacity * sizeof(char *));
	e->table_size = e->capacity * 4;
	free(e->table);
	e->table = calloc(e->table_size, sizeof(uint32_t));
	if (e->states == NULL || e->parents == NULL || e->labels == NULL || e->table == NULL)
		abort();
	for (uint32_t i = 0; i < e->count; i++)
	{
		uint32_t	slot = explore_hash(explore_state(e, i), e->model->size) & (e->table_size - 1);

		while (e->table[slot] != 0)
			slot = (slot + 1) & (e->table_size - 1);
		e->table[slot] = i + 1;
	}
}

/* A model's steps call this for each next state. */
static inline void
explore_emit(Explorer *e, const char *label, const void *next)
{
	uint32_t	slot;

	if (e->count == e->capacity)
	{
		uint8_t		copy[256];	/* next may be in what moves */

		memcpy(copy, next, e->model->size);
		explore_grow(e);
		explore_emit(e, label, copy);
		return;
	}
	if (e->count > 0 && memcmp(next, explore_state(e, e->current), e->model->size) != 0)
		e->has_moved = true;
	slot = explore_hash(next, e->model->size) & (e->table_size - 1);
	for (; e->table[slot] != 0; slot = (slot + 1) & (e->table_size - 1))
	{
		if (memcmp(explore_state(e, e->table[slot] - 1), next, e->model->size) == 0)
			return;
	}
	memcpy(explore_state(e, e->count), next, e->model->size);
	e->parents[e->count] = e->current;
	e->labels[e->count] = label;
	e->table[slot] = ++e->count;
}

/* The same for what may happen, and need not: a state is stuck if nothing else does. */
static inline void
explore_emit_chance(Explorer *e, const char *label, const void *next)
{
	bool		has_moved = e->has_moved;

	explore_emit(e, label, next);
	e->has_moved = has_moved;
}

/* Until a violation is found, or all states are. */
static inline void
explore(Explorer *e, const Model *model, const void *initial)
{
	memset(e, 0, sizeof(*e));
	e->model = model;
	explore_emit(e, "begin", initial);
	for (uint32_t i = 0; i < e->count && e->violation == NULL; i++)
	{
		uint8_t		state[256];

		memcpy(state, explore_state(e, i), model->size);
		e->current = i;
		e->has_moved = false;
		model->steps(e, state);
		e->violation = model->check(state, !e->has_moved);
		e->violating = i;
	}
}

/* The way to the violation, as comments. */
static inline void
explore_print(const Explorer *e)
{
	uint32_t	path[256];
	int			n = 0;

	printf("# %s, after:\n", e->violation);
	for (uint32_t i = e->violating; i != 0 && n < 256; i = e->parents[i])
		path[n++] = i;
	while (n > 0)
		printf("#   %s\n", e->labels[path[--n]]);
}

static inline void
explore_free(Explorer *e)
{
	free(e->states);
	free(e->parents);
	free(e->labels);
	free(e->table);
	memset(e, 0, sizeof(*e));
}

#endif							/* PGDF_EXPLORE_H */

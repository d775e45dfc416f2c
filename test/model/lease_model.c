/*
 * lease_model.c
 *		One task, two workers that crash, hang, stall and lose answers, in every
 *		interleaving: one outcome for each life of the instance, and never stuck.
 *
 * Claim, takeover, record, cancel, continue-as-new and termination are each a
 * transaction, and a step.  The task has the same number in both lives of its
 * instance, so that a late result of the first could be taken for one of the
 * second.  With a rule left out the explorer must find the way to the damage.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "explore.h"
#include "tap.h"

#define WORKERS 2
#define LIVES	2

/* What is wrong with the rules. */
typedef enum Mutant
{
	NONE,
	FENCE_NOT_COMPARED,			/* any claimed row may be completed */
	FENCE_OF_THE_TASK,			/* a claim gets the task's number, not a new one */
	FENCE_COUNTS_AGAIN,			/* a counter that begins anew with each life */
	RECORD_KEEPS_ROW,			/* the row stays when its outcome is recorded */
	RECORD_AFTER_END,			/* an instance that has ended takes outcomes, and its row stays */
	CANCEL_KEEPS_ROW,			/* a cancelled task stays claimed */
	NO_TAKEOVER,				/* nobody looks after workers that are gone */
	NO_LEASE,					/* only those whose connection is gone */
	TAKEOVER_IN_TWO_STEPS,		/* what was read is not read again under the lock */
	ONCE_IS_QUEUED_AGAIN,		/* max_attempts = 1, and taken over like any other */
	LOST_CLAIMS_STAY,			/* a claim whose answer was lost is not given back */
} Mutant;

typedef enum WorkerPlace
{
	IDLE,
	CLAIMED,					/* knows its claim */
	RUNNING,
	HAS_RESULT,					/* reports until it has an answer */
	STALLED,					/* goes on some time */
	HUNG,						/* never does */
	DEAD
} WorkerPlace;

typedef struct State
{
	/* the task's row */
	uint8_t		has_row;
	uint8_t		is_claimed;
	uint8_t		life;			/* of the instance when it was scheduled */
	uint8_t		fence;
	uint8_t		owner;

	/* its instance */
	uint8_t		instance_life;
	uint8_t		has_ended;
	uint8_t		outcomes[LIVES];
	uint8_t		runs[LIVES];
	uint8_t		is_mixed_up;	/* a life got the result of another */
	uint8_t		is_late;		/* an outcome after the end */

	/* the workers */
	uint8_t		place[WORKERS];
	uint8_t		held[WORKERS];	/* fence of the claim it knows of */
	uint8_t		held_life[WORKERS];
	uint8_t		in_doubt[WORKERS];	/* a call was not answered */
	uint8_t		has_seen[WORKERS];	/* mutant: life + 1 of a task that it has read to be lost */

	uint8_t		last_fence;

	/* what can still happen */
	uint8_t		crashes;
	uint8_t		losses;			/* of answers */
	uint8_t		hangs;
	uint8_t		stalls;
	uint8_t		cancels;
	uint8_t		terminations;
} State;

static Mutant mutant;
static bool is_once;

static void
next_life(State *s)
{
	if (s->instance_life + 1 == LIVES)
	{
		s->has_ended = true;
		return;
	}
	s->instance_life++;
	s->has_row = true;
	s->is_claimed = false;
	s->life = s->instance_life;
	s->fence = 0;
	if (mutant == FENCE_COUNTS_AGAIN)
		s->last_fence = 0;
}

/* An outcome of the row that there is reaches the instance. */
static void
deliver(State *s, int life_of_result)
{
	if (s->has_ended && mutant != RECORD_AFTER_END)
		return;
	s->is_late |= s->has_ended;
	s->is_mixed_up |= life_of_result != s->life;
	if (s->outcomes[s->life] < 3)
		s->outcomes[s->life]++;
	if (mutant != RECORD_KEEPS_ROW)
		s->has_row = false;
	if (!s->has_ended && s->life == s->instance_life && mutant != RECORD_KEEPS_ROW)
		next_life(s);
	else if (!s->has_ended && mutant == RECORD_KEEPS_ROW && s->outcomes[s->life] == 1 && s->life + 1 == LIVES)
		s->has_ended = true;
}

static void
note_run(State *s, int life)
{
	if (s->runs[life] < 3)
		s->runs[life]++;
}

static void
claim(Explorer *e, const State *state, int w)
{
	State		s = *state;

	if (!s.has_row || s.is_claimed || s.has_ended)
		return;
	s.is_claimed = true;
	s.fence = mutant == FENCE_OF_THE_TASK ? 1 : ++s.last_fence;
	s.owner = (uint8_t) w;
	if (s.losses > 0)
	{
		State		lost = s;

		lost.losses--;
		lost.in_doubt[w] = true;
		explore_emit(e, "claim commits, its answer is lost", &lost);
	}
	s.held[w] = s.fence;
	s.held_life[w] = s.life;
	s.place[w] = CLAIMED;
	explore_emit(e, "claim", &s);
}

static void
report(Explorer *e, const State *state, int w)
{
	State		s = *state;
	bool		is_valid = s.has_row && s.is_claimed && (s.fence == s.held[w] || mutant == FENCE_NOT_COMPARED);

	if (is_valid)
		deliver(&s, s.held_life[w]);
	if (s.losses > 0)
	{
		State		lost = s;

		lost.losses--;
		explore_emit(e, is_valid ? "result is recorded, the answer is lost" : "result is void, the answer is lost", &lost);
	}
	s.place[w] = IDLE;
	s.held[w] = s.held_life[w] = 0;
	explore_emit(e, is_valid ? "result is recorded" : "result is void", &s);
}

/* What is claimed goes back into the queue; what may run once has failed. */
static void
give_back(State *s)
{
	if (is_once && mutant != ONCE_IS_QUEUED_AGAIN)
		deliver(s, s->life);
	else
	{
		s->is_claimed = false;
		s->fence = 0;
	}
}

/* df.detach(key, held, age): claims of this worker that it does not know of. */
static void
recall(Explorer *e, const State *state, int w)
{
	State		s = *state;

	if (!s.in_doubt[w] || mutant == LOST_CLAIMS_STAY)
		return;
	s.in_doubt[w] = false;
	if (s.has_row && s.is_claimed && s.owner == w && s.fence != s.held[w])
		give_back(&s);
	explore_emit(e, "lost claims are given back", &s);
}

/* df.sweep() of worker w looks after the other one. */
static void
sweep(Explorer *e, const State *state, int w)
{
	State		s = *state;
	int			other = 1 - w;
	bool		is_absent = s.place[other] == DEAD;
	bool		is_silent = s.place[other] == HUNG || s.place[other] == STALLED;

	if (mutant == NO_TAKEOVER)
		return;
	if (mutant == TAKEOVER_IN_TWO_STEPS && s.has_seen[w])
	{
		/* it has read that this life's task is lost */
		s.outcomes[s.has_seen[w] - 1]++;
		s.has_seen[w] = 0;
		if (s.has_row && s.is_claimed && s.owner == other)
		{
			s.has_row = false;
			next_life(&s);
		}
		explore_emit(e, "second half of a takeover", &s);
		return;
	}
	if (!s.has_row || !s.is_claimed || s.owner != other || !(is_absent || (is_silent && mutant != NO_LEASE)))
		return;
	if (mutant == TAKEOVER_IN_TWO_STEPS)
		s.has_seen[w] = (uint8_t) (s.life + 1);
	else
		give_back(&s);
	explore_emit(e, is_absent ? "takeover: its presence is gone" : "takeover: its lease has run out", &s);
}

static void
misfortune(Explorer *e, const State *state, int w)
{
	State		s = *state;

	if (s.crashes > 0)
	{
		s.crashes--;
		s.place[w] = DEAD;
		s.held[w] = s.held_life[w] = s.in_doubt[w] = s.has_seen[w] = 0;
		explore_emit_chance(e, "worker is killed", &s);
		s = *state;
	}
	if (s.place[w] == IDLE)
		return;
	if (s.hangs > 0)
	{
		s.hangs--;
		s.place[w] = HUNG;
		explore_emit_chance(e, "worker hangs", &s);
		s = *state;
	}
	if (s.stalls > 0)
	{
		s.stalls--;
		s.place[w] = STALLED;
		explore_emit_chance(e, "worker is stopped", &s);
	}
}

static void
worker_step(Explorer *e, const State *state, int w)
{
	State		s = *state;

	switch ((WorkerPlace) s.place[w])
	{
		case IDLE:
			claim(e, state, w);
			break;
		case CLAIMED:
			s.place[w] = RUNNING;
			note_run(&s, s.held_life[w]);
			explore_emit(e, "activity begins", &s);
			break;
		case RUNNING:
			s.place[w] = HAS_RESULT;
			explore_emit(e, "activity ends", &s);
			break;
		case HAS_RESULT:
			report(e, state, w);
			break;
		case STALLED:
			/* wherever it was: the result is what can do harm */
			s.place[w] = HAS_RESULT;
			explore_emit(e, "worker goes on, and has a result", &s);
			return;
		case HUNG:
			return;
		case DEAD:
			s.place[w] = IDLE;
			s.in_doubt[w] = false;
			/* another process: the claims of the one before are swept by anybody */
			if (s.has_row && s.is_claimed && s.owner == w && mutant != NO_TAKEOVER)
				give_back(&s);
			explore_emit(e, "a new worker begins", &s);
			return;
	}
	recall(e, state, w);
	sweep(e, state, w);
	misfortune(e, state, w);
}

static void
control(Explorer *e, const State *state)
{
	State		s = *state;

	if (s.has_ended)
		return;
	if (s.cancels > 0 && s.has_row && s.instance_life == 0)
	{
		s.cancels--;
		if (mutant == CANCEL_KEEPS_ROW)
			s.instance_life++;
		else
		{
			s.has_row = false;
			next_life(&s);
		}
		explore_emit_chance(e, "orchestrator cancels the task and continues as new", &s);
		s = *state;
	}
	if (s.terminations > 0)
	{
		s.terminations--;
		s.has_ended = true;
		if (mutant != RECORD_AFTER_END)
			s.has_row = false;
		explore_emit_chance(e, "instance is terminated", &s);
	}
}

static void
steps(Explorer *e, const void *state)
{
	const State *s = state;

	for (int w = 0; w < WORKERS; w++)
		worker_step(e, s, w);
	control(e, s);
}

static const char *
check(const void *state, bool is_stuck)
{
	const State *s = state;

	for (int life = 0; life < LIVES; life++)
	{
		if (s->outcomes[life] > 1)
			return "two outcomes of one task";
		if (is_once && s->runs[life] > 1)
			return "what may run once has run twice";
	}
	if (s->is_mixed_up)
		return "the result of another life";
	if (s->is_late)
		return "an outcome after the end";
	if (is_stuck && !s->has_ended)
		return "an instance that nothing will wake";
	return NULL;
}

static const Model model = {sizeof(State), steps, check};

static bool
is_sound(Mutant which, bool once, uint32_t *states)
{
	State		initial = {
		.has_row = true,.crashes = 1,.losses = 1,.hangs = 1,.stalls = 1,.cancels = 1,.terminations = 1
	};
	Explorer	explorer;
	bool		sound;

	mutant = which;
	is_once = once;
	explore(&explorer, &model, &initial);
	sound = explorer.violation == NULL;
	if (!sound && which == NONE)
		explore_print(&explorer);
	*states = explorer.count;
	explore_free(&explorer);
	return sound;
}

int
main(void)
{
	static const struct
	{
		Mutant		mutant;
		bool		is_once;
		const char *name;
	}			mutants[] = {
		{FENCE_NOT_COMPARED, false, "a fence that is not compared"},
		{FENCE_OF_THE_TASK, false, "a fence that is not new with every claim"},
		{FENCE_COUNTS_AGAIN, false, "a fence that is used again"},
		{RECORD_KEEPS_ROW, false, "a row that stays when it is recorded"},
		{RECORD_AFTER_END, false, "an outcome that an instance takes after its end"},
		{CANCEL_KEEPS_ROW, false, "a cancelled task that stays"},
		{NO_TAKEOVER, false, "no takeover"},
		{NO_LEASE, false, "no lease"},
		{TAKEOVER_IN_TWO_STEPS, true, "a takeover that does not look again under the lock"},
		{ONCE_IS_QUEUED_AGAIN, true, "a takeover of what may run once"},
		{LOST_CLAIMS_STAY, false, "claims nobody knows of"},
	};
	uint32_t	states;
	bool		sound = is_sound(NONE, false, &states);

	ok(sound, "a task with retries: %u states", states);
	sound = is_sound(NONE, true, &states);
	ok(sound, "a task that may run once: %u states", states);
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		sound = is_sound(mutants[i].mutant, mutants[i].is_once, &states);
		ok(!sound, "found: %s", mutants[i].name);
	}
	return done_testing();
}

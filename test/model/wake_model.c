/*
 * wake_model.c
 *		The two-lock wake-up, in every interleaving: no worker sleeps while there
 *		is work and nobody will wake it.
 *
 * Producers and workers are as in extension/wake.c and worker/dispatch.c; one step
 * of a process is what nobody can come between.  The poll of a sleeping worker is
 * left out: it is what must not be needed.  With a step left out or two swapped,
 * the explorer must find the way to a missed wake-up: else it proves nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "explore.h"
#include "tap.h"

#define PRODUCERS_MAX	3
#define WORKERS_MAX		2

/* What is wrong with the protocol. */
typedef enum Mutant
{
	NONE,
	PRODUCER_LOOKS_FIRST,		/* tries I before it holds P */
	PRODUCER_UNLOCKS_EARLY,		/* drops P before its rows are visible */
	PRODUCER_NOTES_ONCE,		/* after ROLLBACK TO SAVEPOINT it does not look again */
	ENGINE_WAKES_EARLY,			/* a worker wakes others before its call has committed */
	WORKER_SCANS_FIRST,			/* scans, then tries P: no scan after it */
	WORKER_IDLE_LATE,			/* takes I after it has tried P */
	WORKER_IGNORES_PRODUCERS,	/* does not try P: "is anybody idle" alone */
	WORKER_SLEEPS_ANYWAY,		/* P was not to be had, and it sleeps */
	WORKER_FORGETS_NOTIFY		/* drops a notification that came before it slept */
} Mutant;

typedef enum ProducerKind
{
	PLAIN,						/* df_start, df_raise_event */
	WITH_SAVEPOINT,				/* inserts, rolls back to a savepoint, inserts again */
	ENGINE						/* a worker's call that queued more than it claims; then df.wake() */
} ProducerKind;

typedef enum WorkerPlace
{
	BUSY,						/* scans while it finds something */
	WANTS_IDLE,
	TRIES,						/* to lock P */
	SCANS,
	DECIDES,					/* found nothing */
	SLEEPS,
	NAPS						/* 20 ms, then again */
} WorkerPlace;

typedef struct State
{
	uint8_t		producer[PRODUCERS_MAX];	/* its next step */
	uint8_t		will_notify[PRODUCERS_MAX];
	uint8_t		has_p[PRODUCERS_MAX];
	uint8_t		worker[WORKERS_MAX];	/* WorkerPlace */
	uint8_t		has_i[WORKERS_MAX];
	uint8_t		is_quiet[WORKERS_MAX];	/* its try of P succeeded */
	uint8_t		notified[WORKERS_MAX];
	uint8_t		rows;			/* visible, not taken */
} State;

static int	nproducers;
static int	nworkers;
static ProducerKind kinds[PRODUCERS_MAX];
static Mutant mutant;

#define DONE	100

static bool
is_idle(const State *s)
{
	return s->has_i[0] || (nworkers > 1 && s->has_i[1]);
}

static void
look(State *s, int p)
{
	if (is_idle(s))
		s->will_notify[p] = true;
}

static void
notify_all(State *s)
{
	for (int w = 0; w < nworkers; w++)
		s->notified[w] = true;
}

/* Rows become visible, then locks go and notifications come. */
static void
commit(State *s, int p)
{
	s->rows++;
	s->has_p[p] = false;
	if (s->will_notify[p])
		notify_all(s);
	s->will_notify[p] = false;
}

static void
plain_step(Explorer *e, const State *state, int p, int base, int after)
{
	State		s = *state;
	int			step = s.producer[p] - base;

	s.producer[p]++;
	if (mutant == PRODUCER_LOOKS_FIRST && step < 2)
		step = 1 - step;
	switch (step)
	{
		case 0:
			s.has_p[p] = true;
			explore_emit(e, "producer locks P", &s);
			break;
		case 1:
			look(&s, p);
			explore_emit(e, "producer looks at I", &s);
			break;
		case 2:					/* inserts; then commits, or not */
			if (mutant == PRODUCER_UNLOCKS_EARLY)
				s.has_p[p] = false;
			explore_emit(e, "producer inserts", &s);
			s.has_p[p] = s.will_notify[p] = false;
			s.producer[p] = DONE;
			explore_emit(e, "producer rolls back", &s);
			break;
		default:
			commit(&s, p);
			s.producer[p] = (uint8_t) after;
			explore_emit(e, "producer commits", &s);
	}
}

/* Locks P and looks, inserts, rolls back to the savepoint: all of that is gone.  Then the same again. */
static void
savepoint_step(Explorer *e, const State *state, int p)
{
	State		s = *state;

	if (s.producer[p] >= 3)
	{
		plain_step(e, state, p, mutant == PRODUCER_NOTES_ONCE ? 1 : 3, DONE);
		return;
	}
	switch (s.producer[p]++)
	{
		case 0:
			s.has_p[p] = true;
			explore_emit(e, "producer locks P after a savepoint", &s);
			break;
		case 1:
			look(&s, p);
			explore_emit(e, "producer looks at I", &s);
			break;
		case 2:
			s.has_p[p] = s.will_notify[p] = false;
			explore_emit(e, "producer rolls back to the savepoint", &s);
			break;
	}
}

/* No locks: who commits the turn tells the others afterwards. */
static void
engine_step(Explorer *e, const State *state, int p)
{
	State		s = *state;
	int			step = s.producer[p];

	s.producer[p] = step == 0 ? 1 : DONE;
	if ((step == 0) == (mutant != ENGINE_WAKES_EARLY))
	{
		s.rows++;
		explore_emit(e, "engine call commits", &s);
	}
	else
	{
		if (is_idle(&s))
			notify_all(&s);
		explore_emit(e, "df.wake()", &s);
	}
}

static bool
producers_are_quiet(const State *s)
{
	for (int p = 0; p < nproducers; p++)
	{
		if (s->has_p[p])
			return false;
	}
	return true;
}

static void
scan(State *s, int w, WorkerPlace next)
{
	if (s->rows > 0)
	{
		s->rows = 0;
		s->has_i[w] = false;
		s->worker[w] = BUSY;
	}
	else
		s->worker[w] = next;
}

static void
worker_step(Explorer *e, const State *state, int w)
{
	State		s = *state;

	switch ((WorkerPlace) s.worker[w])
	{
		case BUSY:
			scan(&s, w, WANTS_IDLE);
			explore_emit(e, "worker scans", &s);
			break;
		case WANTS_IDLE:
			s.has_i[w] = mutant != WORKER_IDLE_LATE;
			s.worker[w] = mutant == WORKER_SCANS_FIRST ? SCANS : TRIES;
			explore_emit(e, "worker locks I", &s);
			break;
		case TRIES:
			s.is_quiet[w] = mutant == WORKER_IGNORES_PRODUCERS || producers_are_quiet(&s);
			s.worker[w] = mutant == WORKER_SCANS_FIRST ? DECIDES : SCANS;
			explore_emit(e, "worker tries P", &s);
			break;
		case SCANS:
			scan(&s, w, mutant == WORKER_SCANS_FIRST ? TRIES : DECIDES);
			explore_emit(e, "idle worker scans", &s);
			break;
		case DECIDES:
			s.has_i[w] = true;
			if (mutant == WORKER_FORGETS_NOTIFY)
				s.notified[w] = false;
			s.worker[w] = s.is_quiet[w] || mutant == WORKER_SLEEPS_ANYWAY ? SLEEPS : NAPS;
			explore_emit(e, "worker goes to sleep", &s);
			break;
		case SLEEPS:
			if (!s.notified[w])
				break;
			s.notified[w] = s.has_i[w] = false;
			s.worker[w] = BUSY;
			explore_emit(e, "worker is notified", &s);
			break;
		case NAPS:
			s.worker[w] = mutant == WORKER_SCANS_FIRST ? SCANS : TRIES;
			explore_emit(e, "worker looks again", &s);
			break;
	}
}

static void
steps(Explorer *e, const void *state)
{
	const State *s = state;

	for (int p = 0; p < nproducers; p++)
	{
		if (s->producer[p] == DONE)
			continue;
		switch (kinds[p])
		{
			case PLAIN:
				plain_step(e, s, p, 0, DONE);
				break;
			case WITH_SAVEPOINT:
				savepoint_step(e, s, p);
				break;
			case ENGINE:
				engine_step(e, s, p);
				break;
		}
	}
	for (int w = 0; w < nworkers; w++)
		worker_step(e, s, w);
}

/* Nobody moves, and something is there to be done. */
static const char *
check(const void *state, bool is_stuck)
{
	return is_stuck && ((const State *) state)->rows > 0 ? "a missed wake-up" : NULL;
}

static const Model model = {sizeof(State), steps, check};

static bool
is_sound(Mutant which, int workers, ProducerKind first, ProducerKind second, ProducerKind third, uint32_t *states)
{
	State		initial = {0};
	Explorer	explorer;
	bool		sound;

	mutant = which;
	nproducers = 3;
	nworkers = workers;
	kinds[0] = first;
	kinds[1] = second;
	kinds[2] = third;
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
		const char *name;
	}			mutants[] = {
		{PRODUCER_LOOKS_FIRST, "a producer that looks at I before it holds P"},
		{PRODUCER_UNLOCKS_EARLY, "a producer that drops P before its rows are visible"},
		{PRODUCER_NOTES_ONCE, "a producer that does not look again after a rollback to a savepoint"},
		{ENGINE_WAKES_EARLY, "an engine call that wakes before it commits"},
		{WORKER_SCANS_FIRST, "a worker that does not scan after it had P"},
		{WORKER_IDLE_LATE, "a worker that takes I after it had P"},
		{WORKER_IGNORES_PRODUCERS, "a worker that does not try P"},
		{WORKER_SLEEPS_ANYWAY, "a worker that sleeps without having had P"},
		{WORKER_FORGETS_NOTIFY, "a worker that drops a notification on its way to sleep"},
	};
	uint32_t	states;

	bool		sound = is_sound(NONE, 1, PLAIN, PLAIN, PLAIN, &states);

	ok(sound, "three producers, one worker: %u states", states);
	sound = is_sound(NONE, 2, PLAIN, PLAIN, PLAIN, &states);
	ok(sound, "three producers, two workers: %u states", states);
	sound = is_sound(NONE, 2, PLAIN, WITH_SAVEPOINT, ENGINE, &states);
	ok(sound, "one of each kind, two workers: %u states", states);
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		sound = is_sound(mutants[i].mutant, 1, PLAIN, WITH_SAVEPOINT, ENGINE, &states);
		ok(!sound, "found: %s", mutants[i].name);
	}
	return done_testing();
}

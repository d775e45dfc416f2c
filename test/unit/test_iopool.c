/*
 * test_iopool.c
 *		The pool of threads for file work, with the real event loop.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "iopool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"
#include "tap.h"
#include "worker.h"

#define JOBS 1000
#define DEADLINE_SECONDS 60

typedef struct TestJob
{
	IoJob		job;
	int			runs;			/* how often run() was called */
	int			rounds;			/* how often it is to be submitted */
	bool		blocks_signals;
} TestJob;

static pthread_barrier_t barrier;
static pthread_t loop_thread;
static int	done_count;
static bool done_elsewhere;

static void run_count(IoJob *job);
static void run_together(IoJob *job);
static void run_until_told(IoJob *job);
static void run_write(IoJob *job);
static void done_count_up(Worker *w, IoJob *job);
static void wait_for(Worker *w, int count);
static void test_every_job_is_done_once(Worker *w);
static void test_all_threads_work_at_once(Worker *w);
static void test_withdraw(Worker *w);
static void test_free_drops_what_waits(Worker *w);
static void test_free_does_not_wait_for_ever(Worker *w);

/* What a blocked job reads from, and what it has written to. */
static int	told[2];
static int	began[2];

int
main(void)
{
	Worker		w = {0};

	alarm(DEADLINE_SECONDS);
	loop_thread = pthread_self();
	if (!loop_init(&w) || pipe(told) != 0 || pipe(began) != 0)
		return 1;
	test_every_job_is_done_once(&w);
	test_all_threads_work_at_once(&w);
	test_withdraw(&w);
	test_free_drops_what_waits(&w);
	test_free_does_not_wait_for_ever(&w);
	loop_free(&w);
	return done_testing();
}

static void
test_every_job_is_done_once(Worker *w)
{
	TestJob    *jobs = calloc(JOBS, sizeof(TestJob));
	bool		good = true;

	ok(iopool_init(w, IOPOOL_THREADS), "a pool is made");
	done_count = 0;
	for (int i = 0; i < JOBS; i++)
	{
		jobs[i] = (TestJob) {.job = {.run = run_count, .done = done_count_up}, .rounds = i % 3 + 1};
		iopool_submit(w, &jobs[i].job);
	}
	wait_for(w, JOBS);
	for (int i = 0; i < JOBS; i++)
		good &= jobs[i].runs == i % 3 + 1 && jobs[i].blocks_signals;
	ok(good, "every job ran as often as it was submitted, with signals blocked");
	ok(!done_elsewhere, "done() is called in the loop's thread");
	ok(iopool_free(w, 1000) && w->iopool == NULL, "an idle pool is freed");
	ok(iopool_free(w, 1000), "and may be freed again");
	free(jobs);
}

/* Nobody passes the barrier before all threads have come to it. */
static void
test_all_threads_work_at_once(Worker *w)
{
	TestJob		jobs[IOPOOL_THREADS];

	pthread_barrier_init(&barrier, NULL, IOPOOL_THREADS);
	iopool_init(w, IOPOOL_THREADS);
	done_count = 0;
	for (int i = 0; i < IOPOOL_THREADS; i++)
	{
		jobs[i] = (TestJob) {.job = {.run = run_together, .done = done_count_up}, .rounds = 1};
		iopool_submit(w, &jobs[i].job);
	}
	wait_for(w, IOPOOL_THREADS);
	ok(true, "%d jobs ran at once", IOPOOL_THREADS);
	iopool_free(w, 1000);
	pthread_barrier_destroy(&barrier);
}

static void
test_withdraw(Worker *w)
{
	TestJob		first = {.job = {.run = run_until_told, .done = done_count_up}, .rounds = 1};
	TestJob		others[3];
	char		byte;

	iopool_init(w, 1);
	done_count = 0;
	iopool_submit(w, &first.job);
	ok(read(began[0], &byte, 1) == 1, "a job has begun");
	for (int i = 0; i < 3; i++)
	{
		others[i] = (TestJob) {.job = {.run = run_count, .done = done_count_up}, .rounds = 1};
		iopool_submit(w, &others[i].job);
	}
	ok(!iopool_withdraw(w, &first.job), "a running job cannot be withdrawn");
	ok(iopool_withdraw(w, &others[2].job) && iopool_withdraw(w, &others[0].job), "those that wait can");
	ok(!iopool_withdraw(w, &others[2].job), "but only once");
	ok(write(told[1], "x", 1) == 1, "the running job may end");
	wait_for(w, 2);
	ok(others[1].runs == 1 && others[0].runs == 0 && others[2].runs == 0, "what was withdrawn was not run");
	iopool_free(w, 1000);
}

static void
test_free_drops_what_waits(Worker *w)
{
	TestJob		first = {.job = {.run = run_until_told, .done = done_count_up}, .rounds = 1};
	TestJob		second = {.job = {.run = run_count, .done = done_count_up}, .rounds = 1};
	char		byte;

	iopool_init(w, 1);
	done_count = 0;
	iopool_submit(w, &first.job);
	(void) !read(began[0], &byte, 1);
	iopool_submit(w, &second.job);
	(void) !write(told[1], "x", 1);
	ok(iopool_free(w, 10000), "freeing waits for the job that runs");
	ok(first.runs == 1 && done_count == 0, "and calls no done()");
}

static void
test_free_does_not_wait_for_ever(Worker *w)
{
	static TestJob stuck = {.job = {.run = run_until_told, .done = done_count_up}, .rounds = 1};
	static TestJob last = {.job = {.run = run_write, .done = done_count_up}, .rounds = 1};
	static struct IoPool *left;
	char		byte;

	/* what is left behind on purpose is no leak */
	iopool_init(w, 1);
	left = w->iopool;
	iopool_submit(w, &stuck.job);
	(void) !read(began[0], &byte, 1);
	iopool_submit(w, &last.job);
	ok(!iopool_free(w, 50) && left != NULL, "freeing gives up on a job that hangs");
	(void) !write(told[1], "x", 1);
}

static void
run_count(IoJob *job)
{
	TestJob    *test = (TestJob *) job;
	sigset_t	blocked;

	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	test->blocks_signals = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD);
	test->runs++;
}

static void
run_together(IoJob *job)
{
	pthread_barrier_wait(&barrier);
}

static void
run_until_told(IoJob *job)
{
	char		byte;

	(void) !write(began[1], "x", 1);
	(void) !read(told[0], &byte, 1);
	((TestJob *) job)->runs++;
}

static void
run_write(IoJob *job)
{
	(void) !write(began[1], "x", 1);
}

static void
done_count_up(Worker *w, IoJob *job)
{
	TestJob    *test = (TestJob *) job;

	done_elsewhere |= !pthread_equal(pthread_self(), loop_thread);
	if (--test->rounds > 0)
		iopool_submit(w, job);
	else
		done_count++;
}

static void
wait_for(Worker *w, int count)
{
	while (done_count < count)
		loop_wait(w, -1);
}

/*
 * iopool.c
 *		A small fixed pool of threads for file work that may block.
 *
 * Two queues under one mutex: jobs to run, and jobs that were run.  A thread
 * that puts the first job into the second queue writes to an eventfd, which
 * the event loop watches.  Signals stay with the loop's thread.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "iopool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "worker.h"
#include "xalloc.h"

/* Jobs keep their buffers on the heap, so a small stack will do. */
#define THREAD_STACK_BYTES (256 * 1024)

typedef struct JobQueue
{
	IoJob	   *first;
	IoJob	   *last;
} JobQueue;

typedef struct IoPool
{
	pthread_mutex_t lock;
	pthread_cond_t wanted;		/* a job was queued, or stopping was set */
	pthread_cond_t ended;		/* a thread has ended */
	JobQueue	queued;			/* under lock, like all that follows */
	JobQueue	finished;
	int			waiting;		/* jobs queued */
	int			limit;			/* most threads */
	int			threads;		/* that live */
	int			idle;			/* of them, those that wait */
	bool		stopping;
	int			event_fd;
} IoPool;

static bool start_thread(IoPool *pool);
static void *thread_main(void *arg);
static void run_jobs(IoPool *pool);
static void tell_loop(IoPool *pool);
static void collect_finished(Worker *w, int fd, int events, void *arg);
static bool wait_for_threads(IoPool *pool, int wait_ms);
static void queue_put(JobQueue *queue, IoJob *job);
static IoJob *queue_take(JobQueue *queue);
static bool queue_remove(JobQueue *queue, const IoJob *job);

bool
iopool_init(Worker *w, int threads)
{
	IoPool	   *pool = xcalloc(1, sizeof(IoPool));
	pthread_condattr_t attributes;

	pool->limit = threads;
	pool->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->event_fd < 0)
	{
		log_error("could not create event descriptor: %s", strerror(errno));
		free(pool);
		return false;
	}
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wanted, NULL);
	pthread_cond_init(&pool->ended, &attributes);
	pthread_condattr_destroy(&attributes);

	w->iopool = pool;
	loop_watch(w, pool->event_fd, LOOP_READ, collect_finished, pool);
	return true;
}

bool
iopool_free(Worker *w, int wait_ms)
{
	IoPool	   *pool = w->iopool;

	if (pool == NULL)
		return true;
	w->iopool = NULL;
	loop_unwatch(w, pool->event_fd);

	/* a thread that is stuck still uses the pool: then it is left to the end of the process */
	if (!wait_for_threads(pool, wait_ms))
		return false;
	close(pool->event_fd);
	pthread_cond_destroy(&pool->ended);
	pthread_cond_destroy(&pool->wanted);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	return true;
}

void
iopool_submit(Worker *w, IoJob *job)
{
	IoPool	   *pool = w->iopool;

	pthread_mutex_lock(&pool->lock);
	queue_put(&pool->queued, job);
	pool->waiting++;
	if (pool->waiting > pool->idle && pool->threads < pool->limit && !start_thread(pool) && pool->threads == 0)
	{
		/* without any thread nobody would ever run it */
		log_error("could not start a thread for file work");
		abort();
	}
	pthread_cond_signal(&pool->wanted);
	pthread_mutex_unlock(&pool->lock);
}

bool
iopool_withdraw(Worker *w, IoJob *job)
{
	IoPool	   *pool = w->iopool;
	bool		withdrawn;

	pthread_mutex_lock(&pool->lock);
	withdrawn = queue_remove(&pool->queued, job);
	if (withdrawn)
		pool->waiting--;
	pthread_mutex_unlock(&pool->lock);
	return withdrawn;
}

/* The caller holds the lock. */
static bool
start_thread(IoPool *pool)
{
	pthread_attr_t attributes;
	pthread_t	thread;
	sigset_t	all;
	sigset_t	old;
	int			error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	error = pthread_create(&thread, &attributes, thread_main, pool);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	if (error != 0)
		return false;
	pool->threads++;
	return true;
}

static void *
thread_main(void *arg)
{
	IoPool	   *pool = arg;

	pthread_mutex_lock(&pool->lock);
	while (!pool->stopping)
	{
		run_jobs(pool);
		if (pool->stopping)
			break;
		pool->idle++;
		pthread_cond_wait(&pool->wanted, &pool->lock);
		pool->idle--;
	}
	pool->threads--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Run what is queued.  The lock is held on entry and on return, but not while a job runs. */
static void
run_jobs(IoPool *pool)
{
	IoJob	   *job;

	while (!pool->stopping && (job = queue_take(&pool->queued)) != NULL)
	{
		bool		is_first;

		pool->waiting--;
		pthread_mutex_unlock(&pool->lock);
		job->run(job);
		pthread_mutex_lock(&pool->lock);
		is_first = pool->finished.first == NULL;
		queue_put(&pool->finished, job);
		if (is_first)
			tell_loop(pool);
	}
}

static void
tell_loop(IoPool *pool)
{
	uint64_t	one = 1;

	/* it can only be full when the loop has not read it yet, and then it is told already */
	(void) !write(pool->event_fd, &one, sizeof(one));
}

/* The loop's side: call done() of every job that was run. */
static void
collect_finished(Worker *w, int fd, int events, void *arg)
{
	IoPool	   *pool = arg;
	uint64_t	count;
	JobQueue	batch;
	IoJob	   *job;

	(void) !read(fd, &count, sizeof(count));
	pthread_mutex_lock(&pool->lock);
	batch = pool->finished;
	pool->finished = (JobQueue) {0};
	pthread_mutex_unlock(&pool->lock);

	while ((job = queue_take(&batch)) != NULL)
		job->done(w, job);
}

static bool
wait_for_threads(IoPool *pool, int wait_ms)
{
	struct timespec deadline;
	int			error = 0;
	bool		all_ended;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += wait_ms / 1000;
	deadline.tv_nsec += (wait_ms % 1000) * 1000000L;
	if (deadline.tv_nsec >= 1000000000L)
	{
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000L;
	}

	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wanted);
	while (pool->threads > 0 && error == 0)
		error = pthread_cond_timedwait(&pool->ended, &pool->lock, &deadline);
	all_ended = pool->threads == 0;
	pthread_mutex_unlock(&pool->lock);
	return all_ended;
}

static void
queue_put(JobQueue *queue, IoJob *job)
{
	job->next = NULL;
	if (queue->first == NULL)
		queue->first = job;
	else
		queue->last->next = job;
	queue->last = job;
}

static IoJob *
queue_take(JobQueue *queue)
{
	IoJob	   *job = queue->first;

	if (job != NULL)
		queue->first = job->next;
	return job;
}

static bool
queue_remove(JobQueue *queue, const IoJob *job)
{
	IoJob	   *previous = NULL;

	for (IoJob *at = queue->first; at != NULL; previous = at, at = at->next)
	{
		if (at != job)
			continue;
		if (previous == NULL)
			queue->first = at->next;
		else
			previous->next = at->next;
		if (queue->last == at)
			queue->last = previous;
		return true;
	}
	return false;
}

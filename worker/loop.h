/*
 * loop.h
 *		The event loop: descriptors, one-shot timers and libcurl transfers, all in
 *		one thread.
 *
 * Everything here is called from the loop's thread only, callbacks included.
 * A callback may watch, unwatch, start, stop, add and remove whatever it likes,
 * its own registration included.  A thread of iopool.c comes back into the loop
 * through an eventfd that it watches here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_LOOP_H
#define PGDF_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Worker;

/* What a watcher waits for, and what it is told.  Errors and hang-ups are told as both. */
#define LOOP_READ		0x01
#define LOOP_WRITE		0x02
#define LOOP_HANGUP		0x04	/* the peer has closed, even if it has sent something before */

typedef void (*LoopFdFn) (struct Worker *w, int fd, int events, void *arg);
typedef void (*TimerFn) (struct Worker *w, void *arg);
typedef void (*LoopCurlFn) (struct Worker *w, CURL *easy, CURLcode code, void *arg);

/*
 * A one-shot timer lives inside the struct that needs it.  A zeroed one is
 * stopped.  It must be stopped before its memory goes away.
 */
typedef struct Timer
{
	int64_t		due_us;			/* on the clock of loop_now_us() */
	TimerFn		fn;
	void	   *arg;
	size_t		slot;			/* its place in the loop's heap, from 1; 0: stopped */
} Timer;

/* One watched descriptor; the table is indexed by descriptor. */
typedef struct LoopWatch
{
	LoopFdFn	fn;				/* NULL: not watched */
	void	   *arg;
	int			events;
	uint32_t	generation;		/* tells an event of an earlier watcher from ours */
} LoopWatch;

typedef struct Loop
{
	int			epoll_fd;		/* valid when is_open */
	bool		is_open;
	LoopWatch  *watches;
	size_t		watch_count;
	Timer	  **heap;			/* heap[1] is due first */
	size_t		heap_used;
	size_t		heap_size;
	CURLM	   *multi;			/* shared by every transfer */
	Timer		curl_timer;
	int64_t		now_us;			/* monotonic, read once a round */
} Loop;

extern bool loop_init(struct Worker *w);
extern void loop_free(struct Worker *w);

/*
 * Wait until something happens or a timer is due, at most max_wait_ms (-1: no
 * limit), and run the callbacks.  The only blocking call of the process.
 */
extern void loop_wait(struct Worker *w, int max_wait_ms);

/* Monotonic microseconds, as of the start of this round. */
extern int64_t loop_now_us(const struct Worker *w);

/* Watch fd for LOOP_READ | LOOP_WRITE | LOOP_HANGUP; replaces an earlier watch of the same fd. */
extern void loop_watch(struct Worker *w, int fd, int events, LoopFdFn fn, void *arg);

/* Call before close().  Harmless when fd is not watched. */
extern void loop_unwatch(struct Worker *w, int fd);

/* Start, or start again, a timer that calls fn once after delay_ms. */
extern void timer_start(struct Worker *w, Timer *timer, int64_t delay_ms, TimerFn fn, void *arg);
extern void timer_stop(struct Worker *w, Timer *timer);
extern bool timer_is_running(const Timer *timer);

/*
 * Run a transfer; fn is called once, when it has ended, with the handle already
 * taken out of the multi handle, so that it may be reused or cleaned up there.
 * CURLOPT_PRIVATE of the handle belongs to the loop meanwhile.  False: the
 * transfer could not be added, and fn is not called.
 */
extern bool loop_curl_add(struct Worker *w, CURL *easy, LoopCurlFn fn, void *arg);

/* Take a running transfer out; its fn is not called.  Not from within a libcurl callback. */
extern void loop_curl_remove(struct Worker *w, CURL *easy);

#endif							/* PGDF_LOOP_H */

/*
 * loop.c
 *		The event loop: descriptors, one-shot timers and libcurl transfers, all in
 *		one thread.
 *
 * Level-triggered epoll carries the descriptors, libcurl's included
 * (curl_multi_socket_action); a binary heap holds the timers.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* Events taken from the kernel in one round. */
#define EVENTS_PER_ROUND 64

/* A transfer that is under way; CURLOPT_PRIVATE points here. */
typedef struct CurlCall
{
	LoopCurlFn	fn;
	void	   *arg;
} CurlCall;

static int64_t monotonic_us(void);
static int	wait_limit_ms(const Loop *loop, int max_wait_ms);
static void run_watch(Worker *w, const struct epoll_event *event);
static void run_timers(Worker *w);
static void heap_move(Loop *loop, size_t slot, Timer *timer);
static void heap_up(Loop *loop, size_t slot);
static void heap_down(Loop *loop, size_t slot);
static int	curl_watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg);
static int	curl_set_timer(CURLM *multi, long timeout_ms, void *arg);
static void curl_socket_ready(Worker *w, int fd, int events, void *arg);
static void curl_timer_due(Worker *w, void *arg);
static void curl_finish_calls(Worker *w);

bool
loop_init(Worker *w)
{
	Loop	   *loop = &w->loop;

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
	{
		log_error("could not create epoll descriptor: %s", strerror(errno));
		return false;
	}
	loop->is_open = true;
	loop->now_us = monotonic_us();

	loop->multi = curl_multi_init();
	if (loop->multi == NULL)
	{
		log_error("could not initialize libcurl");
		loop_free(w);
		return false;
	}
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, curl_watch_socket);
	curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, w);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, curl_set_timer);
	curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, w);
	return true;
}

void
loop_free(Worker *w)
{
	Loop	   *loop = &w->loop;

	if (loop->multi != NULL)
		curl_multi_cleanup(loop->multi);
	loop->multi = NULL;
	if (loop->is_open)
		close(loop->epoll_fd);
	free(loop->watches);
	free(loop->heap);
	memset(loop, 0, sizeof(*loop));
}

void
loop_wait(Worker *w, int max_wait_ms)
{
	Loop	   *loop = &w->loop;
	struct epoll_event events[EVENTS_PER_ROUND];
	int			count;

	loop->now_us = monotonic_us();
	count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_ROUND, wait_limit_ms(loop, max_wait_ms));
	loop->now_us = monotonic_us();
	for (int i = 0; i < count; i++)
		run_watch(w, &events[i]);
	run_timers(w);
}

int64_t
loop_now_us(const Worker *w)
{
	return w->loop.now_us;
}

void
loop_watch(Worker *w, int fd, int events, LoopFdFn fn, void *arg)
{
	Loop	   *loop = &w->loop;
	struct epoll_event event = {0};
	LoopWatch  *watch;

	if ((size_t) fd >= loop->watch_count)
	{
		size_t		count = (size_t) fd + 64;

		loop->watches = xrealloc(loop->watches, count * sizeof(LoopWatch));
		memset(loop->watches + loop->watch_count, 0, (count - loop->watch_count) * sizeof(LoopWatch));
		loop->watch_count = count;
	}
	watch = &loop->watches[fd];
	if (watch->fn == NULL)
		watch->generation++;
	watch->fn = fn;
	watch->arg = arg;
	watch->events = events;

	event.events = ((events & LOOP_READ) ? EPOLLIN : 0) | ((events & LOOP_WRITE) ? EPOLLOUT : 0) |
		((events & LOOP_HANGUP) ? EPOLLRDHUP : 0);
	event.data.u64 = ((uint64_t) watch->generation << 32) | (uint32_t) fd;

	/*
	 * A library may have closed the descriptor and got the same number again,
	 * which takes it out of the epoll set behind our back.
	 */
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		log_error("could not watch descriptor %d: %s", fd, strerror(errno));
}

void
loop_unwatch(Worker *w, int fd)
{
	Loop	   *loop = &w->loop;

	if (fd < 0 || (size_t) fd >= loop->watch_count || loop->watches[fd].fn == NULL)
		return;
	loop->watches[fd].fn = NULL;
	loop->watches[fd].generation++;

	/* it may be closed already, which has done the same */
	(void) epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void
timer_start(Worker *w, Timer *timer, int64_t delay_ms, TimerFn fn, void *arg)
{
	Loop	   *loop = &w->loop;

	timer_stop(w, timer);
	timer->due_us = loop->now_us + (delay_ms > 0 ? delay_ms : 0) * 1000;
	timer->fn = fn;
	timer->arg = arg;

	if (loop->heap_used + 1 >= loop->heap_size)
	{
		loop->heap_size = loop->heap_size > 0 ? loop->heap_size * 2 : 64;
		loop->heap = xrealloc(loop->heap, loop->heap_size * sizeof(Timer *));
	}
	heap_move(loop, ++loop->heap_used, timer);
	heap_up(loop, timer->slot);
}

void
timer_stop(Worker *w, Timer *timer)
{
	Loop	   *loop = &w->loop;
	size_t		slot = timer->slot;
	Timer	   *last;

	if (slot == 0)
		return;
	timer->slot = 0;
	last = loop->heap[loop->heap_used--];
	if (last == timer)
		return;
	heap_move(loop, slot, last);
	heap_up(loop, slot);
	heap_down(loop, last->slot);
}

bool
timer_is_running(const Timer *timer)
{
	return timer->slot != 0;
}

bool
loop_curl_add(Worker *w, CURL *easy, LoopCurlFn fn, void *arg)
{
	CurlCall   *call = xmalloc(sizeof(CurlCall));
	CURLMcode	code;

	call->fn = fn;
	call->arg = arg;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	code = curl_multi_add_handle(w->loop.multi, easy);
	if (code == CURLM_OK)
		return true;

	log_error("could not start transfer: %s", curl_multi_strerror(code));
	curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
	free(call);
	return false;
}

void
loop_curl_remove(Worker *w, CURL *easy)
{
	CurlCall   *call = NULL;

	curl_multi_remove_handle(w->loop.multi, easy);
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &call);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, NULL);
	free(call);
}

static int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* How long epoll may sleep; rounded up, so that a timer is due when we wake for it. */
static int
wait_limit_ms(const Loop *loop, int max_wait_ms)
{
	int64_t		delay_ms;

	if (loop->heap_used == 0)
		return max_wait_ms;
	delay_ms = (loop->heap[1]->due_us - loop->now_us + 999) / 1000;
	if (delay_ms < 0)
		delay_ms = 0;
	if (max_wait_ms >= 0 && delay_ms > max_wait_ms)
		return max_wait_ms;
	return delay_ms < 3600 * 1000 ? (int) delay_ms : 3600 * 1000;
}

static void
run_watch(Worker *w, const struct epoll_event *event)
{
	Loop	   *loop = &w->loop;
	int			fd = (int) (event->data.u64 & UINT32_MAX);
	uint32_t	generation = (uint32_t) (event->data.u64 >> 32);
	LoopWatch  *watch = &loop->watches[fd];
	int			events = 0;

	/* an earlier callback of this round may have ended this watch */
	if (watch->fn == NULL || watch->generation != generation)
		return;
	if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		events |= LOOP_READ;
	if (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
		events |= LOOP_WRITE;
	if (event->events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
		events |= LOOP_HANGUP;
	watch->fn(w, fd, events, watch->arg);
}

/* Timers started meanwhile wait for the next round, so that this one ends. */
static void
run_timers(Worker *w)
{
	Loop	   *loop = &w->loop;
	int64_t		now_us = loop->now_us;
	size_t		budget = loop->heap_used;

	while (budget-- > 0 && loop->heap_used > 0 && loop->heap[1]->due_us <= now_us)
	{
		Timer	   *timer = loop->heap[1];

		timer_stop(w, timer);
		timer->fn(w, timer->arg);
	}
}

static void
heap_move(Loop *loop, size_t slot, Timer *timer)
{
	loop->heap[slot] = timer;
	timer->slot = slot;
}

static void
heap_up(Loop *loop, size_t slot)
{
	Timer	   *timer = loop->heap[slot];

	while (slot > 1 && loop->heap[slot / 2]->due_us > timer->due_us)
	{
		heap_move(loop, slot, loop->heap[slot / 2]);
		slot /= 2;
	}
	heap_move(loop, slot, timer);
}

static void
heap_down(Loop *loop, size_t slot)
{
	Timer	   *timer = loop->heap[slot];

	for (;;)
	{
		size_t		child = slot * 2;

		if (child > loop->heap_used)
			break;
		if (child < loop->heap_used && loop->heap[child + 1]->due_us < loop->heap[child]->due_us)
			child++;
		if (loop->heap[child]->due_us >= timer->due_us)
			break;
		heap_move(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_move(loop, slot, timer);
}

/* CURLMOPT_SOCKETFUNCTION */
static int
curl_watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	Worker	   *w = arg;

	switch (what)
	{
		case CURL_POLL_REMOVE:
			loop_unwatch(w, fd);
			break;
		case CURL_POLL_IN:
			loop_watch(w, fd, LOOP_READ, curl_socket_ready, NULL);
			break;
		case CURL_POLL_OUT:
			loop_watch(w, fd, LOOP_WRITE, curl_socket_ready, NULL);
			break;
		case CURL_POLL_INOUT:
			loop_watch(w, fd, LOOP_READ | LOOP_WRITE, curl_socket_ready, NULL);
			break;
	}
	return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int
curl_set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	Worker	   *w = arg;

	if (timeout_ms < 0)
		timer_stop(w, &w->loop.curl_timer);
	else
		timer_start(w, &w->loop.curl_timer, timeout_ms, curl_timer_due, NULL);
	return 0;
}

static void
curl_socket_ready(Worker *w, int fd, int events, void *arg)
{
	int			mask = ((events & LOOP_READ) ? CURL_CSELECT_IN : 0) |
		((events & LOOP_WRITE) ? CURL_CSELECT_OUT : 0);
	int			running;

	curl_multi_socket_action(w->loop.multi, fd, mask, &running);
	curl_finish_calls(w);
}

static void
curl_timer_due(Worker *w, void *arg)
{
	int			running;

	curl_multi_socket_action(w->loop.multi, CURL_SOCKET_TIMEOUT, 0, &running);
	curl_finish_calls(w);
}

static void
curl_finish_calls(Worker *w)
{
	CURLMsg    *message;
	int			left;

	while ((message = curl_multi_info_read(w->loop.multi, &left)) != NULL)
	{
		CURL	   *easy = message->easy_handle;
		CURLcode	code = message->data.result;
		CurlCall   *call = NULL;
		CurlCall	copy;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **) &call);
		copy = *call;
		loop_curl_remove(w, easy);
		copy.fn(w, easy, code, copy.arg);
	}
}

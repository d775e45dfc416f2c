/*
 * loop_events.c
 *		The event loop: timers in order, descriptors, transfers, and callbacks that
 *		change what is registered.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"
#include "tap.h"
#include "worker.h"
#include "xalloc.h"

#define TIMER_COUNT 500

static char seen[4096];
static char mark_x[] = "x";
static char mark_r[] = "r";
static char mark_g[] = "g";
static int	fired;
static bool is_ordered = true;
static int64_t last_due_us;
static Timer many[TIMER_COUNT];
static Timer again;

static void timers_fire_in_order(Worker *w);
static void timers_are_stopped(Worker *w);
static void timers_restart_themselves(Worker *w);
static void descriptors_are_watched(Worker *w);
static void a_watch_ends_within_a_round(Worker *w);
static void a_descriptor_number_is_used_again(Worker *w);
static void transfers_end(Worker *w);
static void note(Worker *w, void *arg);
static void note_order(Worker *w, void *arg);
static void restart(Worker *w, void *arg);
static void read_byte(Worker *w, int fd, int events, void *arg);
static void unwatch_other(Worker *w, int fd, int events, void *arg);
static void transfer_done(Worker *w, CURL *easy, CURLcode code, void *arg);

int
main(void)
{
	Worker	   *w = xcalloc(1, sizeof(Worker));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!ok(loop_init(w), "a loop is made"))
		return done_testing();
	timers_fire_in_order(w);
	timers_are_stopped(w);
	timers_restart_themselves(w);
	descriptors_are_watched(w);
	a_watch_ends_within_a_round(w);
	a_descriptor_number_is_used_again(w);
	transfers_end(w);
	loop_free(w);
	loop_free(w);
	ok(true, "free may be called twice");
	free(w);
	curl_global_cleanup();
	return done_testing();
}

static void
timers_fire_in_order(Worker *w)
{
	unsigned int random = 1;

	for (int i = 0; i < TIMER_COUNT; i++)
	{
		random = random * 1103515245 + 12345;
		timer_start(w, &many[i], random / 65536 % 40, note_order, &many[i]);
	}
	/* some are stopped, some started again, in the middle of the heap */
	for (int i = 0; i < TIMER_COUNT; i += 5)
		timer_stop(w, &many[i]);
	for (int i = 1; i < TIMER_COUNT; i += 5)
		timer_start(w, &many[i], i % 30, note_order, &many[i]);
	while (w->loop.heap_used > 0)
		loop_wait(w, 1000);
	is_int(fired, TIMER_COUNT - TIMER_COUNT / 5, "every timer that was not stopped fires once");
	ok(is_ordered, "in the order of their times");
}

static void
timers_are_stopped(Worker *w)
{
	Timer		timer = {0};
	int64_t		before;

	timer_start(w, &timer, 1, note, mark_x);
	ok(timer_is_running(&timer), "a timer runs");
	timer_stop(w, &timer);
	timer_stop(w, &timer);
	ok(!timer_is_running(&timer), "it may be stopped twice");
	before = loop_now_us(w);
	loop_wait(w, 5);
	is_str(seen, "", "then it does not fire");
	ok(loop_now_us(w) - before >= 4000, "and the wait has its limit");
}

static void
timers_restart_themselves(Worker *w)
{
	int			rounds = 0;

	fired = 0;
	timer_start(w, &again, 0, restart, NULL);
	while (fired < 10 && rounds++ < 100)
		loop_wait(w, 1000);
	is_int(fired, 10, "a timer may start itself again");
	ok(rounds >= 10, "and does not keep a round from its end");
	timer_stop(w, &again);
}

static void
descriptors_are_watched(Worker *w)
{
	int			fds[2];

	if (pipe(fds) != 0)
		return;
	loop_watch(w, fds[0], LOOP_READ, read_byte, NULL);
	loop_wait(w, 1);
	is_str(seen, "", "nothing to read");
	ok(write(fds[1], "a", 1) == 1, "a byte is written");
	loop_wait(w, 1000);
	is_str(seen, "a", "and read");
	close(fds[1]);
	loop_wait(w, 1000);
	is_str(seen, "a.", "the end is told");
	loop_unwatch(w, fds[0]);
	loop_unwatch(w, fds[0]);
	loop_wait(w, 1);
	is_str(seen, "a.", "a watch that has ended tells nothing");
	close(fds[0]);
	seen[0] = '\0';
}

static void
a_watch_ends_within_a_round(Worker *w)
{
	int			left[2];
	int			right[2];

	if (pipe(left) != 0 || pipe(right) != 0 || write(left[1], "l", 1) != 1 || write(right[1], "r", 1) != 1)
		return;
	loop_watch(w, left[0], LOOP_READ, unwatch_other, &right[0]);
	loop_watch(w, right[0], LOOP_READ, unwatch_other, &left[0]);
	loop_wait(w, 1000);
	is_int((int64_t) strlen(seen), 1, "of two ready descriptors, one ends the other's watch");
	loop_unwatch(w, left[0]);
	loop_unwatch(w, right[0]);
	for (int i = 0; i < 2; i++)
	{
		close(left[i]);
		close(right[i]);
	}
	seen[0] = '\0';
}

/* As libpq does: the descriptor is closed without telling, and the next one has its number. */
static void
a_descriptor_number_is_used_again(Worker *w)
{
	int			first[2];
	int			second[2];

	if (pipe(first) != 0)
		return;
	loop_watch(w, first[0], LOOP_READ, read_byte, NULL);
	close(first[0]);
	close(first[1]);
	if (pipe(second) != 0)
		return;
	is_int(second[0], first[0], "a number is used again");
	loop_watch(w, second[0], LOOP_READ, read_byte, NULL);
	ok(write(second[1], "b", 1) == 1, "a byte is written");
	loop_wait(w, 1000);
	is_str(seen, "b", "and read");
	loop_unwatch(w, second[0]);
	close(second[0]);
	close(second[1]);
	seen[0] = '\0';
}

static void
transfers_end(Worker *w)
{
	CURL	   *gone = curl_easy_init();
	CURL	   *refused = curl_easy_init();

	/* nobody listens on port 1 */
	curl_easy_setopt(refused, CURLOPT_URL, "http://127.0.0.1:1/");
	curl_easy_setopt(gone, CURLOPT_URL, "http://127.0.0.1:1/");
	ok(loop_curl_add(w, refused, transfer_done, mark_r), "a transfer is started");
	ok(loop_curl_add(w, gone, transfer_done, mark_g), "and another");
	loop_curl_remove(w, gone);
	curl_easy_cleanup(gone);
	for (int i = 0; i < 100 && seen[0] == '\0'; i++)
		loop_wait(w, 100);
	is_str(seen, "r7", "one ends, with its result; the other was removed");
	curl_easy_cleanup(refused);
}

static void
note(Worker *w, void *arg)
{
	strncat(seen, arg, sizeof(seen) - strlen(seen) - 1);
}

static void
note_order(Worker *w, void *arg)
{
	const Timer *timer = arg;

	fired++;
	is_ordered = is_ordered && timer->due_us >= last_due_us && timer->due_us <= loop_now_us(w);
	last_due_us = timer->due_us;
}

static void
restart(Worker *w, void *arg)
{
	fired++;
	timer_start(w, &again, 0, restart, NULL);
}

static void
read_byte(Worker *w, int fd, int events, void *arg)
{
	char		text[2] = "";

	if (read(fd, text, 1) == 0)
		text[0] = '.';
	note(w, text);
}

static void
unwatch_other(Worker *w, int fd, int events, void *arg)
{
	note(w, mark_x);
	loop_unwatch(w, *(int *) arg);
	loop_unwatch(w, fd);
}

static void
transfer_done(Worker *w, CURL *easy, CURLcode code, void *arg)
{
	char		text[16];

	snprintf(text, sizeof(text), "%s%d", (const char *) arg, (int) code);
	note(w, text);
}

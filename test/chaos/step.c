/*
 * step.c
 *		An activity that notes when it begins and ends, outside of the database.
 *
 * Standard input is the JSON string "INSTANCE:NUMBER:MS".  It appends "S key
 * worker time" to the log, sleeps for so many milliseconds, appends "E ...", and
 * prints the number.  Times are microseconds since 1970.
 *
 *		step LOG [flaky | fixable DIR]
 *
 * flaky: one time in four, no result.  fixable: none the first time, of which a
 * file in that directory tells.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (long long) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* One write to a file that is open for appending: lines of many processes do not mix. */
static void
note(int log, char what, const char *key)
{
	const char *worker = getenv("CHAOS_WORKER");
	char		line[300];
	int			length = snprintf(line, sizeof(line), "%c %s %s %lld\n", what, key,
								  worker ? worker : "-", now_us());

	if (write(log, line, (size_t) length) != length)
		exit(9);
}

static bool
is_first(const char *dir, const char *key)
{
	char		path[1000];
	int			mark;

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	mark = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
	return mark >= 0 && close(mark) == 0;
}

int
main(int argc, char **argv)
{
	char		key[200];
	int			number;
	int			ms;
	int			log = open(argc > 1 ? argv[1] : "", O_WRONLY | O_APPEND | O_CREAT, 0666);
	struct timespec pause;

	if (log < 0 || scanf("\"%150[^:]:%d:%d\"", key, &number, &ms) != 3)
		return 8;
	snprintf(key + strlen(key), 20, ":%d", number);
	note(log, 'S', key);
	pause = (struct timespec) {.tv_sec = ms / 1000, .tv_nsec = (long) (ms % 1000) * 1000000};
	nanosleep(&pause, NULL);
	if (argc > 2 && strcmp(argv[2], "flaky") == 0 && now_us() / 7 % 4 == 0)
		return 1;
	if (argc > 3 && strcmp(argv[2], "fixable") == 0 && is_first(argv[3], key))
		return 1;
	note(log, 'E', key);
	printf("%d\n", number);
	return 0;
}

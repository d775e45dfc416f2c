/*
 * tap.h
 *		Test output in TAP, for the unit tests.
 *
 * Each check is a line; done_testing() ends the program.  Included once a program.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_TAP_H
#define PGDF_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int	tap_count;
static int	tap_failures;

static inline bool
tap_check(bool is_ok, const char *format, va_list args)
{
	printf("%sok %d - ", is_ok ? "" : "not ", ++tap_count);
	vprintf(format, args);
	printf("\n");
	tap_failures += !is_ok;
	return is_ok;
}

__attribute__((format(printf, 2, 3)))
static inline bool
tap_ok(bool is_ok, const char *format, ...)
{
	va_list		args;

	va_start(args, format);
	tap_check(is_ok, format, args);
	va_end(args);
	return is_ok;
}

static inline void
tap_is_int(int64_t got, int64_t expected, const char *name)
{
	if (!tap_ok(got == expected, "%s", name))
		printf("# got %lld, expected %lld\n", (long long) got, (long long) expected);
}

static inline void
tap_is_text(const char *got, const char *expected, const char *name)
{
	if (!tap_ok(got != NULL && strcmp(got, expected) == 0, "%s", name))
		printf("# got \"%s\", expected \"%s\"\n", got != NULL ? got : "(null)", expected);
}

__attribute__((format(printf, 3, 4)))
static inline void
tap_is_str(const char *got, const char *expected, const char *format, ...)
{
	va_list		args;

	va_start(args, format);
	if (!tap_check(got != NULL && strcmp(got, expected) == 0, format, args))
		printf("# got \"%s\", expected \"%s\"\n", got != NULL ? got : "(null)", expected);
	va_end(args);
}

/* What main() returns. */
static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures > 0 ? 1 : 0;
}

/* Short names; macros, so that a variable may be called ok. */
#define ok(...)				tap_ok(__VA_ARGS__)
#define is_int(...)			tap_is_int(__VA_ARGS__)
#define is_str(...)			tap_is_str(__VA_ARGS__)
#define done_testing()		tap_done()

#endif							/* PGDF_TAP_H */

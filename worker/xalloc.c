/*
 * xalloc.c
 *		Allocation that cannot fail: the process ends when memory is gone.
 *
 * The message is written without allocating.  Ending is safe: whatever the
 * worker held is taken over by another one.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "xalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void out_of_memory(void) __attribute__((noreturn));

void *
xmalloc(size_t size)
{
	void	   *memory = malloc(size > 0 ? size : 1);

	if (memory == NULL)
		out_of_memory();
	return memory;
}

void *
xcalloc(size_t count, size_t size)
{
	void	   *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

	if (memory == NULL)
		out_of_memory();
	return memory;
}

void *
xrealloc(void *old, size_t size)
{
	void	   *memory = realloc(old, size > 0 ? size : 1);

	if (memory == NULL)
		out_of_memory();
	return memory;
}

char *
xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *
xstrndup(const char *text, size_t length)
{
	char	   *copy;

	if (length == SIZE_MAX)
		out_of_memory();
	copy = xmalloc(length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
xasprintf(const char *format, ...)
{
	va_list		args;
	char	   *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return text;
}

char *
xvasprintf(const char *format, va_list args)
{
	char	   *text;

	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	return text;
}

static void
out_of_memory(void)
{
	static const char message[] = "pgdf: out of memory\n";
	ssize_t		ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

	(void) ignored;
	abort();
}

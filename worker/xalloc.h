/*
 * xalloc.h
 *		Allocation that cannot fail: the process ends when memory is gone.
 *
 * For small allocations, and for sizes that were bounded before.  Memory is
 * released with free().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_XALLOC_H
#define PGDF_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

extern void *xmalloc(size_t size) __attribute__((malloc, warn_unused_result));
extern void *xcalloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));
extern void *xrealloc(void *old, size_t size) __attribute__((warn_unused_result));
extern char *xstrdup(const char *text) __attribute__((malloc, warn_unused_result));
extern char *xstrndup(const char *text, size_t length) __attribute__((malloc, warn_unused_result));
extern char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), warn_unused_result));
extern char *xvasprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0), warn_unused_result));

#endif							/* PGDF_XALLOC_H */

/*
 * fuzz.h
 *		A fuzz target: a function that is given bytes, and may not crash, leak or
 *		hang, nor break what it promises.
 *
 *	FUZZ_TARGET(name)		in name.c; the bytes are data, size
 *	{
 *		char	   *text = fuzz_text(data, size);
 *
 *		FUZZ_HOLDS(parse(text) != NULL);
 *		free(text);
 *	}
 *
 * All targets are one program; FUZZ_TARGET=name in the environment chooses.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_FUZZ_H
#define PGDF_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*FuzzTarget) (const uint8_t *data, size_t size);

extern void fuzz_register(const char *name, FuzzTarget target);

/* The bytes and a NUL; the caller frees it.  Exactly as long, so that reading on is noticed. */
extern char *fuzz_text(const uint8_t *data, size_t size);

#define FUZZ_TARGET(name) \
	static void name##_target(const uint8_t *data, size_t size); \
	static void __attribute__((constructor)) register_##name(void) { fuzz_register(#name, name##_target); } \
	static void \
	name##_target(const uint8_t *data, size_t size)

#define FUZZ_HOLDS(condition) \
	do \
	{ \
		if (!(condition)) \
		{ \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

#endif							/* PGDF_FUZZ_H */

/*
 * base64.h
 *		Base 64 as RFC 4648 has it: with padding, without line breaks.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_BASE64_H
#define PGDF_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

extern void base64_append(Buf *buf, const void *bytes, size_t length);

/*
 * Append the bytes that a text stands for.  False when it is not exactly what
 * base64_append() makes of some bytes; then buf is as it was.
 */
extern bool base64_decode(Buf *buf, const char *text, size_t length);

#endif							/* PGDF_BASE64_H */

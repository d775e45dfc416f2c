/*
 * buf.h
 *		A growing byte buffer.
 *
 * A zeroed Buf is empty and owns nothing.  The bytes are always followed by a
 * NUL that is not counted, once something was appended.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_BUF_H
#define PGDF_BUF_H

#include <stddef.h>
#include <stdint.h>

typedef struct Buf
{
	char	   *data;			/* NULL while nothing was appended */
	size_t		used;
	size_t		size;			/* allocated */
} Buf;

extern void buf_append(Buf *buf, const void *bytes, size_t length);
extern void buf_append_text(Buf *buf, const char *text);
extern void buf_append_format(Buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Room for at least this many more bytes; returns where they go. */
extern char *buf_reserve(Buf *buf, size_t length);

/* Drop the first bytes. */
extern void buf_consume(Buf *buf, size_t length);

/* Hand over the bytes (free() them) and leave the buffer empty; never NULL. */
extern char *buf_take(Buf *buf);

/* Empty, but keep the memory. */
extern void buf_reset(Buf *buf);
extern void buf_free(Buf *buf);

#endif							/* PGDF_BUF_H */

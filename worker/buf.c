/*
 * buf.c
 *		A growing byte buffer.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "buf.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

#define BUF_FIRST_SIZE 64

void
buf_append(Buf *buf, const void *bytes, size_t length)
{
	char	   *room = buf_reserve(buf, length);

	if (length > 0)
		memcpy(room, bytes, length);
	buf->used += length;
	buf->data[buf->used] = '\0';
}

void
buf_append_text(Buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void
buf_append_format(Buf *buf, const char *format, ...)
{
	va_list		args;
	char	   *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	buf_append_text(buf, text);
	free(text);
}

char *
buf_reserve(Buf *buf, size_t length)
{
	size_t		needed = buf->used + length + 1;

	if (needed > buf->size)
	{
		size_t		size = buf->size > 0 ? buf->size : BUF_FIRST_SIZE;

		while (size < needed)
			size *= 2;
		buf->data = xrealloc(buf->data, size);
		buf->size = size;
	}
	return buf->data + buf->used;
}

void
buf_consume(Buf *buf, size_t length)
{
	if (length >= buf->used)
	{
		buf_reset(buf);
		return;
	}
	memmove(buf->data, buf->data + length, buf->used - length);
	buf->used -= length;
	buf->data[buf->used] = '\0';
}

char *
buf_take(Buf *buf)
{
	char	   *data = buf->data != NULL ? buf->data : xstrdup("");

	memset(buf, 0, sizeof(*buf));
	return data;
}

void
buf_reset(Buf *buf)
{
	buf->used = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void
buf_free(Buf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

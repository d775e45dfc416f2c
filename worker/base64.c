/*
 * base64.c
 *		Base 64 as RFC 4648 has it: with padding, without line breaks.
 *
 * Decoding is strict: there is one text for a sequence of bytes, so a file name
 * that travels as {"b64": ...} has one spelling.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int	digit_value(char digit);
static bool decode_group(const char *text, int pads, unsigned char *bytes);

void
base64_append(Buf *buf, const void *bytes, size_t length)
{
	const unsigned char *in = bytes;
	size_t		at = 0;

	while (at < length)
	{
		size_t		n = length - at < 3 ? length - at : 3;
		unsigned	bits = (unsigned) in[at] << 16;
		char		group[4];

		if (n > 1)
			bits |= (unsigned) in[at + 1] << 8;
		if (n > 2)
			bits |= in[at + 2];
		group[0] = digits[bits >> 18];
		group[1] = digits[bits >> 12 & 63];
		group[2] = n > 1 ? digits[bits >> 6 & 63] : '=';
		group[3] = n > 2 ? digits[bits & 63] : '=';
		buf_append(buf, group, sizeof(group));
		at += n;
	}
}

bool
base64_decode(Buf *buf, const char *text, size_t length)
{
	size_t		used = buf->used;

	if (length % 4 != 0)
		return false;

	for (size_t at = 0; at < length; at += 4)
	{
		unsigned char bytes[3];
		int			pads = 0;

		if (at + 4 == length && text[at + 3] == '=')
			pads = text[at + 2] == '=' ? 2 : 1;
		if (!decode_group(text + at, pads, bytes))
		{
			buf->used = used;
			return false;
		}
		buf_append(buf, bytes, (size_t) (3 - pads));
	}
	return true;
}

/* Four digits, the last of which may be padding, into up to three bytes. */
static bool
decode_group(const char *text, int pads, unsigned char *bytes)
{
	unsigned	bits = 0;

	for (int i = 0; i < 4; i++)
	{
		int			value = i < 4 - pads ? digit_value(text[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (unsigned) value;
	}

	/* bits that no byte takes must be zero, or two texts would mean the same */
	if ((pads == 1 && (bits & 0xff) != 0) || (pads == 2 && (bits & 0xffff) != 0))
		return false;

	bytes[0] = (unsigned char) (bits >> 16);
	bytes[1] = (unsigned char) (bits >> 8);
	bytes[2] = (unsigned char) bits;
	return true;
}

static int
digit_value(char digit)
{
	const char *place = digit == '\0' ? NULL : strchr(digits, digit);

	return place == NULL ? -1 : (int) (place - digits);
}

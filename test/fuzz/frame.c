/*
 * frame.c
 *		What the host of a plugin says: any bytes, in frames; and what is put into
 *		one comes out again.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "frame.h"

#include "fuzz.h"

#define MAX_PAYLOAD 1024

/* Read a payload as all types are made: numbers, then texts until there is no more. */
static void
read_payload(const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	size_t		length = 0;

	(void) frame_get_number(&reader);
	for (int i = 0; i < 10 && !reader.is_wrong && !frame_is_read(&reader); i++)
	{
		const char *word = i % 2 == 0 ? frame_get_text(&reader, &length) : frame_get_optional_text(&reader, &length);

		if (word != NULL)
		{
			FUZZ_HOLDS(word >= frame->payload && word + length < frame->payload + frame->length);
			FUZZ_HOLDS(word[length] == '\0');
		}
	}
}

static void
read_stream(const char *bytes, size_t size)
{
	size_t		at = 0;
	Frame		frame;

	while (frame_next(bytes + at, size - at, MAX_PAYLOAD, &frame) == FRAME_COMPLETE)
	{
		FUZZ_HOLDS(frame.length <= MAX_PAYLOAD && frame.payload + frame.length <= bytes + size);
		read_payload(&frame);
		at += FRAME_HEADER_BYTES + frame.length;
	}
}

FUZZ_TARGET(frame)
{
	char	   *bytes = fuzz_text(data, size);
	Buf			out = {0};
	Frame		frame;
	size_t		begin = frame_begin(&out, FRAME_FAILURE);
	size_t		length = 0;
	FrameReader reader;
	const char *word;

	read_stream(bytes, size);

	frame_put_number(&out, -(int64_t) size);
	frame_put_text(&out, bytes, size);
	frame_put_text(&out, NULL, 0);
	frame_end(&out, begin);
	FUZZ_HOLDS(frame_next(out.data, out.used, size + 100, &frame) == FRAME_COMPLETE && frame.type == FRAME_FAILURE);
	reader = frame_reader(&frame);
	FUZZ_HOLDS(frame_get_number(&reader) == -(int64_t) size);
	word = frame_get_text(&reader, &length);
	FUZZ_HOLDS(length == size && memcmp(word, bytes, size) == 0);
	FUZZ_HOLDS(frame_get_optional_text(&reader, &length) == NULL && frame_is_read(&reader));
	buf_free(&out);
	free(bytes);
}

/*
 * plugin_frame.c
 *		What the process of a plugin sends: read to the end, whatever it is.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "frame.h"

#include "fuzz.h"

#define MAX_PAYLOAD 4096

static void read_payload(const Frame *frame);

FUZZ_TARGET(plugin_frame)
{
	char	   *bytes = fuzz_text(data, size);
	size_t		at = 0;
	Frame		frame;

	while (frame_next(bytes + at, size - at, MAX_PAYLOAD, &frame) == FRAME_COMPLETE)
	{
		FUZZ_HOLDS(frame.length <= MAX_PAYLOAD);
		FUZZ_HOLDS(frame.payload == bytes + at + FRAME_HEADER_BYTES);
		FUZZ_HOLDS(at + FRAME_HEADER_BYTES + frame.length <= size);
		read_payload(&frame);
		at += FRAME_HEADER_BYTES + frame.length;
	}
	free(bytes);
}

/* Numbers and texts in turn; what was read is in the payload, and put together again is the payload. */
static void
read_payload(const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	Buf			again = {0};
	size_t		begin = frame_begin(&again, frame->type);

	while (reader.left > 0 && !reader.is_wrong)
	{
		int64_t		number = frame_get_number(&reader);
		size_t		length;
		const char *text;

		if (reader.is_wrong)
			break;
		frame_put_number(&again, number);
		if (reader.left == 0)
			break;
		text = frame_get_optional_text(&reader, &length);
		if (reader.is_wrong)
			break;
		FUZZ_HOLDS(text == NULL || (text >= frame->payload && text + length < frame->payload + frame->length));
		FUZZ_HOLDS(text == NULL || text[length] == '\0');
		frame_put_text(&again, text, length);
	}
	frame_end(&again, begin);
	if (frame_is_read(&reader))
		FUZZ_HOLDS(again.used == FRAME_HEADER_BYTES + frame->length &&
				   memcmp(again.data + FRAME_HEADER_BYTES, frame->payload, frame->length) == 0);
	buf_free(&again);
}

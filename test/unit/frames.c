/*
 * frames.c
 *		Frames between worker and plugin: whole, cut, too long, wrong.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <stdlib.h>

#include "frame.h"
#include "tap.h"
#include "xalloc.h"

#define MAX_PAYLOAD 1000

static void round_trip(void);
static void cuts(void);
static void wrong_headers(void);
static void wrong_payloads(void);
static void random_bytes(void);
static Buf	make_run(void);
static bool read_run(const Frame *frame);

int
main(void)
{
	round_trip();
	cuts();
	wrong_headers();
	wrong_payloads();
	random_bytes();
	return done_testing();
}

static void
round_trip(void)
{
	Buf			out = make_run();
	Frame		frame;
	FrameReader reader;
	size_t		length;
	size_t		first = out.used;

	is_int(frame_next(out.data, out.used, MAX_PAYLOAD, &frame), FRAME_COMPLETE, "a frame");
	is_int(frame.type, FRAME_RUN, "its type");
	is_int((int64_t) frame.length, (int64_t) (out.used - FRAME_HEADER_BYTES), "its length");
	reader = frame_reader(&frame);
	is_int(frame_get_number(&reader), -2, "a number");
	is_str(frame_get_text(&reader, &length), "text", "a text");
	is_int((int64_t) length, 4, "its length");
	ok(memcmp(frame_get_text(&reader, &length), "a\0b", 4) == 0 && length == 3, "a text with a NUL");
	ok(frame_get_optional_text(&reader, &length) == NULL && length == 0, "no text");
	is_str(frame_get_optional_text(&reader, NULL), "", "an empty text");
	is_int(frame_get_number(&reader), INT64_MIN, "another number");
	ok(frame_is_read(&reader), "everything was read");
	is_int(frame_get_number(&reader), 0, "nothing follows");
	ok(!frame_is_read(&reader), "and asking for it is wrong");

	/* two in a row */
	frame_end(&out, frame_begin(&out, FRAME_CANCEL));
	is_int(frame_next(out.data, out.used, MAX_PAYLOAD, &frame), FRAME_COMPLETE, "the first of two");
	is_int((int64_t) (FRAME_HEADER_BYTES + frame.length), (int64_t) first, "has its own length");
	is_int(frame_next(out.data + first, out.used - first, MAX_PAYLOAD, &frame), FRAME_COMPLETE, "the second of two");
	is_int(frame.type, FRAME_CANCEL, "is the second");
	is_int((int64_t) frame.length, 0, "and may be empty");
	buf_free(&out);
}

/* Each beginning of a frame is partial; each shorter payload is wrong.  Copies are exact, so that a sanitizer sees more. */
static void
cuts(void)
{
	Buf			out = make_run();
	bool		is_partial = true;
	bool		is_wrong = true;
	Frame		frame;

	for (size_t length = 0; length < out.used; length++)
	{
		char	   *copy = xmalloc(length + 1);

		memcpy(copy, out.data, length);
		is_partial &= frame_next(copy, length, MAX_PAYLOAD, &frame) == FRAME_PARTIAL;
		free(copy);
	}
	ok(is_partial, "the beginning of a frame is no frame");

	for (size_t length = 0; length + FRAME_HEADER_BYTES < out.used; length++)
	{
		char	   *copy = xmalloc(length + 1);

		memcpy(copy, out.data + FRAME_HEADER_BYTES, length);
		frame = (Frame) {FRAME_RUN, copy, length};
		is_wrong &= !read_run(&frame);
		free(copy);
	}
	ok(is_wrong, "a payload that is cut is wrong");
	buf_free(&out);
}

static void
wrong_headers(void)
{
	Frame		frame;

	is_int(frame_next("\0\0\0\0X", 5, MAX_PAYLOAD, &frame), FRAME_INVALID, "no such type");
	is_int(frame_next("\0\0\0\0\0", 5, MAX_PAYLOAD, &frame), FRAME_INVALID, "no type");
	is_int(frame_next("\0\0\3\350D", 5, MAX_PAYLOAD, &frame), FRAME_PARTIAL, "the longest payload");
	is_int(frame_next("\0\0\3\351D", 5, MAX_PAYLOAD, &frame), FRAME_INVALID, "a longer one");
	is_int(frame_next("\377\377\377\377D", 5, UINT32_MAX - 1, &frame), FRAME_INVALID, "the longest length");
}

static void
wrong_payloads(void)
{
	static const struct
	{
		const char *payload;
		size_t		length;
		const char *what;
	}			cases[] = {
		{"", 0, "no text"}, {"\0\0\0", 3, "half a length"}, {"\0\0\0\1", 4, "no bytes"}, {"\0\0\0\1a", 5, "no NUL"},
		{"\0\0\0\1ab", 6, "another byte for the NUL"}, {"\377\377\377\376a\0", 6, "a huge length"},
		{"\377\377\377\377", 4, "none, where one must be"}, {"\0\0\0\1a\0!", 7, "more than a text"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char	   *copy = xmalloc(cases[i].length + 1);
		Frame		frame = {FRAME_RESULT, copy, cases[i].length};
		FrameReader reader;

		memcpy(copy, cases[i].payload, cases[i].length);
		reader = frame_reader(&frame);
		(void) frame_get_text(&reader, NULL);
		ok(!frame_is_read(&reader), "a text is wrong: %s", cases[i].what);
		free(copy);
	}
}

/* Whatever comes, it is read without harm. */
static void
random_bytes(void)
{
	unsigned	seed = 1;
	int			complete = 0;

	for (int round = 0; round < 100000; round++)
	{
		size_t		length = (size_t) rand_r(&seed) % 64;
		char	   *bytes = xmalloc(length + 1);
		Frame		frame;

		for (size_t i = 0; i < length; i++)
			bytes[i] = (char) (rand_r(&seed) % 4 == 0 ? rand_r(&seed) : rand_r(&seed) % 9);
		if (length > 4)
		{
			memset(bytes, 0, 3);
			bytes[4] = "HEPLDFRC"[rand_r(&seed) % 8];
		}
		if (frame_next(bytes, length, MAX_PAYLOAD, &frame) == FRAME_COMPLETE)
		{
			complete++;
			(void) read_run(&frame);
		}
		free(bytes);
	}
	ok(complete > 1000, "random frames do no harm");
}

static Buf
make_run(void)
{
	Buf			out = {0};
	size_t		begin = frame_begin(&out, FRAME_RUN);

	frame_put_number(&out, -2);
	frame_put_text(&out, "text", 4);
	frame_put_text(&out, "a\0b", 3);
	frame_put_text(&out, NULL, 0);
	frame_put_text(&out, "", 0);
	frame_put_number(&out, INT64_MIN);
	frame_end(&out, begin);
	return out;
}

static bool
read_run(const Frame *frame)
{
	FrameReader reader = frame_reader(frame);
	size_t		sum = 0;
	size_t		length;

	(void) frame_get_number(&reader);
	for (int i = 0; i < 4; i++)
	{
		const char *text = i == 2 ? frame_get_optional_text(&reader, &length) : frame_get_text(&reader, &length);

		if (text != NULL)
			sum += length + strlen(text);
	}
	(void) frame_get_number(&reader);
	return frame_is_read(&reader) && sum <= 2 * frame->length;
}

/*
 * frame.c
 *		What a worker and the host of a plugin say to each other: frames.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "frame.h"

#include <endian.h>
#include <string.h>

#define NO_TEXT UINT32_MAX

static bool is_type(char type);
static bool take(FrameReader *reader, void *bytes, size_t length);

FrameState
frame_next(const char *bytes, size_t length, size_t max_payload, Frame *frame)
{
	uint32_t	payload;

	if (length < FRAME_HEADER_BYTES)
		return FRAME_PARTIAL;
	memcpy(&payload, bytes, sizeof(payload));
	payload = be32toh(payload);
	if (payload > max_payload || !is_type(bytes[4]))
		return FRAME_INVALID;
	if (length - FRAME_HEADER_BYTES < payload)
		return FRAME_PARTIAL;
	frame->type = (FrameType) bytes[4];
	frame->payload = bytes + FRAME_HEADER_BYTES;
	frame->length = payload;
	return FRAME_COMPLETE;
}

size_t
frame_begin(Buf *out, FrameType type)
{
	size_t		begin = out->used;
	char		header[FRAME_HEADER_BYTES] = {0};

	header[4] = (char) type;
	buf_append(out, header, sizeof(header));
	return begin;
}

void
frame_put_number(Buf *out, int64_t number)
{
	uint64_t	ordered = htobe64((uint64_t) number);

	buf_append(out, &ordered, sizeof(ordered));
}

void
frame_put_text(Buf *out, const char *text, size_t length)
{
	uint32_t	ordered = htobe32(text != NULL ? (uint32_t) length : NO_TEXT);

	buf_append(out, &ordered, sizeof(ordered));
	if (text == NULL)
		return;
	buf_append(out, text, length);
	buf_append(out, "", 1);
}

void
frame_end(Buf *out, size_t begin)
{
	uint32_t	payload = htobe32((uint32_t) (out->used - begin - FRAME_HEADER_BYTES));

	memcpy(out->data + begin, &payload, sizeof(payload));
}

FrameReader
frame_reader(const Frame *frame)
{
	FrameReader reader = {frame->payload, frame->length, false};

	return reader;
}

int64_t
frame_get_number(FrameReader *reader)
{
	uint64_t	ordered = 0;

	(void) take(reader, &ordered, sizeof(ordered));
	return (int64_t) be64toh(ordered);
}

const char *
frame_get_text(FrameReader *reader, size_t *length)
{
	const char *text = frame_get_optional_text(reader, length);

	if (text == NULL)
		reader->is_wrong = true;
	return text;
}

const char *
frame_get_optional_text(FrameReader *reader, size_t *length)
{
	uint32_t	ordered = 0;
	size_t		bytes;
	const char *text = reader->at;

	if (length != NULL)
		*length = 0;
	if (!take(reader, &ordered, sizeof(ordered)))
		return NULL;
	bytes = be32toh(ordered);
	if (bytes == NO_TEXT)
		return NULL;
	text = reader->at;
	if (reader->left < bytes + 1 || text[bytes] != '\0')
	{
		reader->is_wrong = true;
		return NULL;
	}
	reader->at += bytes + 1;
	reader->left -= bytes + 1;
	if (length != NULL)
		*length = bytes;
	return text;
}

bool
frame_is_read(const FrameReader *reader)
{
	return !reader->is_wrong && reader->left == 0;
}

static bool
is_type(char type)
{
	switch ((FrameType) type)
	{
		case FRAME_HELLO:
		case FRAME_REFUSED:
		case FRAME_PROGRESS:
		case FRAME_LOG:
		case FRAME_RESULT:
		case FRAME_FAILURE:
		case FRAME_RUN:
		case FRAME_CANCEL:
			return true;
	}
	return false;
}

static bool
take(FrameReader *reader, void *bytes, size_t length)
{
	if (reader->is_wrong || reader->left < length)
	{
		reader->is_wrong = true;
		return false;
	}
	memcpy(bytes, reader->at, length);
	reader->at += length;
	reader->left -= length;
	return true;
}

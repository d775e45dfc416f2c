/*
 * frame.h
 *		What a worker and the host of a plugin say to each other: frames.
 *
 * A frame is the length of its payload (4 bytes, most significant first), its
 * type (1 byte) and the payload: numbers of 8 bytes, and texts of their length
 * (4 bytes), that many bytes and a NUL.  Both sides are the same program, but
 * the host runs somebody else's code: nothing that it sends is believed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_FRAME_H
#define PGDF_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* Every number "run" is that of the RUN frame which it belongs to. */
typedef enum FrameType
{
	/* host to worker */
	FRAME_HELLO = 'H',			/* count; so many texts: names of activities */
	FRAME_REFUSED = 'E',		/* text: why the plugin cannot be used */
	FRAME_PROGRESS = 'P',		/* run; text */
	FRAME_LOG = 'L',			/* run; level; text */
	FRAME_RESULT = 'D',			/* run; text */
	FRAME_FAILURE = 'F',		/* run; error type; message; is_non_retriable; properties or no text */

	/* worker to host */
	FRAME_RUN = 'R',			/* run; attempt; timeout_ms; texts: activity, instance_id, idempotency_key,
								 * traceparent or no text, input */
	FRAME_CANCEL = 'C'			/* run */
} FrameType;

#define FRAME_HEADER_BYTES 5

typedef struct Frame
{
	FrameType	type;
	const char *payload;
	size_t		length;
} Frame;

typedef enum FrameState
{
	FRAME_PARTIAL,				/* more bytes are needed */
	FRAME_COMPLETE,
	FRAME_INVALID				/* too long, or of no known type */
} FrameState;

/* The frame at the beginning of bytes; it has FRAME_HEADER_BYTES + frame->length of them. */
extern FrameState frame_next(const char *bytes, size_t length, size_t max_payload, Frame *frame);

/* Append a frame: begin, put what belongs to it, end. */
extern size_t frame_begin(Buf *out, FrameType type);
extern void frame_put_number(Buf *out, int64_t number);
extern void frame_put_text(Buf *out, const char *text, size_t length);	/* NULL: no text */
extern void frame_end(Buf *out, size_t begin);

/* Read a payload in its order.  After what is not there everything is 0 or NULL. */
typedef struct FrameReader
{
	const char *at;
	size_t		left;
	bool		is_wrong;
} FrameReader;

extern FrameReader frame_reader(const Frame *frame);
extern int64_t frame_get_number(FrameReader *reader);

/* In the payload, with a NUL behind it; NULL: no text, which is wrong unless it may be missing. */
extern const char *frame_get_text(FrameReader *reader, size_t *length);
extern const char *frame_get_optional_text(FrameReader *reader, size_t *length);

/* Everything was there, and nothing more. */
extern bool frame_is_read(const FrameReader *reader);

#endif							/* PGDF_FRAME_H */

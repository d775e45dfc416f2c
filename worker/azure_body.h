/*
 * azure_body.h
 *		The body of an upload: a part of a file, read ahead by the thread pool.
 *
 * Two small buffers: curl sends one while a thread fills the other.  When curl
 * is faster the transfer is paused, so the event loop never waits for a disk,
 * and an upload of any size takes the same memory.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_AZURE_BODY_H
#define PGDF_AZURE_BODY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "iopool.h"

/* One of the two buffers. */
#define AZURE_BODY_BUFFER_BYTES (64 * 1024)

/* Called when no thread uses the body any more. */
typedef void (*AzureBodyQuietFn) (struct Worker *w, void *arg);

/* A zeroed one is empty. */
typedef struct AzureBody
{
	struct Worker *worker;
	const BlobSource *source;
	CURL	   *easy;			/* the transfer that sends it */
	int64_t		start;			/* of the part, in the file */
	int64_t		length;			/* of the part */
	int64_t		given;			/* of it, handed to curl */
	int64_t		read;			/* of it, read from the file */
	char	   *buffers[2];
	size_t		buffer_size;
	size_t		filled[2];
	size_t		front_used;		/* handed to curl of the buffer in front */
	int			front;			/* the buffer that curl empties */
	bool		is_paused;
	bool		is_reading;		/* a job is in the pool */
	bool		is_stale;		/* what that job reads is not wanted */
	IoJob		job;
	char	   *job_bytes;		/* the job's own from here ... */
	size_t		job_length;
	int64_t		job_offset;
	IoFailure job_failure;	/* ... to here */
	IoFailure failure;		/* why the transfer was aborted, or type NULL */
	AzureBodyQuietFn quiet;		/* set while somebody waits */
	void	   *quiet_arg;
} AzureBody;

/* Get ready to read parts of the source. */
extern void azure_body_init(AzureBody *body, struct Worker *w, const BlobSource *source);

/* Begin to read a part, and let a transfer send it. */
extern void azure_body_send(AzureBody *body, CURL *easy, int64_t start, int64_t length);

/* The transfer has ended. */
extern void azure_body_detach(AzureBody *body);

/* Nothing is wanted any more.  fn is called as soon as no thread uses the body; perhaps at once. */
extern void azure_body_close(AzureBody *body, AzureBodyQuietFn fn, void *arg);

/* Release the memory, after it was closed. */
extern void azure_body_free(AzureBody *body);

#endif							/* PGDF_AZURE_BODY_H */

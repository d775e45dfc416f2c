/*
 * azure_body.c
 *		The body of an upload: a part of a file, read ahead by the thread pool.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "azure_body.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static void rewind_to_start(AzureBody *body);
static void read_ahead(AzureBody *body);
static AzureBody *body_of_job(IoJob *job);
static void read_run(IoJob *job);
static void read_done(struct Worker *w, IoJob *job);
static bool swap_buffers(AzureBody *body);
static size_t give_bytes(char *bytes, size_t size, size_t count, void *arg);
static int	seek_body(void *arg, curl_off_t offset, int origin);

void
azure_body_init(AzureBody *body, struct Worker *w, const BlobSource *source)
{
	*body = (AzureBody) {0};
	body->worker = w;
	body->source = source;
	body->job.run = read_run;
	body->job.done = read_done;
	body->buffer_size = AZURE_BODY_BUFFER_BYTES;
	if (source->before.st_size < AZURE_BODY_BUFFER_BYTES)
		body->buffer_size = (size_t) source->before.st_size;
}

void
azure_body_send(AzureBody *body, CURL *easy, int64_t start, int64_t length)
{
	body->easy = easy;
	body->start = start;
	body->length = length;
	body->is_paused = false;
	rewind_to_start(body);
	read_ahead(body);

	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) length);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(easy, CURLOPT_READDATA, body);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, body);
}

void
azure_body_detach(AzureBody *body)
{
	body->easy = NULL;
	body->is_paused = false;
}

void
azure_body_close(AzureBody *body, AzureBodyQuietFn fn, void *arg)
{
	azure_body_detach(body);
	if (!body->is_reading || iopool_withdraw(body->worker, &body->job))
	{
		body->is_reading = false;
		fn(body->worker, arg);
		return;
	}
	body->quiet = fn;
	body->quiet_arg = arg;
}

void
azure_body_free(AzureBody *body)
{
	free(body->buffers[0]);
	free(body->buffers[1]);
	*body = (AzureBody) {0};
}

static void
rewind_to_start(AzureBody *body)
{
	body->given = 0;
	body->read = 0;
	body->front_used = 0;
	body->filled[0] = 0;
	body->filled[1] = 0;
	body->is_stale = body->is_reading;
}

/* Let a thread fill the buffer that is not in front, when it is empty and there is more. */
static void
read_ahead(AzureBody *body)
{
	int			back = 1 - body->front;
	int64_t		left = body->length - body->read;

	if (body->is_reading || body->filled[back] > 0 || left == 0 || body->failure.type != NULL)
		return;
	if (body->buffers[back] == NULL)
		body->buffers[back] = xmalloc(body->buffer_size);
	body->job_bytes = body->buffers[back];
	body->job_offset = body->start + body->read;
	body->job_length = left < (int64_t) body->buffer_size ? (size_t) left : body->buffer_size;
	body->job_failure = (IoFailure) {0};
	body->is_reading = true;
	iopool_submit(body->worker, &body->job);
}

static AzureBody *
body_of_job(IoJob *job)
{
	return (AzureBody *) ((char *) job - offsetof(AzureBody, job));
}

/* In a thread of the pool: only the source and what begins with job_ is touched. */
static void
read_run(IoJob *job)
{
	AzureBody  *body = body_of_job(job);

	(void) blob_source_read(body->source, body->job_bytes, body->job_length, body->job_offset, &body->job_failure);
}

static void
read_done(struct Worker *w, IoJob *job)
{
	AzureBody  *body = body_of_job(job);
	AzureBodyQuietFn quiet = body->quiet;

	body->is_reading = false;
	if (quiet != NULL)
	{
		body->quiet = NULL;
		quiet(w, body->quiet_arg);
		return;
	}
	if (body->is_stale)
	{
		body->is_stale = false;
		read_ahead(body);
		return;
	}
	if (body->job_failure.type != NULL)
		body->failure = body->job_failure;
	else
	{
		body->filled[1 - body->front] = body->job_length;
		body->read += (int64_t) body->job_length;
	}
	if (body->is_paused)
	{
		body->is_paused = false;
		curl_easy_pause(body->easy, CURLPAUSE_CONT);
	}
}

/* The buffer in front is empty: put the other one there.  False: it is not filled yet. */
static bool
swap_buffers(AzureBody *body)
{
	int			back = 1 - body->front;

	body->filled[body->front] = 0;
	body->front_used = 0;
	if (body->filled[back] == 0)
		return false;
	body->front = back;
	return true;
}

/* CURLOPT_READFUNCTION */
static size_t
give_bytes(char *bytes, size_t size, size_t count, void *arg)
{
	AzureBody  *body = arg;
	size_t		n = size * count;
	size_t		left;

	if (body->failure.type != NULL)
		return CURL_READFUNC_ABORT;
	if (body->given == body->length)
		return 0;
	if (body->front_used == body->filled[body->front] && !swap_buffers(body))
	{
		read_ahead(body);
		body->is_paused = true;
		return CURL_READFUNC_PAUSE;
	}
	read_ahead(body);

	left = body->filled[body->front] - body->front_used;
	n = n < left ? n : left;
	memcpy(bytes, body->buffers[body->front] + body->front_used, n);
	body->front_used += n;
	body->given += (int64_t) n;
	return n;
}

/* CURLOPT_SEEKFUNCTION: curl begins again when a kept connection turned out to be dead. */
static int
seek_body(void *arg, curl_off_t offset, int origin)
{
	AzureBody  *body = arg;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_FAIL;
	rewind_to_start(body);
	read_ahead(body);
	return CURL_SEEKFUNC_OK;
}

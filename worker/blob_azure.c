/*
 * blob_azure.c
 *		The blob store in Azure Blob Storage, or its emulator Azurite.
 *
 * A small file is one Put Blob, a large one a Put Block for each part and a Put
 * Block List at the end; either way the blob is replaced as a whole.  Block
 * names are unique to the put, so that two workers that write one blob never
 * mix their blocks; blocks that a dead worker left behind disappear with the
 * next put of the blob, or after a week.  A missing container is created when
 * the service says that it is missing.
 *
 * A block that could not be sent is sent again a few times, so that one error
 * does not cost what was sent of a large file; everything else is left to the
 * retries of the activity.
 *
 * A bounded number of puts is under way; the others wait in a queue.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "blob.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "azure_body.h"
#include "azure_call.h"
#include "azure_conn.h"
#include "azure_name.h"
#include "backoff.h"
#include "base64.h"
#include "log.h"
#include "loop.h"
#include "worker.h"
#include "xalloc.h"

/* Up to this size a file is sent at once; above it in blocks of at least this size. */
#define BLOCK_BYTES (INT64_C(8) * 1024 * 1024)

/* The service's limits. */
#define MAX_BLOCKS 50000
#define MAX_BLOCK_BYTES (INT64_C(4000) * 1024 * 1024)

/* A block is sent so often before the put has failed, with these pauses. */
#define BLOCK_TRIES 5
#define BLOCK_RETRY_BASE_MS 500
#define BLOCK_RETRY_CAP_MS 10000

/* Puts under way; each has two buffers and a connection. */
#define MAX_ACTIVE 32

typedef struct AzureStore
{
	BlobStore	base;
	AzureAccount account;
	int			active;
	BlobPut    *first_waiting;
	BlobPut    *last_waiting;
} AzureStore;

typedef enum AzurePhase
{
	PHASE_WAITING,				/* in the store's queue */
	PHASE_SENDING,				/* the blob, or a block */
	PHASE_PAUSING,				/* before the block is sent again */
	PHASE_CREATING,				/* the container */
	PHASE_LISTING,				/* the blocks */
	PHASE_ENDING				/* waits for a thread, or for the loop */
} AzurePhase;

typedef struct AzurePut
{
	BlobPut		put;
	AzurePhase	phase;
	char	   *container;
	char	   *blob;
	AzureCall	call;
	AzureBody	body;
	int64_t		block_bytes;	/* 0: sent at once */
	int			block;			/* the one under way */
	Backoff		backoff;		/* between the tries to send it */
	bool		has_created;	/* the container: tried once */
	char		prefix[20];		/* of the names of this put's blocks */
	Buf			list;			/* text of Put Block List */
	Timer		timer;			/* of PHASE_PAUSING and PHASE_ENDING */
} AzurePut;

static BlobStore *azure_open(struct Worker *w, const char *url);
static void azure_close(struct Worker *w, BlobStore *store);
static bool azure_check_key(const BlobStore *store, const char *key, IoFailure *failure);
static void azure_put(struct Worker *w, BlobPut *base);
static void azure_cancel(struct Worker *w, BlobPut *base);

static void begin(AzurePut *put);
static int64_t choose_block_bytes(int64_t size);
static void send_part(AzurePut *put);
static void append_block_name(Buf *text, const AzurePut *put, int block);
static void send_list(AzurePut *put);
static void create_container(AzurePut *put);
static void ask(AzurePut *put, AzurePhase phase, const AzureAsk *what);
static void answered(struct Worker *w, AzureCall *call, void *arg);
static bool is_missing_container(const AzurePut *put);
static void sent_part(AzurePut *put);
static void answer_is_failure(AzurePut *put);
static bool send_again(AzurePut *put, const IoFailure *failure);
static void pause_is_over(struct Worker *w, void *arg);
static void end(AzurePut *put);
static void is_quiet(struct Worker *w, void *arg);
static void finish(struct Worker *w, void *arg);
static void begin_waiting(AzureStore *store);
static void remove_waiting(AzureStore *store, BlobPut *put);

const BlobScheme blob_azure_scheme = {
	.prefix = "azure:",
	.put_size = sizeof(AzurePut),
	.open = azure_open,
	.close = azure_close,
	.check_key = azure_check_key,
	.put = azure_put,
	.cancel = azure_cancel,
};

static BlobStore *
azure_open(struct Worker *w, const char *url)
{
	const char *text = getenv("AZURE_STORAGE_CONNECTION_STRING");
	const char *rest = url + strlen(blob_azure_scheme.prefix);
	const char *problem;
	AzureStore *store;

	if (*rest != '\0' && strcmp(rest, "//") != 0)
	{
		log_error_more(NULL, "Write azure: alone; the account is in AZURE_STORAGE_CONNECTION_STRING.",
					   "invalid blob store URL");
		return NULL;
	}
	if (text == NULL)
	{
		log_error_more(NULL, "Set AZURE_STORAGE_CONNECTION_STRING in the worker's environment.",
					   "blob store azure: needs a connection string");
		return NULL;
	}

	store = xcalloc(1, sizeof(AzureStore));
	if (!azure_conn_parse(&store->account, text, &problem))
	{
		log_error("invalid AZURE_STORAGE_CONNECTION_STRING: %s", problem);
		free(store);
		return NULL;
	}
	store->base.scheme = &blob_azure_scheme;
	store->base.name = xasprintf("Azure Blob Storage at %s", store->account.endpoint);
	return &store->base;
}

static void
azure_close(struct Worker *w, BlobStore *base)
{
	AzureStore *store = (AzureStore *) base;

	azure_conn_free(&store->account);
	free(store->base.name);
	free(store);
}

static bool
azure_check_key(const BlobStore *store, const char *key, IoFailure *failure)
{
	const char *problem = azure_name_problem(key);

	if (problem == NULL)
		return true;
	io_fail_for_good(failure, "InvalidBlobName", "%s", problem);
	return false;
}

static void
azure_put(struct Worker *w, BlobPut *base)
{
	AzureStore *store = (AzureStore *) base->store;
	AzurePut   *put = (AzurePut *) base;

	azure_name_split(base->key, &put->container, &put->blob);
	azure_body_init(&put->body, w, &base->source);
	put->phase = PHASE_WAITING;
	if (store->active < MAX_ACTIVE)
	{
		begin(put);
		return;
	}
	if (store->first_waiting == NULL)
		store->first_waiting = base;
	else
		store->last_waiting->next = base;
	store->last_waiting = base;
}

static void
azure_cancel(struct Worker *w, BlobPut *base)
{
	AzurePut   *put = (AzurePut *) base;

	if (put->phase == PHASE_ENDING)
		return;
	io_fail(&base->failure, BLOB_CANCELED, "it was cancelled");
	if (put->phase == PHASE_WAITING)
	{
		remove_waiting((AzureStore *) base->store, base);
		((AzureStore *) base->store)->active++;	/* finish() counts it down */
	}
	end(put);
}

static void
begin(AzurePut *put)
{
	uint64_t	random = 0;

	((AzureStore *) put->put.store)->active++;
	put->block_bytes = choose_block_bytes(put->put.source.before.st_size);
	if (put->block_bytes == -1)
	{
		io_fail_for_good(&put->put.failure, "BlobTooLarge", "Azure Blob Storage does not hold so large a blob");
		end(put);
		return;
	}
	if (put->block_bytes > 0)
	{
		backoff_init(&put->backoff, BLOCK_RETRY_BASE_MS, BLOCK_RETRY_CAP_MS);
		(void) !getrandom(&random, sizeof(random), 0);
		snprintf(put->prefix, sizeof(put->prefix), "%016" PRIx64, random);
	}
	send_part(put);
}

/* 0: one Put Blob; -1: it cannot be stored. */
static int64_t
choose_block_bytes(int64_t size)
{
	int64_t		bytes = BLOCK_BYTES;

	if (size <= BLOCK_BYTES)
		return 0;
	while (bytes * MAX_BLOCKS < size && bytes < MAX_BLOCK_BYTES)
		bytes = bytes * 2 < MAX_BLOCK_BYTES ? bytes * 2 : MAX_BLOCK_BYTES;
	return bytes * MAX_BLOCKS < size ? -1 : bytes;
}

/* Send the blob, or its next block. */
static void
send_part(AzurePut *put)
{
	int64_t		size = put->put.source.before.st_size;
	AzureAsk	what = {.container = put->container, .blob = put->blob, .text = ""};
	AzurePair	query[] = {{"blockid", NULL}, {"comp", "block"}, {NULL, NULL}};
	Buf			name = {0};

	if (put->block_bytes == 0)
	{
		what.puts_blob = true;
		what.length = size;
	}
	else
	{
		append_block_name(&name, put, put->block);
		query[0].value = name.data;
		what.query = query;
		what.start = put->block * put->block_bytes;
		what.length = size - what.start < put->block_bytes ? size - what.start : put->block_bytes;
	}
	what.body = what.length > 0 ? &put->body : NULL;
	ask(put, PHASE_SENDING, &what);
	buf_free(&name);
}

/* Base 64 of 24 bytes: all names of a blob's blocks must have one length. */
static void
append_block_name(Buf *text, const AzurePut *put, int block)
{
	char		name[40];

	snprintf(name, sizeof(name), "%s%08d", put->prefix, block);
	base64_append(text, name, strlen(name));
}

static void
send_list(AzurePut *put)
{
	static const AzurePair query[] = {{"comp", "blocklist"}, {NULL, NULL}};
	AzureAsk	what = {.container = put->container, .blob = put->blob, .query = query};

	buf_reset(&put->list);
	buf_append_text(&put->list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (int block = 0; block < put->block; block++)
	{
		buf_append_text(&put->list, "<Latest>");
		append_block_name(&put->list, put, block);
		buf_append_text(&put->list, "</Latest>");
	}
	buf_append_text(&put->list, "</BlockList>");
	what.text = put->list.data;
	ask(put, PHASE_LISTING, &what);
}

static void
create_container(AzurePut *put)
{
	static const AzurePair query[] = {{"restype", "container"}, {NULL, NULL}};
	AzureAsk	what = {.container = put->container, .query = query, .text = ""};

	put->has_created = true;
	ask(put, PHASE_CREATING, &what);
}

static void
ask(AzurePut *put, AzurePhase phase, const AzureAsk *what)
{
	AzureStore *store = (AzureStore *) put->put.store;

	put->phase = phase;
	if (azure_call_start(&put->call, put->put.worker, &store->account, what, answered, put))
		return;
	io_fail(&put->put.failure, "BlobStoreUnavailable", "could not begin a request to Azure Blob Storage");
	end(put);
}

static void
answered(struct Worker *w, AzureCall *call, void *arg)
{
	AzurePut   *put = arg;
	bool		is_created = call->status == 201;

	switch (put->phase)
	{
		case PHASE_SENDING:
			if (is_created)
				sent_part(put);
			else if (is_missing_container(put))
				create_container(put);
			else
				answer_is_failure(put);
			break;
		case PHASE_CREATING:
			if (is_created || strcmp(call->code, "ContainerAlreadyExists") == 0)
				send_part(put);
			else
				answer_is_failure(put);
			break;
		case PHASE_LISTING:
			if (!is_created)
				answer_is_failure(put);
			else
			{
				put->put.sent = put->put.source.before.st_size;
				end(put);
			}
			break;
		case PHASE_WAITING:
		case PHASE_PAUSING:
		case PHASE_ENDING:
			break;
	}
}

static bool
is_missing_container(const AzurePut *put)
{
	return put->call.status == 404 && !put->has_created && put->body.failure.type == NULL &&
		strcmp(put->call.code, "ContainerNotFound") == 0;
}

static void
sent_part(AzurePut *put)
{
	int64_t		size = put->put.source.before.st_size;

	if (put->block_bytes == 0)
	{
		put->put.sent = size;
		end(put);
		return;
	}
	put->block++;
	put->put.copied = put->block * put->block_bytes < size ? put->block * put->block_bytes : size;
	backoff_reset(&put->backoff);
	if (put->block * put->block_bytes < size)
		send_part(put);
	else
		send_list(put);
}

static void
answer_is_failure(AzurePut *put)
{
	IoFailure	failure = put->body.failure;

	if (failure.type == NULL)
		azure_call_failure(&put->call, &failure);
	if (send_again(put, &failure))
		return;
	put->put.failure = failure;
	end(put);
}

/* Pause before the block is sent again, if that is worth it. */
static bool
send_again(AzurePut *put, const IoFailure *failure)
{
	Worker	   *w = put->put.worker;

	if (put->phase != PHASE_SENDING || put->block == 0 || failure->is_non_retriable ||
		put->body.failure.type != NULL || put->backoff.tries + 1 >= BLOCK_TRIES)
		return false;
	put->phase = PHASE_PAUSING;
	timer_start(w, &put->timer, backoff_next(&put->backoff, loop_now_us(w)), pause_is_over, put);
	return true;
}

static void
pause_is_over(struct Worker *w, void *arg)
{
	send_part(arg);
}

/* The outcome is known: stop the transfer, wait until no thread reads, then finish. */
static void
end(AzurePut *put)
{
	put->phase = PHASE_ENDING;
	timer_stop(put->put.worker, &put->timer);
	azure_call_free(&put->call);
	azure_body_close(&put->body, is_quiet, put);
}

/* Finish from the loop: whoever began or cancelled the put may still be on the stack. */
static void
is_quiet(struct Worker *w, void *arg)
{
	AzurePut   *put = arg;

	timer_start(w, &put->timer, 0, finish, put);
}

static void
finish(struct Worker *w, void *arg)
{
	AzurePut   *put = arg;
	AzureStore *store = (AzureStore *) put->put.store;

	azure_body_free(&put->body);
	buf_free(&put->list);
	free(put->container);
	free(put->blob);
	store->active--;
	begin_waiting(store);
	blob_put_finish(&put->put);
}

static void
begin_waiting(AzureStore *store)
{
	while (store->active < MAX_ACTIVE && store->first_waiting != NULL)
	{
		BlobPut    *put = store->first_waiting;

		store->first_waiting = put->next;
		begin((AzurePut *) put);
	}
}

static void
remove_waiting(AzureStore *store, BlobPut *put)
{
	BlobPut    *previous = NULL;

	for (BlobPut *at = store->first_waiting; at != NULL; previous = at, at = at->next)
	{
		if (at != put)
			continue;
		if (previous == NULL)
			store->first_waiting = at->next;
		else
			previous->next = at->next;
		if (store->last_waiting == at)
			store->last_waiting = previous;
		return;
	}
}

/*
 * azure_call.h
 *		One request to Azure Blob Storage: signed, sent, its answer understood.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_AZURE_CALL_H
#define PGDF_AZURE_CALL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "azure_body.h"
#include "azure_conn.h"
#include "azure_sign.h"
#include "blob.h"

struct AzureCall;

/* The answer is there: call->status, or 0 and call->result. */
typedef void (*AzureCallFn) (struct Worker *w, struct AzureCall *call, void *arg);

/* What to ask; copied as far as it is needed. */
typedef struct AzureAsk
{
	const char *container;
	const char *blob;			/* NULL: the container itself */
	const AzurePair *query;		/* as in AzureRequest, or NULL */
	bool		puts_blob;		/* Put Blob: wants the header that says which kind */
	AzureBody  *body;			/* a part of a file, or NULL */
	int64_t		start;			/* of the part */
	int64_t		length;			/* of the part */
	const char *text;			/* otherwise: XML, kept until the answer; "" for nothing */
} AzureAsk;

/* May be used again after its answer; a zeroed one is empty. */
typedef struct AzureCall
{
	struct Worker *worker;
	CURL	   *easy;
	struct curl_slist *headers;
	AzureBody  *body;
	AzureCallFn fn;				/* set while it is under way */
	void	   *arg;
	CURLcode	result;
	long		status;			/* HTTP, or 0: no answer */
	size_t		answer_bytes;
	char		code[64];		/* x-ms-error-code, or "" */
	char		error[CURL_ERROR_SIZE]; /* curl's own text */
} AzureCall;

/* fn is called once, later.  False: it could not be begun, and fn is not called. */
extern bool azure_call_start(AzureCall *call, struct Worker *w, const AzureAccount *account, const AzureAsk *ask,
							 AzureCallFn fn, void *arg);

/* Stop it when it is under way (fn is not called), and release what it holds.  Not from within a libcurl callback. */
extern void azure_call_free(AzureCall *call);

/* Say why the answer is not the one that was hoped for. */
extern void azure_call_failure(const AzureCall *call, IoFailure *failure);

#endif							/* PGDF_AZURE_CALL_H */

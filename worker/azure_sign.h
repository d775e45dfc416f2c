/*
 * azure_sign.h
 *		Requests of Azure Blob Storage: their URL, and their SharedKey signature.
 *
 * Pure functions; the clock is a parameter.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_AZURE_SIGN_H
#define PGDF_AZURE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "azure_conn.h"
#include "buf.h"

/* The service's version that we speak. */
#define AZURE_API_VERSION "2021-12-02"

typedef struct AzurePair
{
	const char *name;
	const char *value;
} AzurePair;

/* All of a request that is signed; both lists end with a NULL name and are sorted by name. */
typedef struct AzureRequest
{
	const char *method;
	const char *path;			/* as on the wire: the endpoint's path, then the resource, percent-encoded */
	int64_t		content_length;
	const char *content_type;	/* "" when there is none */
	const AzurePair *headers;	/* those that begin with x-ms-, names in lower case */
	const AzurePair *query;		/* names in lower case, values not encoded */
} AzureRequest;

/* Append a blob's or container's name as it stands in a URL's path; slashes stay. */
extern void azure_append_path(Buf *path, const char *name);

/* Append the query of a request as it stands in a URL, with its "?"; nothing when it has none. */
extern void azure_append_query(Buf *url, const AzureRequest *request, const char *sas);

/* A time as x-ms-date wants it: Sun, 06 Nov 1994 08:49:37 GMT. */
extern void azure_date(char *text, size_t size, time_t when);

extern void azure_append_string_to_sign(Buf *text, const AzureAccount *account, const AzureRequest *request);

/* Append the value of the Authorization header.  The account has a key. */
extern bool azure_append_authorization(Buf *header, const AzureAccount *account, const AzureRequest *request);

#endif							/* PGDF_AZURE_SIGN_H */

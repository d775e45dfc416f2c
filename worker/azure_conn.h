/*
 * azure_conn.h
 *		Connection strings of Azure Storage, as the portal and the SDKs write them.
 *
 *	DefaultEndpointsProtocol=https;AccountName=a;AccountKey=...;EndpointSuffix=core.windows.net
 *	BlobEndpoint=https://a.blob.core.windows.net;SharedAccessSignature=sv=...
 *	UseDevelopmentStorage=true
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_AZURE_CONN_H
#define PGDF_AZURE_CONN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct AzureAccount
{
	char	   *name;			/* NULL when a SAS is used and it was not given */
	unsigned char *key;			/* NULL: a SAS is used */
	size_t		key_length;
	char	   *sas;			/* query text without "?", or NULL */
	char	   *endpoint;		/* of the blob service, no slash at the end */
	const char *endpoint_path;	/* its path within endpoint: "" or "/devstoreaccount1" */
} AzureAccount;

/*
 * False: *problem is a static text, which names fields and never holds values,
 * and *account is empty.
 */
extern bool azure_conn_parse(AzureAccount *account, const char *text, const char **problem);

/* Wipes the secrets. */
extern void azure_conn_free(AzureAccount *account);

#endif							/* PGDF_AZURE_CONN_H */

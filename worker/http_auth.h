/*
 * http_auth.h
 *		Who may call: keys, what they allow, and the database role they stand for.
 *
 * Keys are kept as SHA-256 hashes.  Every key of the file is compared with what
 * a request brings, in a time that does not depend on either.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_AUTH_H
#define PGDF_HTTP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "http_route.h"

#define HTTP_KEY_HASH_SIZE 32

typedef struct HttpKey
{
	unsigned char hash[HTTP_KEY_HASH_SIZE];
	char	   *role;			/* quoted, as regrole reads it; NULL: the role of the connection */
	HttpScope	scope;
} HttpKey;

typedef struct HttpKeys
{
	HttpKey    *items;
	int			count;
} HttpKeys;

/*
 * Read a key file: lines of "key [role|-] [read|start|admin]", empty ones, and
 * comments that begin with #.  It must be ours and nobody else's to read, or
 * root's and its group's.  False: that, or what is wrong in it, was logged, and
 * *keys is as it was.
 */
extern bool http_keys_load(HttpKeys *keys, const char *path);
extern void http_keys_free(HttpKeys *keys);

/* Read the text of a key file; false: *line is the first that is wrong, *problem says why. */
extern bool http_keys_parse(HttpKeys *keys, char *text, int *line, const char **problem);

/* The key that this is, or NULL. */
extern const HttpKey *http_keys_find(const HttpKeys *keys, const char *key);

#endif							/* PGDF_HTTP_AUTH_H */

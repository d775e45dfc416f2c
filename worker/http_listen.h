/*
 * http_listen.h
 *		Where the HTTP server listens: TCP or a unix socket.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_LISTEN_H
#define PGDF_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "http_host.h"

typedef struct HttpListen
{
	int			fd;				/* -1: not open */
	char	   *unix_path;		/* NULL: TCP */
	bool		is_local;		/* loopback, or a unix socket */
	char		host[HTTP_HOST_SIZE];	/* the address, "" of a unix socket */
	char	   *authority;		/* "127.0.0.1:7071" */
} HttpListen;

/* Take "host:port", "[v6]:port", ":port" or "unix:/path" apart; false: it is none of these. */
extern bool http_listen_parse(const char *address, char host[HTTP_HOST_SIZE], char port[8], const char **path);

/* Open the socket; false: it was logged why not. */
extern bool http_listen_open(HttpListen *listening, const char *address);

/* Close it, remove the socket's file. */
extern void http_listen_close(HttpListen *listening);

#endif							/* PGDF_HTTP_LISTEN_H */

/*
 * http_host.h
 *		Which hosts a request may name: the guard against DNS rebinding and
 *		cross-site requests.
 *
 * A browser that was led here by a name of somebody else's sends that name as
 * Host, and a page of somebody else's sends its own as Origin.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_HOST_H
#define PGDF_HTTP_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

#define HTTP_HOST_SIZE 256

/*
 * The name in "name", "name:port" or "[v6]:port": lower case, without brackets,
 * port and final dot.  False: there is none, or it has characters that no name
 * has.
 */
extern bool http_host_name(const char *text, char name[HTTP_HOST_SIZE]);

/* The same of "http[s]://name[:port]", and what follows when allow_path. */
extern bool http_host_of_url(const char *url, bool allow_path, char name[HTTP_HOST_SIZE]);

/* Is it in the list, in which "*" means every name? */
extern bool http_host_is_listed(const StringList *hosts, const char *name);

/* Is this name or address one of the loopback interface's? */
extern bool http_host_is_loopback(const char *name);

#endif							/* PGDF_HTTP_HOST_H */

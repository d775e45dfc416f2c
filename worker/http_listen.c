/*
 * http_listen.c
 *		Where the HTTP server listens: TCP or a unix socket.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "xalloc.h"

#define BACKLOG			1024

/* A unix socket is for its owner and group. */
#define SOCKET_UMASK	0117

static bool open_unix(HttpListen *listening, const char *path);
static void remove_stale(const struct sockaddr_un *address);
static bool open_tcp(HttpListen *listening, const char *address, const char *host, const char *port);
static bool bind_tcp(HttpListen *listening, const struct addrinfo *info);
static void describe(HttpListen *listening);
static bool is_loopback(const struct sockaddr *address);

bool
http_listen_parse(const char *address, char host[HTTP_HOST_SIZE], char port[8], const char **path)
{
	const char *colon = strrchr(address, ':');
	size_t		length;

	*path = NULL;
	if (strncmp(address, "unix:", 5) == 0 || *address == '/')
	{
		*path = *address == '/' ? address : address + 5;
		return **path == '/';
	}
	if (colon == NULL || strlen(colon + 1) > 5 || colon[1] == '\0' || colon[1 + strspn(colon + 1, "0123456789")] != '\0')
		return false;
	if (strtol(colon + 1, NULL, 10) > 65535)
		return false;
	memcpy(port, colon + 1, strlen(colon));

	length = (size_t) (colon - address);
	if (*address == '[' && length >= 2 && colon[-1] == ']')
	{
		address++;
		length -= 2;
	}
	else if (memchr(address, ':', length) != NULL)
		return false;
	if (length >= HTTP_HOST_SIZE)
		return false;
	memcpy(host, address, length);
	host[length] = '\0';
	return true;
}

bool
http_listen_open(HttpListen *listening, const char *address)
{
	char		host[HTTP_HOST_SIZE];
	char		port[8];
	const char *path;

	memset(listening, 0, sizeof(*listening));
	listening->fd = -1;
	if (!http_listen_parse(address, host, port, &path))
	{
		log_error_more("host:port, [address]:port, :port or unix:/path is expected.", NULL,
					   "invalid HTTP address \"%s\"", address);
		return false;
	}
	if (path != NULL)
		return open_unix(listening, path);
	return open_tcp(listening, address, host, port);
}

void
http_listen_close(HttpListen *listening)
{
	if (listening->fd >= 0)
		close(listening->fd);
	if (listening->unix_path != NULL)
		(void) unlink(listening->unix_path);
	free(listening->unix_path);
	free(listening->authority);
	memset(listening, 0, sizeof(*listening));
	listening->fd = -1;
}

static bool
open_unix(HttpListen *listening, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t		old_mask;
	bool		ok;

	if (strlen(path) >= sizeof(address.sun_path))
	{
		log_error("path of the HTTP socket is longer than %d bytes: \"%s\"", (int) sizeof(address.sun_path) - 1, path);
		return false;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	remove_stale(&address);

	listening->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	old_mask = umask(SOCKET_UMASK);
	ok = listening->fd >= 0 && bind(listening->fd, (struct sockaddr *) &address, sizeof(address)) == 0;
	umask(old_mask);
	if (!ok || listen(listening->fd, BACKLOG) != 0)
	{
		log_error("could not listen on \"%s\": %s", path, strerror(errno));
		http_listen_close(listening);
		return false;
	}
	listening->unix_path = xstrdup(path);
	listening->authority = xstrdup("localhost");
	listening->is_local = true;
	return true;
}

/* The file of a server that is gone; one that answers is left alone, and binding tells. */
static void
remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int			fd;

	if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *) address, sizeof(*address)) != 0 && errno == ECONNREFUSED)
		(void) unlink(address->sun_path);
	close(fd);
}

static bool
open_tcp(HttpListen *listening, const char *address, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int			code = getaddrinfo(*host != '\0' ? host : NULL, port, &hints, &found);

	if (code != 0)
	{
		log_error("could not look up HTTP address \"%s\": %s", address, gai_strerror(code));
		return false;
	}
	errno = 0;
	for (const struct addrinfo *info = found; info != NULL && listening->fd < 0; info = info->ai_next)
	{
		/* "localhost" may be both: the older one is what everybody can reach */
		if (info->ai_family == AF_INET && bind_tcp(listening, info))
			break;
	}
	for (const struct addrinfo *info = found; info != NULL && listening->fd < 0; info = info->ai_next)
	{
		if (info->ai_family == AF_INET6 && bind_tcp(listening, info))
			break;
	}
	freeaddrinfo(found);
	if (listening->fd < 0)
	{
		log_error("could not listen on \"%s\": %s", address, strerror(errno));
		return false;
	}
	describe(listening);
	return true;
}

static bool
bind_tcp(HttpListen *listening, const struct addrinfo *info)
{
	int			on = 1;
	int			fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
	{
		int			saved = errno;

		close(fd);
		errno = saved;
		return false;
	}
	listening->fd = fd;
	return true;
}

/* Of what it was bound to: the port may have been 0. */
static void
describe(HttpListen *listening)
{
	struct sockaddr_storage address;
	socklen_t	length = sizeof(address);
	char		host[NI_MAXHOST] = "";
	char		port[NI_MAXSERV] = "";

	memset(&address, 0, sizeof(address));
	(void) getsockname(listening->fd, (struct sockaddr *) &address, &length);
	(void) getnameinfo((struct sockaddr *) &address, length, host, sizeof(host), port, sizeof(port),
					   NI_NUMERICHOST | NI_NUMERICSERV);
	if (strlen(host) < sizeof(listening->host))
		memcpy(listening->host, host, strlen(host) + 1);
	listening->authority = xasprintf(address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	listening->is_local = is_loopback((struct sockaddr *) &address);
}

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr) >> 24) == 127;
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) address)->sin6_addr);
	return false;
}

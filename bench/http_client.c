/*
 * http_client.c
 *		A client that sends the same request over and over, on so many connections
 *		that stay open, one request at a time on each.
 *
 *	http_client HOST PORT CONNECTIONS SECONDS CODE VERB PATH [BODY]
 *		Prints requests a second, and the median and the 99th percentile of the
 *		milliseconds to an answer.  An answer of another code is an error.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES	65536
#define MAX_SAMPLES		10000000

typedef struct Connection
{
	int			fd;
	int64_t		sent_us;
	size_t		used;
	char		buffer[BUFFER_BYTES];
} Connection;

static int64_t
now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t) time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void
die(const char *what)
{
	fprintf(stderr, "http_client: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
connect_to(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *address;
	int			fd;
	int			on = 1;

	if (getaddrinfo(host, port, &hints, &address) != 0)
		die("could not look up the address");
	fd = socket(address->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen) != 0)
		die("could not connect");
	(void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	freeaddrinfo(address);
	return fd;
}

static void
send_request(Connection *connection, const char *request, size_t length)
{
	connection->used = 0;
	connection->sent_us = now_us();
	if (write(connection->fd, request, length) != (ssize_t) length)
		die("could not send");
}

/* Has the whole answer come?  It ends the program when it is not the one that is expected. */
static bool
is_complete(const Connection *connection, const char *code)
{
	const char *body = memmem(connection->buffer, connection->used, "\r\n\r\n", 4);
	const char *length;

	if (body == NULL)
		return false;
	if (strncmp(connection->buffer + strlen("HTTP/1.1 "), code, 3) != 0)
	{
		fprintf(stderr, "http_client: unexpected answer: %.*s\n", (int) connection->used, connection->buffer);
		exit(1);
	}
	length = memmem(connection->buffer, connection->used, "Content-Length: ", 16);
	return length == NULL ||
		connection->used >= (size_t) (body + 4 - connection->buffer) + strtoul(length + 16, NULL, 10);
}

static bool
receive(Connection *connection, const char *code)
{
	ssize_t		n = read(connection->fd, connection->buffer + connection->used, BUFFER_BYTES - 1 - connection->used);

	if (n <= 0)
		die("connection was closed");
	connection->used += (size_t) n;
	connection->buffer[connection->used] = '\0';
	return is_complete(connection, code);
}

static int
compare(const void *left, const void *right)
{
	uint32_t	a = *(const uint32_t *) left;
	uint32_t	b = *(const uint32_t *) right;

	return a < b ? -1 : a > b;
}

int
main(int argc, char **argv)
{
	int			count = argc > 3 ? atoi(argv[3]) : 0;
	Connection *connections = calloc((size_t) (count > 0 ? count : 1), sizeof(Connection));
	struct pollfd *polls = calloc((size_t) (count > 0 ? count : 1), sizeof(struct pollfd));
	uint32_t   *samples = malloc(MAX_SAMPLES * sizeof(uint32_t));
	size_t		answers = 0;
	char		request[4096];
	int			length;
	int64_t		started;
	int64_t		end;

	if (argc < 8 || count <= 0 || connections == NULL || polls == NULL || samples == NULL)
	{
		fprintf(stderr, "usage: http_client HOST PORT CONNECTIONS SECONDS CODE VERB PATH [BODY]\n");
		return 1;
	}
	length = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s%zu\r\n\r\n%s",
					  argv[6], argv[7], argc > 8 ? "Content-Type: application/json\r\n" : "", "Content-Length: ",
					  argc > 8 ? strlen(argv[8]) : 0, argc > 8 ? argv[8] : "");
	for (int i = 0; i < count; i++)
	{
		connections[i].fd = polls[i].fd = connect_to(argv[1], argv[2]);
		polls[i].events = POLLIN;
	}
	started = now_us();
	end = started + (int64_t) (atof(argv[4]) * 1e6);
	for (int i = 0; i < count; i++)
		send_request(&connections[i], request, (size_t) length);
	while (now_us() < end)
	{
		if (poll(polls, (nfds_t) count, 1000) < 0)
			die("could not wait");
		for (int i = 0; i < count; i++)
		{
			if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0 || !receive(&connections[i], argv[5]))
				continue;
			if (answers < MAX_SAMPLES)
				samples[answers] = (uint32_t) (now_us() - connections[i].sent_us);
			answers++;
			send_request(&connections[i], request, (size_t) length);
		}
	}
	end = now_us();
	if (answers == 0)
		die("no answer");
	qsort(samples, answers < MAX_SAMPLES ? answers : MAX_SAMPLES, sizeof(uint32_t), compare);
	printf("%.1f %.3f %.3f\n", (double) answers * 1e6 / (double) (end - started),
		   samples[answers / 2] / 1e3, samples[answers * 99 / 100] / 1e3);
	return 0;
}

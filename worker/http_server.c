/*
 * http_server.c
 *		The HTTP server: libmicrohttpd inside the event loop.
 *
 * libmicrohttpd has an epoll descriptor of its own, which the loop watches, and
 * no thread.  It decodes nothing: http_uri.c does.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "buf.h"
#include "http_conn.h"
#include "http_exchange.h"
#include "http_pool.h"
#include "http_wait.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* Descriptors for everything but clients. */
#define OTHER_DESCRIPTORS	512

/* Memory of a connection, besides its header twice (as read, and taken apart): our own header, a piece of body. */
#define CONNECTION_BYTES	16384

#define MAX_PEM_BYTES		(1024 * 1024)

/* Our own limits come first; this ends what they have missed. */
#define LAST_LIMIT_MARGIN_S	10

/* Rounds in which the last answers may leave. */
#define FINAL_ROUNDS		10

static bool may_serve(const HttpServer *server);
static void raise_descriptor_limit(int connections);
static bool start_daemon(HttpServer *server);
static bool read_pem(const char *path, Buf *text);
static unsigned int last_limit_s(const HttpConfig *config);
static void daemon_ready(Worker *w, int fd, int events, void *arg);
static void daemon_due(Worker *w, void *arg);
static void run_daemon(HttpServer *server);
static void drain_over(Worker *w, void *arg);
static void answer_rest(HttpServer *server);
static enum MHD_Result handle_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *verb,
									  const char *version, const char *bytes, size_t *length, void **state);
static void request_completed(void *arg, struct MHD_Connection *mhd, void **state,
							  enum MHD_RequestTerminationCode reason);
static void connection_changed(void *arg, struct MHD_Connection *mhd, void **context,
							   enum MHD_ConnectionNotificationCode what);
static void *note_target(void *arg, const char *target, struct MHD_Connection *mhd);
static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text);
static HttpConn *conn_of(struct MHD_Connection *mhd);
static void log_daemon(void *arg, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

bool
http_server_init(Worker *w)
{
	const HttpConfig *config = &w->config.http;
	HttpServer *server;

	if (config->address == NULL)
		return true;
	server = xcalloc(1, sizeof(HttpServer));
	server->worker = w;
	server->listening.fd = -1;
	server->is_tls = config->certificate != NULL;
	w->http = server;

	if (config->key_file != NULL && !http_keys_load(&server->keys, config->key_file))
		return false;
	if (!http_listen_open(&server->listening, config->address) || !may_serve(server))
		return false;
	raise_descriptor_limit(config->connections);
	http_waits_init(server);
	http_pool_init(server);
	if (!start_daemon(server))
		return false;
	if (server->listening.unix_path != NULL)
		log_info("serving HTTP on %s", server->listening.unix_path);
	else
		log_info("serving HTTP on %s://%s", server->is_tls ? "https" : "http", server->listening.authority);
	return true;
}

void
http_server_free(Worker *w)
{
	HttpServer *server = w->http;

	if (server == NULL)
		return;
	server->is_draining = true;
	if (server->daemon != NULL)
	{
		answer_rest(server);
		loop_unwatch(w, MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
		(void) MHD_quiesce_daemon(server->daemon);
		MHD_stop_daemon(server->daemon);
	}
	timer_stop(w, &server->timer);
	timer_stop(w, &server->drain_timer);
	http_conn_stop_lingering(server);
	http_pool_free(server);
	http_waits_free(server);
	http_listen_close(&server->listening);
	http_keys_free(&server->keys);
	free(server);
	w->http = NULL;
}

void
http_server_reload(Worker *w)
{
	HttpServer *server = w->http;

	if (server == NULL)
		return;
	if (w->config.http.key_file != NULL)
		(void) http_keys_load(&server->keys, w->config.http.key_file);
	else if (server->listening.is_local)
		http_keys_free(&server->keys);
}

void
http_server_drain(Worker *w)
{
	HttpServer *server = w->http;
	HttpConn   *next;

	if (server == NULL || server->daemon == NULL)
		return;
	if (server->is_draining)
	{
		server->is_cut_short = true;
		return;
	}
	run_daemon(server);
	server->is_draining = true;
	(void) MHD_quiesce_daemon(server->daemon);
	http_listen_close(&server->listening);
	timer_start(w, &server->drain_timer, w->config.drain_ms, drain_over, server);

	for (HttpConn *conn = server->oldest; conn != NULL; conn = next)
	{
		next = conn->next;
		if (conn->target == NULL)
			http_conn_cut(conn);
	}
	http_waits_finish(server);
}

bool
http_server_is_drained(const Worker *w)
{
	const HttpServer *server = w->http;

	return server == NULL || server->daemon == NULL || server->is_cut_short ||
		(server->is_draining && server->exchange_count == 0 && server->linger_count == 0);
}

void
http_server_wake(HttpServer *server)
{
	timer_start(server->worker, &server->timer, 0, daemon_due, server);
}

static bool
may_serve(const HttpServer *server)
{
	const HttpConfig *config = &server->worker->config.http;

	if ((config->certificate == NULL) != (config->private_key == NULL))
	{
		log_error("\"http-certificate\" and \"http-private-key\" are only of use together");
		return false;
	}
	if (server->listening.is_local)
		return true;
	if (server->keys.count == 0)
	{
		log_error_more(NULL, "Set \"http-key-file\", or listen on 127.0.0.1 or a unix socket.",
					   "HTTP on \"%s\" needs keys", config->address);
		return false;
	}
	if (!server->is_tls)
		log_warning_more("Keys and payloads can be read on their way.",
						 "Set \"http-certificate\" and \"http-private-key\", unless a proxy in front has TLS.",
						 "HTTP on \"%s\" is not encrypted", config->address);
	return true;
}

static void
raise_descriptor_limit(int connections)
{
	rlim_t		wanted = (rlim_t) connections + OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void) setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < wanted)
		log_warning_more(NULL, "Raise the limit on open files, or lower \"http-connections\".",
						 "%d HTTP connections do not fit into %llu open files",
						 connections, (unsigned long long) limit.rlim_cur);
}

static bool
start_daemon(HttpServer *server)
{
	const HttpConfig *config = &server->worker->config.http;
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	Buf			certificate = {0};
	Buf			private_key = {0};
	struct MHD_OptionItem tls[] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};

	if (server->is_tls)
	{
		if (!read_pem(config->certificate, &certificate) || !read_pem(config->private_key, &private_key))
			goto done;
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem) {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate.data};
		tls[1] = (struct MHD_OptionItem) {MHD_OPTION_HTTPS_MEM_KEY, 0, private_key.data};
	}
	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle_request, server,
									  MHD_OPTION_EXTERNAL_LOGGER, log_daemon, NULL,
									  MHD_OPTION_LISTEN_SOCKET, server->listening.fd,
									  MHD_OPTION_CONNECTION_LIMIT, (unsigned int) config->connections,
									  MHD_OPTION_CONNECTION_MEMORY_LIMIT,
									  (size_t) config->max_header * 2 + CONNECTION_BYTES,
									  MHD_OPTION_CONNECTION_TIMEOUT, last_limit_s(config),
									  MHD_OPTION_STRICT_FOR_CLIENT, (int) 1,
									  MHD_OPTION_SIGPIPE_HANDLED_BY_APP, (int) 1,
									  MHD_OPTION_URI_LOG_CALLBACK, note_target, server,
									  MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, server,
									  MHD_OPTION_NOTIFY_COMPLETED, request_completed, server,
									  MHD_OPTION_NOTIFY_CONNECTION, connection_changed, server,
									  MHD_OPTION_ARRAY, tls,
									  MHD_OPTION_END);
	if (server->daemon == NULL)
		log_error_more(server->is_tls ? "The certificate or its key may not be valid." : NULL, NULL,
					   "could not start the HTTP server");
	else
		loop_watch(server->worker, MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
				   LOOP_READ, daemon_ready, server);

done:
	if (private_key.data != NULL)
		explicit_bzero(private_key.data, private_key.size);
	buf_free(&private_key);
	buf_free(&certificate);
	return server->daemon != NULL;
}

static bool
read_pem(const char *path, Buf *text)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	char	   *to = buf_reserve(text, MAX_PEM_BYTES + 1);
	ssize_t		got = -1;

	if (fd >= 0)
	{
		got = read(fd, to, MAX_PEM_BYTES);
		close(fd);
	}
	if (got < 0)
		log_error("could not read \"%s\": %s", path, strerror(errno));
	else
		to[got] = '\0';
	return got >= 0;
}

static unsigned int
last_limit_s(const HttpConfig *config)
{
	int64_t		longest_ms = config->request_timeout_ms;

	if (config->idle_timeout_ms > longest_ms)
		longest_ms = config->idle_timeout_ms;
	if (config->header_timeout_ms > longest_ms)
		longest_ms = config->header_timeout_ms;
	return (unsigned int) (longest_ms / 1000) + LAST_LIMIT_MARGIN_S;
}

static void
daemon_ready(Worker *w, int fd, int events, void *arg)
{
	run_daemon(arg);
}

static void
daemon_due(Worker *w, void *arg)
{
	run_daemon(arg);
}

static void
run_daemon(HttpServer *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;

	server->has_closed = false;
	MHD_run(server->daemon);

	/*
	 * At its limit it stops to listen, and begins again in the run after the
	 * one that has closed a connection, of which it does not tell.
	 */
	if (server->has_closed)
		http_server_wake(server);
	else if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
		timer_start(server->worker, &server->timer, timeout_ms < 3600 * 1000 ? (int64_t) timeout_ms : 3600 * 1000,
					daemon_due, server);
	else
		timer_stop(server->worker, &server->timer);
}

static void
drain_over(Worker *w, void *arg)
{
	HttpServer *server = arg;

	if (server->exchange_count > 0)
		log_warning("%d HTTP requests were not answered in time", server->exchange_count);
	server->is_cut_short = true;
}

/* libmicrohttpd must not be stopped while something is suspended. */
static void
answer_rest(HttpServer *server)
{
	for (HttpExchange *x = server->exchanges; x != NULL; x = x->next)
	{
		http_wait_end(x);
		if (!x->is_answered && x->is_suspended)
			exchange_answer_unavailable(x, "shutting down");
	}
	for (int i = 0; i < FINAL_ROUNDS && server->exchange_count > 0; i++)
		run_daemon(server);
}

/*
 * MHD_AccessHandlerCallback: called when the header is here, for each piece of
 * the body, and when all of it is here.
 */
static enum MHD_Result
handle_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *verb,
			   const char *version, const char *bytes, size_t *length, void **state)
{
	HttpServer *server = arg;
	HttpExchange *x = *state;

	if (x == NULL)
	{
		*state = exchange_begin(server, conn_of(mhd), mhd, verb);
		return MHD_YES;
	}
	if (*length > 0)
	{
		exchange_take_body(x, bytes, *length);
		*length = 0;
		return MHD_YES;
	}
	if (x->is_handled || x->is_answered)
		return MHD_YES;
	exchange_handle(x, verb);
	if (!x->is_answered)
	{
		x->is_suspended = true;
		MHD_suspend_connection(mhd);
	}
	return MHD_YES;
}

/* Also when the connection has broken. */
static void
request_completed(void *arg, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode reason)
{
	HttpExchange *x = *state;
	HttpConn   *conn = conn_of(mhd);

	*state = NULL;
	if (x != NULL)
		exchange_free(x);
	free(conn->target);
	conn->target = NULL;
	http_conn_phase(conn, CONN_IDLE, 0);
}

static void
connection_changed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
	switch (what)
	{
		case MHD_CONNECTION_NOTIFY_STARTED:
			*context = http_conn_open(arg, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
			break;
		case MHD_CONNECTION_NOTIFY_CLOSED:
			((HttpServer *) arg)->has_closed = true;
			http_conn_close(*context);
			*context = NULL;
			break;
	}
}

/* MHD_OPTION_URI_LOG_CALLBACK: the request line is here, as it was sent. */
static void *
note_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
	HttpConn   *conn = conn_of(mhd);

	free(conn->target);
	conn->target = xstrdup(target);
	http_conn_phase(conn, CONN_HEADER, 0);
	return NULL;
}

/* MHD_OPTION_UNESCAPE_CALLBACK */
static size_t
keep_escapes(void *arg, struct MHD_Connection *mhd, char *text)
{
	return strlen(text);
}

static HttpConn *
conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* What clients do wrong is no news. */
static void
log_daemon(void *arg, const char *format, va_list args)
{
	char	   *message;

	if (!log_is_enabled(LOG_LEVEL_DEBUG))
		return;
	message = xvasprintf(format, args);
	message[strcspn(message, "\n")] = '\0';
	log_debug("HTTP server: %s", message);
	free(message);
}

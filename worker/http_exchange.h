/*
 * http_exchange.h
 *		A request and its answer.
 *
 * An exchange begins when the header is here.  What can be refused then is
 * refused, before the body is read.  When the body is here too the handler of
 * its route is called, once; it answers, now or later, by one of
 * exchange_answer..., exactly once.  Strings of an exchange live as long as it.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_EXCHANGE_H
#define PGDF_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "http_conn.h"
#include "http_pool.h"
#include "http_route.h"
#include "http_server.h"
#include "http_uri.h"

struct InstanceStatus;
struct MHD_Connection;

#define EXCHANGE_MAX_HEADERS 6
#define EXCHANGE_MAX_TEXTS	4

/* Object id of regrole, the type of a role in parameters. */
#define PG_REGROLE_OID			4096
#define PG_TIMESTAMPTZ_OID		1184

struct HttpExchange;

/* The rows of a query that worked. */
typedef void (*ExchangeRowsFn) (struct HttpExchange *x, const PGresult *rows);

/* An instance that an exchange waits for; see http_wait.h. */
typedef struct HttpWait
{
	bool		is_waiting;
	struct HttpWait *prev;		/* in the list of all that wait */
	struct HttpWait *next;
	struct HttpExchange *x;
	const char *instance_id;
	char	   *seen;			/* df.api_status()'s "changed", of what the client knows */
	int64_t		until_us;
	int64_t		due_us;			/* next look */
	int64_t		interval_us;	/* grows while nothing happens */
	bool		is_asked;		/* in the look that is under way */
	bool		is_hung_up;		/* the client is gone */
	void		(*fn) (struct HttpExchange *x, bool has_changed);
} HttpWait;

typedef struct HttpExchange
{
	HttpServer *server;
	HttpConn   *conn;
	struct MHD_Connection *mhd;
	struct HttpExchange *prev;	/* in the server's list */
	struct HttpExchange *next;

	HttpUri		uri;
	const HttpRoute *route;		/* NULL: none, and refused */
	const char *args[HTTP_MAX_ARGS];
	char	   *origin;			/* scheme and host that links begin with, no slash at the end */
	char	   *role;			/* as regrole reads it; NULL: that of the connection */
	Buf			body;
	bool		is_checked;		/* and not refused */
	bool		is_dropped;		/* the body, and what comes of it: too large, or too many at once */
	bool		is_too_large;
	bool		is_handled;
	bool		is_suspended;
	bool		is_answered;
	bool		must_close;		/* what follows on the connection may be part of this request */
	int64_t		started_us;
	struct
	{
		const char *name;
		char	   *value;
	}			headers[EXCHANGE_MAX_HEADERS];	/* of the answer */
	int			header_count;

	HttpCall	call;
	ExchangeRowsFn rows_fn;
	HttpWait	wait;
	char	   *instance_id;	/* that was started or restarted */
	void		(*status_fn) (struct HttpExchange *x, const struct InstanceStatus *status);
	char	   *texts[EXCHANGE_MAX_TEXTS];	/* parameters that are not in the request as such */
	PgArray		array;			/* a parameter */
	bool		has_array;
} HttpExchange;

/* The header is here; when a body follows, the exchange may be refused at once, which ends the connection. */
extern HttpExchange *exchange_begin(HttpServer *server, HttpConn *conn, struct MHD_Connection *mhd, const char *verb);
extern void exchange_free(HttpExchange *x);

/* A piece of the body is here; all of the request is. */
extern void exchange_take_body(HttpExchange *x, const char *bytes, size_t length);
extern void exchange_handle(HttpExchange *x, const char *verb);

/* A header of the request, NULL: not there.  A query field is http_uri_field(&x->uri, ...). */
extern const char *exchange_header(const HttpExchange *x, const char *name);

/* Add a header to the answer; name is a constant. */
extern void exchange_add_header(HttpExchange *x, const char *name, const char *value);

/* Answer with this body, which is taken over. */
extern void exchange_answer(HttpExchange *x, int code, const char *type, Buf *body);
extern void exchange_answer_json(HttpExchange *x, int code, const char *text, size_t length);
extern void exchange_answer_empty(HttpExchange *x, int code);

/* {"Message": ...} */
extern void exchange_answer_message(HttpExchange *x, int code, const char *format, ...)
			__attribute__((format(printf, 3, 4)));

/* 503, try again. */
extern void exchange_answer_unavailable(HttpExchange *x, const char *message);

/* A code and a message of the database's: empty when there is no message. */
extern void exchange_answer_code(HttpExchange *x, int code, const char *message);

/*
 * Run a statement whose parameters are in x->call.params.  fn gets its rows; an
 * error, or no answer, is answered here.  Begin the parameters with
 * exchange_params(), which makes the acting role the first one; exchange_keep()
 * copies a parameter that would not live long enough (NULL stays NULL).
 */
extern DbParams *exchange_params(HttpExchange *x);
extern const char *exchange_keep(HttpExchange *x, const char *text);
extern void exchange_query(HttpExchange *x, const char *sql, ExchangeRowsFn fn);

#endif							/* PGDF_HTTP_EXCHANGE_H */

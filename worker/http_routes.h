/*
 * http_routes.h
 *		The routes of the HTTP API, and their handlers.
 *
 * A new route is a row in http_routes.c and a function that is declared here.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_ROUTES_H
#define PGDF_HTTP_ROUTES_H

#include "http_route.h"

struct HttpExchange;

extern const HttpRoute *http_routes_find(const char *verb, const HttpUri *uri, const char *args[HTTP_MAX_ARGS]);

/* http_start.c */
extern void http_start(struct HttpExchange *x);
extern void http_start_and_wait(struct HttpExchange *x);
extern void http_restart(struct HttpExchange *x);

/* http_status.c */
extern void http_status(struct HttpExchange *x);

/* http_list.c */
extern void http_list(struct HttpExchange *x);
extern void http_purge(struct HttpExchange *x);
extern void http_purge_list(struct HttpExchange *x);

/* http_control.c */
extern void http_control(struct HttpExchange *x);
extern void http_raise_event(struct HttpExchange *x);
extern void http_entities(struct HttpExchange *x);

/* http_health.c */
extern void http_healthz(struct HttpExchange *x);
extern void http_readyz(struct HttpExchange *x);
extern void http_openapi(struct HttpExchange *x);

/* http_metrics.c */
extern void http_metrics(struct HttpExchange *x);

#endif							/* PGDF_HTTP_ROUTES_H */

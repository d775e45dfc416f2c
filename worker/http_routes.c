/*
 * http_routes.c
 *		The routes of the HTTP API: the table.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "http_routes.h"

/* The first that matches is taken. */
static const HttpRoute routes[] = {
	{"POST", HTTP_AT_API, "orchestrators/{}", HTTP_START, http_start, NULL},
	{"POST", HTTP_AT_API, "orchestrators/{}/{}", HTTP_START, http_start, NULL},
	{"POST", HTTP_AT_ROOT, "orchestrators/{}", HTTP_START, http_start, NULL},
	{"POST", HTTP_AT_ROOT, "api/orchestrators/{}", HTTP_START, http_start, NULL},
	{"POST", HTTP_AT_ROOT, "orchestrators/{}/wait", HTTP_START, http_start_and_wait, NULL},
	{"POST", HTTP_AT_ROOT, "api/orchestrators/{}/wait", HTTP_START, http_start_and_wait, NULL},
	{"GET", HTTP_AT_API, "instances/{}", HTTP_READ, http_status, NULL},
	{"GET", HTTP_AT_API, "instances", HTTP_READ, http_list, NULL},
	{"POST", HTTP_AT_API, "instances/{}/terminate", HTTP_ADMIN, http_control, "terminate"},
	{"POST", HTTP_AT_API, "instances/{}/suspend", HTTP_ADMIN, http_control, "suspend"},
	{"POST", HTTP_AT_API, "instances/{}/resume", HTTP_ADMIN, http_control, "resume"},
	{"POST", HTTP_AT_API, "instances/{}/rewind", HTTP_ADMIN, http_control, "rewind"},
	{"POST", HTTP_AT_API, "instances/{}/restart", HTTP_START, http_restart, NULL},
	{"POST", HTTP_AT_API, "instances/{}/raiseEvent/{}", HTTP_START, http_raise_event, NULL},
	{"DELETE", HTTP_AT_API, "instances/{}", HTTP_ADMIN, http_purge, NULL},
	{"DELETE", HTTP_AT_API, "instances", HTTP_ADMIN, http_purge_list, NULL},
	{"GET", HTTP_AT_API, "entities", HTTP_READ, http_entities, NULL},
	{"GET", HTTP_AT_API, "entities/{}", HTTP_READ, http_entities, NULL},
	{"GET", HTTP_AT_API, "entities/{}/{}", HTTP_READ, http_entities, NULL},
	{"POST", HTTP_AT_API, "entities/{}/{}", HTTP_START, http_entities, NULL},
	{"DELETE", HTTP_AT_API, "entities/{}/{}", HTTP_ADMIN, http_entities, NULL},
	{"GET", HTTP_AT_ROOT, "healthz", HTTP_OPEN, http_healthz, NULL},
	{"GET", HTTP_AT_ROOT, "readyz", HTTP_OPEN, http_readyz, NULL},
	{"GET", HTTP_AT_ROOT, "openapi.json", HTTP_OPEN, http_openapi, NULL},
	{"GET", HTTP_AT_ROOT, "metrics", HTTP_READ, http_metrics, NULL},
};

const HttpRoute *
http_routes_find(const char *verb, const HttpUri *uri, const char *args[HTTP_MAX_ARGS])
{
	return http_route_find(routes, sizeof(routes) / sizeof(routes[0]), verb, uri, args);
}

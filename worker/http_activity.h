/*
 * http_activity.h
 *		The built-in activity df_http: a request to an HTTP server.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_ACTIVITY_H
#define PGDF_HTTP_ACTIVITY_H

#include "activity.h"

extern const ActivityType http_activity_type;

extern bool http_activity_init(struct Worker *w);

/* What still runs is stopped; its activities are not told. */
extern void http_activity_free(struct Worker *w);

#endif							/* PGDF_HTTP_ACTIVITY_H */

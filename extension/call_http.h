/*
 * call_http.h
 *		Requests to HTTP servers: what may be asked for.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CALL_HTTP_H
#define PGDF_CALL_HTTP_H

#include "postgres.h"

#include "utils/jsonb.h"

/* The built-in activity that workers offer for it; nobody can register its name. */
#define PGDF_HTTP_ACTIVITY	"df_http"

/* Error 22023 unless these are settings of an activity of kind http: a request without its body. */
extern void pgdf_http_check_settings(Jsonb *settings);

#endif							/* PGDF_CALL_HTTP_H */

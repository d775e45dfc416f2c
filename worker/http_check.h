/*
 * http_check.h
 *		What is refused at the door: before a body is read, and before anything of
 *		a request is believed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_CHECK_H
#define PGDF_HTTP_CHECK_H

#include <stdbool.h>

struct HttpExchange;

/*
 * Check an exchange whose header is here, and fill in what it asks for.  False:
 * it was answered.
 */
extern bool http_check(struct HttpExchange *x, const char *verb);

/* Does a body follow the header? */
extern bool http_check_has_body(const struct HttpExchange *x);

extern void http_check_answer_too_large(struct HttpExchange *x);

#endif							/* PGDF_HTTP_CHECK_H */

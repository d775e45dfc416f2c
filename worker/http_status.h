/*
 * http_status.h
 *		The status of an instance, now or when it is final.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_HTTP_STATUS_H
#define PGDF_HTTP_STATUS_H

#include <stdbool.h>
#include <stdint.h>

struct HttpExchange;

typedef struct InstanceStatus
{
	int			code;			/* 200, 202, or 404 */
	const char *runtime_status;
	const char *output;			/* JSON text, or NULL */
	const char *body;			/* of the answer */
	bool		is_final;
} InstanceStatus;

/*
 * Wait until the instance is final, timeout_ms at most, and call fn with its
 * status as it is then.  An instance that is gone is answered here.
 */
extern void http_status_wait(struct HttpExchange *x, const char *instance_id, int64_t timeout_ms,
							 void (*fn) (struct HttpExchange *x, const InstanceStatus *status));

/* Answer with the status. */
extern void http_status_answer(struct HttpExchange *x, const InstanceStatus *status);

#endif							/* PGDF_HTTP_STATUS_H */

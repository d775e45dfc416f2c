/*
 * claim.h
 *		The last part of an engine call: hand out tasks.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CLAIM_H
#define PGDF_CLAIM_H

#include "work.h"

/* Claim up to call->room tasks of the lanes that the worker serves. */
extern void pgdf_claim(WorkCall *call);

/* A time-out as df.work tells it: at least 1. */
extern int64 pgdf_timeout_ms(const Interval *timeout);

/* That of a SQL activity which has none of its own; -1: none. */
extern int64 pgdf_sql_timeout_ms(void);

#endif							/* PGDF_CLAIM_H */

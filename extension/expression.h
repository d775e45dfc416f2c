/*
 * expression.h
 *		What PL/pgSQL remembers of an expression that was ended by an error.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_EXPRESSION_H
#define PGDF_EXPRESSION_H

#include "postgres.h"

#include "fmgr.h"

/* The function that is about to be called, of that language; NULL: none. */
extern void pgdf_expression_watch(FmgrInfo *function, Oid language);

/* An error is about to be raised by a function that an expression of it calls. */
extern void pgdf_expression_interrupt(void);

#endif							/* PGDF_EXPRESSION_H */

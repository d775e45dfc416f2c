/*
 * seclude.h
 *		No other process of the same user looks into this one.
 *
 * Commands and plugins mostly run as the worker's own user, which may read
 * another process's environment, memory and descriptors, or trace it: the
 * worker's passwords and keys are there.  Only root can after this.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SECLUDE_H
#define PGDF_SECLUDE_H

/* To be called once, before anything secret is read.  It holds for forked children until they run another program. */
extern void seclude_process(void);

#endif							/* PGDF_SECLUDE_H */

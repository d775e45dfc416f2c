/*
 * retention.h
 *		Final instances that are old enough are deleted, on a connection of its own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_RETENTION_H
#define PGDF_RETENTION_H

struct Worker;

extern void retention_init(struct Worker *w);
extern void retention_free(struct Worker *w);

/* Go through all of them once; nothing happens while that is under way. */
extern void retention_begin(struct Worker *w);

#endif							/* PGDF_RETENTION_H */

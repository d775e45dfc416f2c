/*
 * signals.h
 *		Signals, read by the event loop as flags.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SIGNALS_H
#define PGDF_SIGNALS_H

#include <stdbool.h>

struct Worker;

/* What has arrived since it was last looked at; whoever acts on a flag clears it. */
typedef struct Signals
{
	int			fd;				/* signalfd */
	int			stop_count;		/* SIGTERM, SIGINT: 1 drains, 2 hurries */
	bool		reload;			/* SIGHUP */
	bool		child;			/* SIGCHLD */
} Signals;

/* Before any thread is made: threads inherit the mask. */
extern bool signals_init(struct Worker *w);
extern void signals_free(struct Worker *w);

/* In a forked child before execve: default actions, nothing blocked. */
extern void signals_reset_in_child(void);

#endif							/* PGDF_SIGNALS_H */

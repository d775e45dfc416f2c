/*
 * orphans.h
 *		Processes that left the group of their command, or of their plugin.
 *
 * The worker is the reaper of its descendants: a process whose parent has ended
 * becomes its child, whatever group or session it is in, and is ended then.  So
 * a command leaves nothing behind while its worker lives.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ORPHANS_H
#define PGDF_ORPHANS_H

struct Worker;

/* From now on they become ours. */
extern void orphans_adopt(void);

/* After SIGCHLD, when the processes that we know have been looked at: end the others. */
extern void orphans_end(struct Worker *w);

#endif							/* PGDF_ORPHANS_H */

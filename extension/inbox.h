/*
 * inbox.h
 *		The inbox as the list of ready instances: looked through once in an engine
 *		call, from its oldest row on, and taken a few instances at a time.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_INBOX_H
#define PGDF_INBOX_H

#include "postgres.h"

#include "engine.h"

/* One call's way through the inbox. */
typedef struct InboxWalk InboxWalk;

/* With marks: it may begin behind dead rows, at what was the oldest row a while ago. */
extern InboxWalk *pgdf_inbox_begin(Engine *engine, bool with_marks);

/*
 * Lock the next instances of the engine's owner that the inbox has something for,
 * at most so many, and deliver that.  When the engine has no owner yet, it is the
 * owner of the first instance that can be locked.  Returns how many there were.
 */
extern int	pgdf_inbox_take(InboxWalk *walk, int limit);

/* Notes what was left, in engine->more and pgdf_owners_wait. */
extern void pgdf_inbox_end(InboxWalk *walk);

#endif							/* PGDF_INBOX_H */

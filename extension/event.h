/*
 * event.h
 *		External events: sent by orchestrators, raised by clients.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_EVENT_H
#define PGDF_EVENT_H

#include "postgres.h"

#include "engine.h"

/* In bytes: an index entry has its limit. */
#define PGDF_EVENT_ID_MAX	1000

/* How history names what a turn sends: df_start X, df_raise_event X. */
#define PGDF_START_PREFIX	"df_start "
#define PGDF_EVENT_PREFIX	"df_raise_event "

/*
 * Send an event that a turn has raised.  Returns why it could not be done
 * (failureDetails), or NULL.
 */
extern text *pgdf_event_send(Engine *engine, const Instance *sender, const TaskOptions *options,
							 text *payload);

/* Note that an event_id was used (NULL: there is none).  False when it was used before. */
extern bool pgdf_event_note_id(int64 instance_key, const char *event_id);

#endif							/* PGDF_EVENT_H */

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

/* How history names what a turn sends: df_start X, df_raise_event X. */
#define PGDF_START_PREFIX	"df_start "
#define PGDF_EVENT_PREFIX	"df_raise_event "

/*
 * Send an event that a turn has raised.  Returns why it could not be done
 * (failureDetails), or NULL.
 */
extern text *pgdf_event_send(Engine *engine, const Instance *sender, const TaskOptions *options,
							 text *payload);

#endif							/* PGDF_EVENT_H */

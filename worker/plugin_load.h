/*
 * plugin_load.h
 *		Load a plugin: from one directory that only its owner can write to.
 *
 * For the host of a plugin; the worker itself loads none.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PLUGIN_LOAD_H
#define PGDF_PLUGIN_LOAD_H

#include "buf.h"
#include "pgdf_activity.h"

/* DIRECTORY/NAME.so; NULL: *problem says why not.  It stays loaded. */
extern const PgdfPlugin *plugin_load(const char *directory, const char *name, Buf *problem);

/* Its activity number i, whatever size it thinks they have. */
extern const PgdfActivity *plugin_activity(const PgdfPlugin *plugin, size_t i);

#endif							/* PGDF_PLUGIN_LOAD_H */

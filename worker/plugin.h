/*
 * plugin.h
 *		Plugins: activities in shared objects, run in processes of their own.
 *
 * The worker loads none of them.  It starts as many processes of each as are
 * configured, hears from them which activities there are, and hands those out, one
 * to a process; what has no process yet waits here.  As long as no process of a
 * plugin gets ready, its activities are not offered.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PLUGIN_H
#define PGDF_PLUGIN_H

#include <stdbool.h>

#include "activity.h"
#include "config.h"
#include "plugin_process.h"

/* An activity that waits for a process. */
typedef struct PluginWaiter
{
	struct PluginWaiter *next;
	Activity   *activity;
} PluginWaiter;

typedef struct Plugin
{
	struct Worker *worker;
	PluginConfig config;
	Sandbox		sandbox;
	StringList	names;			/* of its activities, as the first process said */
	bool		is_available;	/* a process has been ready, and not all have failed to start since */
	bool		has_failed;		/* at start-up: it cannot be used */
	PluginProcess *processes;	/* config.processes of them */
	PluginWaiter *first;		/* first in, first out */
	PluginWaiter *last;
} Plugin;

typedef struct Plugins
{
	Plugin	   *items;
	int			count;
} Plugins;

/* Start the processes, and wait until each plugin is ready; false after logging which is not. */
extern bool plugins_init(struct Worker *w);
extern void plugins_free(struct Worker *w);

/* After SIGCHLD: see which processes have ended. */
extern void plugins_reap(struct Worker *w);

/* Is it one of theirs? */
extern bool plugins_have_process(const struct Worker *w, pid_t pid);

/* The worker stops: give back what waits. */
extern void plugins_drain(struct Worker *w);

/* The type's functions; type.config is the Plugin. */
extern void plugin_start(Activity *activity);
extern void plugin_cancel(Activity *activity);

/* ---- what a process reports ---- */

/* It is ready for the first time since it was started; takes over names. */
extern void plugin_process_ready(Plugin *plugin, StringList *names);

/* It has ended its activity. */
extern void plugin_process_idle(Plugin *plugin);

/* It did not get ready; output is what it has written, or NULL. */
extern void plugin_process_down(Plugin *plugin, const char *problem, const char *output);

#endif							/* PGDF_PLUGIN_H */

/*
 * plugin_process.h
 *		One process of a plugin, as the worker sees it.
 *
 * It is down, starting (until it says hello), idle, running one activity, or
 * ending (killed, not yet reaped).  When it ends in the middle of an activity,
 * that attempt has failed; it is started again after a pause that grows while it
 * ends without having finished anything.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_PLUGIN_PROCESS_H
#define PGDF_PLUGIN_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "activity.h"
#include "backoff.h"
#include "buf.h"
#include "loop.h"

struct Plugin;
struct Worker;

/* What a process may send at once. */
#define PLUGIN_RESULT_BYTES_MAX (16 * 1024 * 1024)
#define PLUGIN_TEXT_BYTES_MAX	65536	/* error type, message, properties: each */
#define PLUGIN_LOG_BYTES_MAX	1000

typedef enum ProcessState
{
	PROCESS_DOWN,
	PROCESS_STARTING,
	PROCESS_IDLE,
	PROCESS_RUNNING,
	PROCESS_ENDING
} ProcessState;

typedef struct PluginProcess
{
	struct Worker *worker;
	struct Plugin *plugin;
	ProcessState state;
	pid_t		pid;			/* valid unless it is down */
	int			fd;				/* socket; -1: closed */
	int			output_fd;		/* what it writes to standard output and error; -1: closed */
	Buf			in;
	Buf			out;			/* not sent yet */
	Buf			output_tail;
	Activity   *activity;		/* while it runs; NULL: it has ended already, or nobody wants to know */
	int64_t		run;			/* number of the activity that runs, or ran last */
	bool		is_cancelled;	/* the activity */
	bool		was_ready;		/* since it was started */
	bool		is_refused;		/* it has said why it cannot be used */
	Timer		timer;			/* starting: deadline; running: next step of a cancellation; down: next start */
	Backoff		backoff;
} PluginProcess;

extern void plugin_process_init(PluginProcess *process, struct Worker *w, struct Plugin *plugin);

/* Kill it and wait for it; its activity is not told.  May be called twice. */
extern void plugin_process_free(PluginProcess *process);

/* Start it, when it is down. */
extern void plugin_process_start(PluginProcess *process);

/* Give it an activity, when it is idle.  The activity's state becomes the process. */
extern void plugin_process_run(PluginProcess *process, Activity *activity);

/* Ask its activity to stop; make it stop a second later, and again a second later. */
extern void plugin_process_cancel(PluginProcess *process);

/* After SIGCHLD: has it ended? */
extern void plugin_process_reap(PluginProcess *process);

#endif							/* PGDF_PLUGIN_PROCESS_H */

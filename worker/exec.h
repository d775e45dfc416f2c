/*
 * exec.h
 *		Activities that are commands of the worker's configuration.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_EXEC_H
#define PGDF_EXEC_H

#include <stdbool.h>

#include "activity.h"
#include "config.h"
#include "exec_guard.h"
#include "sandbox.h"

/* What type.config points to. */
typedef struct ExecCommand
{
	ExecConfig	config;
	Sandbox		sandbox;
} ExecCommand;

/* The type's functions; type.config is made by exec_command_new(). */
extern void exec_start(Activity *activity);
extern void exec_cancel(Activity *activity);

/* NULL after logging what is wrong with it. */
extern const ExecCommand *exec_command_new(const ExecConfig *source);
extern void exec_command_free(const void *command);

extern bool exec_init(struct Worker *w);
extern void exec_free(struct Worker *w);

/* The guard of all child processes, running. */
extern ExecGuard *exec_guard(struct Worker *w);

/* Is it one of ours, not reaped yet? */
extern bool exec_has_process(const struct Worker *w, pid_t pid);

/* After SIGCHLD: see which commands have ended. */
extern void exec_reap(struct Worker *w);

#endif							/* PGDF_EXEC_H */

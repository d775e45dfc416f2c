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

/* The type's functions; type.config is a copy made by exec_command_new(). */
extern void exec_start(Activity *activity);
extern void exec_cancel(Activity *activity);

extern const ExecConfig *exec_command_new(const ExecConfig *source);
extern void exec_command_free(const void *command);

extern bool exec_init(struct Worker *w);
extern void exec_free(struct Worker *w);

/* After SIGCHLD: see which commands have ended. */
extern void exec_reap(struct Worker *w);

#endif							/* PGDF_EXEC_H */

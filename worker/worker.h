/*
 * worker.h
 *		struct Worker: everything that the worker process owns.
 *
 * There is one, made by worker_main() and handed to every callback.  Each
 * pointer below belongs to the file named beside it, which makes it in
 * thing_init(Worker *) and releases it in thing_free(Worker *).
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_WORKER_H
#define PGDF_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "conninfo.h"
#include "loop.h"

/* Exit codes of pgdf worker. */
#define EXIT_OK			0		/* stopped as asked, everything recorded or given back */
#define EXIT_RUNTIME	1		/* could not start, or could not record everything when it stopped */
#define EXIT_USAGE		2		/* wrong flags or configuration */

typedef enum WorkerPhase
{
	WORKER_RUNNING,
	WORKER_DRAINING,			/* claims nothing; waits for what is running */
	WORKER_STOPPED
} WorkerPhase;

typedef struct Worker
{
	Config		config;
	Loop		loop;
	Conninfo	conninfo;		/* of every connection */
	WorkerPhase phase;
	int			exit_code;
	int			argc;			/* kept for a reload */
	char	  **argv;
	struct Signals *signals;	/* signals.c */
	struct Registry *registry;	/* activity.c: what is offered under which name */
	struct Children *children;	/* exec.c: running commands */
	struct Scratch *scratch;	/* scratch.c: their directories */
	struct Plugins *plugins;	/* plugin.c */
	struct SqlPool *sql_pool;	/* sql_pool.c: slow SQL activities */
	struct Retention *retention;	/* retention.c */
	struct Dispatch *dispatch;	/* dispatch.c */
	struct BlobStore *blob_store;	/* blob.c; NULL: none configured */
	struct IoPool *iopool;		/* iopool.c: threads for blocking file work */
	struct E2State *e2;			/* e2.c */
	struct HttpServer *http;	/* http_server.c; NULL: not served */
	struct HttpTasks *http_tasks;	/* http_activity.c: requests that are under way */
} Worker;

/* pgdf worker: returns the exit code. */
extern int	worker_main(int argc, char **argv);

#endif							/* PGDF_WORKER_H */

/*
 * worker.c
 *		pgdf worker: start-up, the loop, shutdown.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "worker.h"

#include <curl/curl.h>

#include "dispatch.h"
#include "e2.h"
#include "exec.h"
#include "http_activity.h"
#include "http_server.h"
#include "log.h"
#include "orphans.h"
#include "plugin.h"
#include "registry.h"
#include "scratch.h"
#include "sd_notify.h"
#include "seclude.h"
#include "signals.h"

static bool worker_start(Worker *w);
static void worker_stop(Worker *w);
static bool is_done(const Worker *w);
static void apply_log_settings(const Config *config);
static void apply_signals(Worker *w);
static void begin_drain(Worker *w);
static void reload(Worker *w);

int
worker_main(int argc, char **argv)
{
	Worker		w = {.argc = argc, .argv = argv, .exit_code = EXIT_RUNTIME};

	seclude_process();
	switch (config_load(&w.config, argc, argv))
	{
		case CONFIG_OK:
			break;
		case CONFIG_HELP:
			return EXIT_OK;
		case CONFIG_ERROR:
			return EXIT_USAGE;
	}
	apply_log_settings(&w.config);

	if (worker_start(&w))
	{
		w.exit_code = EXIT_OK;
		while (!is_done(&w))
		{
			apply_signals(&w);
			if (w.phase != WORKER_STOPPED)
				dispatch_step(&w);
			if (!is_done(&w))
				loop_wait(&w, -1);	/* the only blocking call; runs the callbacks */
		}
	}
	worker_stop(&w);
	return w.exit_code;
}

static bool
worker_start(Worker *w)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!conninfo_build(&w->conninfo, w->config.dbname, "pgdf worker"))
	{
		w->exit_code = EXIT_USAGE;
		return false;
	}
	if (!loop_init(w) || !signals_init(w) || !exec_init(w) || !e2_init(w) || !http_activity_init(w))
		return false;
	scratch_init(w);
	if (!plugins_init(w) || !registry_init(w))	/* plugins have said by then what they have */
	{
		w->exit_code = EXIT_USAGE;
		return false;
	}
	if (!http_server_init(w))
		return false;
	log_info("pgdf worker %s started", PGDF_VERSION);
	dispatch_init(w);
	return true;
}

/* In the reverse order; whatever was not made is a no-op. */
static void
worker_stop(Worker *w)
{
	http_server_free(w);
	plugins_free(w);
	exec_free(w);
	e2_free(w);
	scratch_free(w);
	http_activity_free(w);
	dispatch_free(w);
	registry_free(w);
	signals_free(w);
	loop_free(w);
	conninfo_free(&w->conninfo);
	curl_global_cleanup();
	log_info("pgdf worker stopped");
	config_free(&w->config);
}

static bool
is_done(const Worker *w)
{
	return w->phase == WORKER_STOPPED && http_server_is_drained(w);
}

static void
apply_log_settings(const Config *config)
{
	log_set_level(config->log_level);
	log_set_format(config->log_format);
}

static void
apply_signals(Worker *w)
{
	if (w->signals->child)
	{
		w->signals->child = false;
		exec_reap(w);
		plugins_reap(w);
		orphans_end(w);
	}
	if (w->signals->reload)
	{
		w->signals->reload = false;
		reload(w);
	}
	if (w->signals->stop_count > 0)
	{
		w->signals->stop_count--;
		begin_drain(w);
	}
}

/* The first time wait for what runs, the second time stop it. */
static void
begin_drain(Worker *w)
{
	if (w->phase == WORKER_RUNNING)
	{
		log_info("shutting down, %d activities are running", w->dispatch->claims.count);
		sd_notify_send("STOPPING=1");
		w->phase = WORKER_DRAINING;
	}
	dispatch_drain(w);
	http_server_drain(w);
}

/* What is wrong with the new settings is logged, and the old ones stay. */
static void
reload(Worker *w)
{
	Config		fresh;

	log_info("reloading the configuration");
	sd_notify_reloading();
	if (config_load(&fresh, w->argc, w->argv) == CONFIG_OK)
	{
		config_reload(&w->config, &fresh);
		apply_log_settings(&w->config);
		if (registry_reload(w))
			dispatch_settings_changed(w);
		http_server_reload(w);
		config_free(&fresh);
	}
	sd_notify_send("READY=1");
}

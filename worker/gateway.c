/*
 * gateway.c
 *		pgdf gateway: the HTTP server alone, without a worker's activities.
 *
 * It is a worker process that has no dispatcher: it never attaches, claims
 * nothing, and advances nothing.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "gateway.h"

#include <curl/curl.h>

#include "http_server.h"
#include "log.h"
#include "sd_notify.h"
#include "seclude.h"
#include "signals.h"
#include "worker.h"

static bool gateway_start(Worker *w);
static void gateway_stop(Worker *w);
static void apply_log_settings(const Config *config);
static void apply_signals(Worker *w);
static void reload(Worker *w);

int
gateway_main(int argc, char **argv)
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

	if (gateway_start(&w))
	{
		w.exit_code = EXIT_OK;
		while (w.phase == WORKER_RUNNING || !http_server_is_drained(&w))
		{
			apply_signals(&w);
			if (w.phase == WORKER_RUNNING || !http_server_is_drained(&w))
				loop_wait(&w, -1);
		}
	}
	gateway_stop(&w);
	return w.exit_code;
}

static bool
gateway_start(Worker *w)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (!conninfo_build(&w->conninfo, w->config.dbname, "pgdf gateway"))
	{
		w->exit_code = EXIT_USAGE;
		return false;
	}
	if (!loop_init(w) || !signals_init(w) || !http_server_init(w))
		return false;
	log_info("pgdf gateway %s started", PGDF_VERSION);
	sd_notify_send("READY=1");
	return true;
}

static void
gateway_stop(Worker *w)
{
	http_server_free(w);
	signals_free(w);
	loop_free(w);
	conninfo_free(&w->conninfo);
	curl_global_cleanup();
	log_info("pgdf gateway stopped");
	config_free(&w->config);
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
	if (w->signals->reload)
	{
		w->signals->reload = false;
		reload(w);
	}
	for (; w->signals->stop_count > 0; w->signals->stop_count--)
	{
		if (w->phase == WORKER_RUNNING)
		{
			log_info("shutting down, %d HTTP requests are open", w->http->exchange_count);
			sd_notify_send("STOPPING=1");
			w->phase = WORKER_DRAINING;
		}
		http_server_drain(w);
	}
}

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
		http_server_reload(w);
		config_free(&fresh);
	}
	sd_notify_send("READY=1");
}

/*
 * plugin.c
 *		Plugins: activities in shared objects, run in processes of their own.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "plugin.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "claims.h"
#include "config_child.h"
#include "config_file.h"
#include "dispatch.h"
#include "log.h"
#include "worker.h"
#include "xalloc.h"

/* At start-up each plugin must be ready within this time. */
#define READY_DEADLINE_US	(15 * 1000000LL)
#define READY_POLL_MS		100

static bool check_directory(const Worker *w);
static bool plugin_init(Plugin *plugin, Worker *w, const PluginConfig *config);
static bool wait_until_ready(Worker *w);
static bool all_are_decided(const Plugins *plugins);
static void compare_names(const Plugin *plugin, const StringList *names);
static void set_available(Plugin *plugin, bool is_available);
static void give_back_waiting(Plugin *plugin);
static void pump(Plugin *plugin);
static PluginProcess *idle_process(Plugin *plugin);
static bool has_live_process(const Plugin *plugin);
static Activity *unlink_waiter(Plugin *plugin, const PluginWaiter *waiter);

bool
plugins_init(Worker *w)
{
	Plugins    *plugins = xcalloc(1, sizeof(Plugins));

	w->plugins = plugins;
	if (w->config.plugin_count == 0)
		return true;
	if (!check_directory(w))
		return false;
	plugins->items = xcalloc((size_t) w->config.plugin_count, sizeof(Plugin));
	for (int i = 0; i < w->config.plugin_count; i++)
	{
		if (!plugin_init(&plugins->items[plugins->count++], w, &w->config.plugins[i]))
			return false;
	}
	for (int i = 0; i < plugins->count; i++)
	{
		for (int j = 0; j < plugins->items[i].config.processes; j++)
			plugin_process_start(&plugins->items[i].processes[j]);
	}
	return wait_until_ready(w);
}

void
plugins_free(Worker *w)
{
	Plugins    *plugins = w->plugins;

	if (plugins == NULL)
		return;
	for (int i = 0; i < plugins->count; i++)
	{
		Plugin	   *plugin = &plugins->items[i];

		for (int j = 0; j < plugin->config.processes && plugin->processes != NULL; j++)
			plugin_process_free(&plugin->processes[j]);
		while (plugin->first != NULL)
			(void) unlink_waiter(plugin, plugin->first);
		free(plugin->processes);
		string_list_free(&plugin->names);
		sandbox_free(&plugin->sandbox);
		plugin_config_free(&plugin->config);
	}
	free(plugins->items);
	free(plugins);
	w->plugins = NULL;
}

void
plugins_reap(Worker *w)
{
	for (int i = 0; i < w->plugins->count; i++)
	{
		Plugin	   *plugin = &w->plugins->items[i];

		for (int j = 0; j < plugin->config.processes; j++)
			plugin_process_reap(&plugin->processes[j]);
	}
}

bool
plugins_have_process(const Worker *w, pid_t pid)
{
	for (int i = 0; i < w->plugins->count; i++)
	{
		const Plugin *plugin = &w->plugins->items[i];

		for (int j = 0; j < plugin->config.processes; j++)
		{
			if (plugin->processes[j].state != PROCESS_DOWN && plugin->processes[j].pid == pid)
				return true;
		}
	}
	return false;
}

void
plugins_drain(Worker *w)
{
	for (int i = 0; i < w->plugins->count; i++)
		give_back_waiting(&w->plugins->items[i]);
}

void
plugin_start(Activity *activity)
{
	Plugin	   *plugin = (Plugin *) activity->type->config;
	PluginWaiter *waiter;

	if (!plugin->is_available)
	{
		/* it was claimed before it was known */
		claims_give_back(activity);
		return;
	}
	waiter = xcalloc(1, sizeof(PluginWaiter));
	waiter->activity = activity;
	activity->state = NULL;
	if (plugin->last != NULL)
		plugin->last->next = waiter;
	else
		plugin->first = waiter;
	plugin->last = waiter;
	activity_wait(activity);
	pump(plugin);
}

void
plugin_cancel(Activity *activity)
{
	Plugin	   *plugin = (Plugin *) activity->type->config;
	PluginWaiter *waiter = plugin->first;

	if (activity->state != NULL)
	{
		plugin_process_cancel(activity->state);
		return;
	}
	while (waiter != NULL && waiter->activity != activity)
		waiter = waiter->next;
	if (waiter != NULL)
		claims_give_back(unlink_waiter(plugin, waiter));
}

void
plugin_process_ready(Plugin *plugin, StringList *names)
{
	if (plugin->names.count == 0)
	{
		plugin->names = *names;
		log_info("plugin \"%s\" has %d activities", plugin->config.name, plugin->names.count);
	}
	else
	{
		compare_names(plugin, names);
		string_list_free(names);
	}
	set_available(plugin, true);
	pump(plugin);
}

void
plugin_process_idle(Plugin *plugin)
{
	pump(plugin);
}

void
plugin_process_down(Plugin *plugin, const char *problem, const char *output)
{
	if (plugin->worker->dispatch == NULL)
	{
		/* at start-up that is an error of the configuration */
		if (!plugin->has_failed)
			log_error_more(output, NULL, "could not use plugin \"%s\": %s", plugin->config.name, problem);
		plugin->has_failed = true;
		return;
	}
	if (has_live_process(plugin) || !plugin->is_available)
	{
		log_debug("a process of plugin \"%s\" could not be started: %s", plugin->config.name, problem);
		return;
	}
	log_warning_more(output, "It is tried again; meanwhile its activities are not offered.",
					 "could not use plugin \"%s\": %s", plugin->config.name, problem);
	set_available(plugin, false);
	give_back_waiting(plugin);
}

static bool
check_directory(const Worker *w)
{
	if (w->config.plugin_dir != NULL && w->config.plugin_dir[0] == '/')
		return true;
	if (w->config.plugin_dir == NULL)
		log_error_more(NULL, "Set \"plugin-dir\".", "plugins are configured, but no directory of plugins");
	else
		log_error("plugin directory \"%s\" is not an absolute path", w->config.plugin_dir);
	return false;
}

static bool
plugin_init(Plugin *plugin, Worker *w, const PluginConfig *config)
{
	char	   *whose = xasprintf("plugin \"%s\"", config->name);
	bool		ok = sandbox_init(&plugin->sandbox, &config->sandbox, whose);

	free(whose);
	plugin->worker = w;
	plugin_config_copy(&plugin->config, config);
	plugin->processes = xcalloc((size_t) config->processes, sizeof(PluginProcess));
	for (int i = 0; i < config->processes; i++)
		plugin_process_init(&plugin->processes[i], w, plugin);
	return ok;
}

/* At start-up, before there is anything else to do. */
static bool
wait_until_ready(Worker *w)
{
	int64_t		deadline_us = loop_now_us(w) + READY_DEADLINE_US;
	bool		ok = true;

	while (!all_are_decided(w->plugins) && loop_now_us(w) < deadline_us)
	{
		loop_wait(w, READY_POLL_MS);
		plugins_reap(w);
	}
	for (int i = 0; i < w->plugins->count; i++)
	{
		Plugin	   *plugin = &w->plugins->items[i];

		if (!plugin->is_available && !plugin->has_failed)
			plugin_process_down(plugin, "it does not get ready", NULL);
		ok &= plugin->is_available;
	}
	return ok;
}

static bool
all_are_decided(const Plugins *plugins)
{
	for (int i = 0; i < plugins->count; i++)
	{
		if (!plugins->items[i].is_available && !plugins->items[i].has_failed)
			return false;
	}
	return true;
}

/* The file may have been replaced since: its new names need a restart of the worker. */
static void
compare_names(const Plugin *plugin, const StringList *names)
{
	bool		is_same = names->count == plugin->names.count;

	for (int i = 0; i < names->count && is_same; i++)
		is_same = strcasecmp(names->items[i], plugin->names.items[i]) == 0;
	if (!is_same)
		log_warning_more(NULL, "Restart the worker.", "plugin \"%s\" has other activities than before", plugin->config.name);
}

/* Its names are offered to the database, or not any more. */
static void
set_available(Plugin *plugin, bool is_available)
{
	if (plugin->is_available == is_available)
		return;
	plugin->is_available = is_available;
	if (plugin->worker->dispatch == NULL)
		return;
	if (is_available)
		log_info("plugin \"%s\" can be used again", plugin->config.name);
	dispatch_settings_changed(plugin->worker);
}

static void
give_back_waiting(Plugin *plugin)
{
	while (plugin->first != NULL)
		claims_give_back(unlink_waiter(plugin, plugin->first));
}

/* Give what waits to the processes that are idle. */
static void
pump(Plugin *plugin)
{
	PluginProcess *process;

	while (plugin->first != NULL && (process = idle_process(plugin)) != NULL)
	{
		Activity   *activity = unlink_waiter(plugin, plugin->first);

		activity_begin(activity);
		plugin_process_run(process, activity);
	}
}

static PluginProcess *
idle_process(Plugin *plugin)
{
	for (int i = 0; i < plugin->config.processes; i++)
	{
		if (plugin->processes[i].state == PROCESS_IDLE)
			return &plugin->processes[i];
	}
	return NULL;
}

/* One that is of use, or on its way again after a crash. */
static bool
has_live_process(const Plugin *plugin)
{
	for (int i = 0; i < plugin->config.processes; i++)
	{
		if (plugin->processes[i].was_ready)
			return true;
	}
	return false;
}

static Activity *
unlink_waiter(Plugin *plugin, const PluginWaiter *waiter)
{
	Activity   *activity = waiter->activity;
	PluginWaiter *previous = NULL;

	for (PluginWaiter *other = plugin->first; other != waiter; other = other->next)
		previous = other;
	if (previous != NULL)
		previous->next = waiter->next;
	else
		plugin->first = waiter->next;
	if (plugin->last == waiter)
		plugin->last = previous;
	free((PluginWaiter *) waiter);
	return activity;
}

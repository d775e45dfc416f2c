/*
 * registry.c
 *		What this worker offers: activity types by name.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "registry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blob.h"
#include "e2.h"
#include "exec.h"
#include "http_activity.h"
#include "log.h"
#include "noop.h"
#include "plugin.h"
#include "worker.h"
#include "xalloc.h"

/* Activities that every worker has. */
static const ActivityType *const builtin_types[] = {
	&e2_copy_file_to_blob_type,
	&e2_get_file_list_type,
	&http_activity_type,
	&noop_type,
};

#define BUILTIN_COUNT (sizeof(builtin_types) / sizeof(builtin_types[0]))

static Registry *registry_build(const Worker *w);
static OfferedType *add_type(Registry *registry, const ActivityType *type);
static size_t plugin_name_count(const Worker *w);
static bool add_command(Registry *registry, const ExecConfig *command);
static bool add_plugin(Registry *registry, const Plugin *plugin);
static OfferedType *find(const Registry *registry, const char *name);
static void discard(Registry *registry);
static char *lower_case(const char *name);

bool
registry_init(Worker *w)
{
	w->registry = registry_build(w);
	return w->registry != NULL;
}

bool
registry_reload(Worker *w)
{
	Registry   *fresh = registry_build(w);

	if (fresh == NULL)
		return false;
	discard(w->registry);
	w->registry = fresh;
	return true;
}

void
registry_free(Worker *w)
{
	discard(w->registry);
	w->registry = NULL;
}

OfferedType *
registry_take(const Worker *w, const char *name)
{
	OfferedType *offered = find(w->registry, name);

	if (offered != NULL)
		offered->references++;
	return offered;
}

void
registry_release(OfferedType *offered)
{
	if (offered == NULL || --offered->references > 0)
		return;
	if (offered->release != NULL)
		offered->release(offered->type.config);
	free((char *) offered->type.name);
	free(offered);
}

void
registry_names(const Worker *w, PgArray *names)
{
	pgarray_begin(names, PG_TEXT_OID);
	for (int i = 0; i < w->registry->count; i++)
	{
		const OfferedType *offered = w->registry->types[i];

		if (offered->is_available == NULL || *offered->is_available)
			pgarray_add_text(names, offered->type.name, strlen(offered->type.name));
	}
	pgarray_finish(names);
}

const ActivityType *
activity_type_find(const Worker *w, const char *name)
{
	OfferedType *offered = find(w->registry, name);

	return offered != NULL ? &offered->type : NULL;
}

static Registry *
registry_build(const Worker *w)
{
	const Config *config = &w->config;
	Registry   *registry = xcalloc(1, sizeof(Registry));
	bool		ok = true;

	registry->types = xcalloc(BUILTIN_COUNT + (size_t) config->exec_count + plugin_name_count(w), sizeof(OfferedType *));
	for (size_t i = 0; i < BUILTIN_COUNT; i++)
	{
		/* without a store it can only fail what another worker could do */
		if (builtin_types[i] == &e2_copy_file_to_blob_type && blob_url(config) == NULL)
			continue;
		add_type(registry, builtin_types[i]);
	}
	for (int i = 0; i < config->exec_count && ok; i++)
		ok = add_command(registry, &config->exec[i]);
	for (int i = 0; w->plugins != NULL && i < w->plugins->count && ok; i++)
		ok = add_plugin(registry, &w->plugins->items[i]);
	if (ok)
		return registry;
	discard(registry);
	return NULL;
}

static size_t
plugin_name_count(const Worker *w)
{
	size_t		count = 0;

	for (int i = 0; w->plugins != NULL && i < w->plugins->count; i++)
		count += (size_t) w->plugins->items[i].names.count;
	return count;
}

/* NULL when the name is taken. */
static OfferedType *
add_type(Registry *registry, const ActivityType *type)
{
	OfferedType *offered;

	if (find(registry, type->name) != NULL)
		return NULL;
	offered = xcalloc(1, sizeof(OfferedType));
	offered->type = *type;
	offered->type.name = lower_case(type->name);
	offered->references = 1;
	registry->types[registry->count++] = offered;
	return offered;
}

static bool
add_command(Registry *registry, const ExecConfig *command)
{
	ActivityType type = {command->name, exec_start, exec_cancel, NULL};
	OfferedType *offered = add_type(registry, &type);

	if (offered == NULL)
	{
		log_error("command \"%s\" has the name of a built-in activity", command->name);
		return false;
	}
	offered->type.config = exec_command_new(command);
	offered->release = exec_command_free;
	offered->timeout_ms = command->timeout_ms;
	return offered->type.config != NULL;
}

/* The plugin outlives every registry. */
static bool
add_plugin(Registry *registry, const Plugin *plugin)
{
	for (int i = 0; i < plugin->names.count; i++)
	{
		ActivityType type = {plugin->names.items[i], plugin_start, plugin_cancel, plugin};
		OfferedType *offered = add_type(registry, &type);

		if (offered == NULL)
		{
			log_error("activity \"%s\" of plugin \"%s\" has the name of another activity",
					  plugin->names.items[i], plugin->config.name);
			return false;
		}
		offered->timeout_ms = plugin->config.timeout_ms;
		offered->is_available = &plugin->is_available;
	}
	return true;
}

static OfferedType *
find(const Registry *registry, const char *name)
{
	for (int i = 0; i < registry->count; i++)
	{
		if (strcasecmp(registry->types[i]->type.name, name) == 0)
			return registry->types[i];
	}
	return NULL;
}

static void
discard(Registry *registry)
{
	if (registry == NULL)
		return;
	for (int i = 0; i < registry->count; i++)
		registry_release(registry->types[i]);
	free(registry->types);
	free(registry);
}

/* ASCII only, like the comparison above: the process runs in the C locale. */
static char *
lower_case(const char *name)
{
	char	   *lower = xstrdup(name);

	for (char *c = lower; *c != '\0'; c++)
	{
		if (*c >= 'A' && *c <= 'Z')
			*c = (char) (*c - 'A' + 'a');
	}
	return lower;
}

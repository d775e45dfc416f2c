/*
 * config_child.c
 *		The configuration file's "exec" and "plugins": what runs in child processes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "config_child.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_file.h"
#include "json.h"
#include "xalloc.h"

/* Processes of one plugin. */
#define MAX_PROCESSES	64

#define SHARED_KEYS "\"env\" an array of NAME or NAME=value, \"timeout\" a time such as \"30 s\", " \
	"\"user\" a name, \"limits\" an object with \"cpu\" (a time), \"file-size\" and \"memory\" " \
	"(bytes, or such as \"512 MB\"), \"open-files\" and \"processes\"; there is no other key."

static bool read_command(ExecConfig *command, const char *path, const char *name, json_object *value);
static bool read_command_member(ExecConfig *command, const char *key, json_object *value);
static bool check_command(const ExecConfig *command, const char *path);
static bool read_plugin(PluginConfig *plugin, const char *path, const char *name, json_object *value);
static bool read_plugin_member(PluginConfig *plugin, const char *key, json_object *value);
static bool check_plugin(const PluginConfig *plugin, const char *path);
static bool read_timeout(int64_t *timeout_ms, json_object *value);
static bool variables_have_names(const StringList *env);
static StringList copy_list(const StringList *source);

bool
config_read_commands(Config *config, const char *path, json_object *commands)
{
	if (!json_object_is_type(commands, json_type_object))
	{
		log_error_more("An object of commands by name is expected.", NULL,
					   "invalid value for \"exec\" in configuration file \"%s\"", path);
		return false;
	}
	config->exec = xcalloc((size_t) json_object_object_length(commands), sizeof(ExecConfig));
	json_object_object_foreach(commands, name, value)
	{
		for (int i = 0; i < config->exec_count; i++)
		{
			if (strcasecmp(config->exec[i].name, name) == 0)
			{
				log_error_more("Names compare case-insensitively.", NULL,
							   "command \"%s\" is in configuration file \"%s\" twice", name, path);
				return false;
			}
		}
		if (!read_command(&config->exec[config->exec_count++], path, name, value))
			return false;
	}
	return true;
}

bool
config_read_plugins(Config *config, const char *path, json_object *plugins)
{
	if (!json_object_is_type(plugins, json_type_object))
	{
		log_error_more("An object of plugins by name is expected.", NULL,
					   "invalid value for \"plugins\" in configuration file \"%s\"", path);
		return false;
	}
	config->plugins = xcalloc((size_t) json_object_object_length(plugins), sizeof(PluginConfig));
	json_object_object_foreach(plugins, name, value)
	{
		if (!read_plugin(&config->plugins[config->plugin_count++], path, name, value))
			return false;
	}
	return true;
}

void
config_free_children(Config *config)
{
	for (int i = 0; i < config->exec_count; i++)
		exec_config_free(&config->exec[i]);
	for (int i = 0; i < config->plugin_count; i++)
		plugin_config_free(&config->plugins[i]);
	free(config->exec);
	free(config->plugins);
	config->exec = NULL;
	config->exec_count = 0;
	config->plugins = NULL;
	config->plugin_count = 0;
}

void
config_swap_commands(Config *config, Config *fresh)
{
	ExecConfig *exec = config->exec;
	int			exec_count = config->exec_count;

	config->exec = fresh->exec;
	config->exec_count = fresh->exec_count;
	fresh->exec = exec;
	fresh->exec_count = exec_count;
}

void
exec_config_copy(ExecConfig *copy, const ExecConfig *source)
{
	*copy = *source;
	copy->name = xstrdup(source->name);
	copy->argv = copy_list(&source->argv);
	copy->env = copy_list(&source->env);
	sandbox_config_copy(&copy->sandbox, &source->sandbox);
}

void
exec_config_free(ExecConfig *config)
{
	free(config->name);
	string_list_free(&config->argv);
	string_list_free(&config->env);
	sandbox_config_free(&config->sandbox);
	memset(config, 0, sizeof(*config));
}

void
plugin_config_copy(PluginConfig *copy, const PluginConfig *source)
{
	*copy = *source;
	copy->name = xstrdup(source->name);
	copy->env = copy_list(&source->env);
	sandbox_config_copy(&copy->sandbox, &source->sandbox);
}

void
plugin_config_free(PluginConfig *config)
{
	free(config->name);
	string_list_free(&config->env);
	sandbox_config_free(&config->sandbox);
	memset(config, 0, sizeof(*config));
}

static bool
read_command(ExecConfig *command, const char *path, const char *name, json_object *value)
{
	command->name = xstrdup(name);
	if (!json_object_is_type(value, json_type_object))
	{
		log_error_more("An object with \"argv\" and, if wanted, \"env\", \"timeout\", \"user\" and \"limits\" is expected.", NULL,
					   "invalid command \"%s\" in configuration file \"%s\"", name, path);
		return false;
	}
	json_object_object_foreach(value, key, member)
	{
		if (!read_command_member(command, key, member))
		{
			log_error_more("\"argv\" is an array of strings, " SHARED_KEYS, NULL,
						   "invalid key \"%s\" of command \"%s\" in configuration file \"%s\"", key, name, path);
			return false;
		}
	}
	return check_command(command, path);
}

static bool
read_command_member(ExecConfig *command, const char *key, json_object *value)
{
	if (strcmp(key, "argv") == 0)
		return config_read_strings(&command->argv, value);
	if (strcmp(key, "env") == 0)
		return config_read_strings(&command->env, value);
	if (strcmp(key, "timeout") == 0)
		return read_timeout(&command->timeout_ms, value);
	return sandbox_read_member(&command->sandbox, key, value);
}

static bool
check_command(const ExecConfig *command, const char *path)
{
	const char *problem = NULL;

	if (command->name[0] == '\0')
		problem = "Its name is empty.";
	else if (command->argv.count == 0)
		problem = "\"argv\" is missing or empty.";
	else if (command->argv.items[0][0] != '/')
		problem = "The first of \"argv\" must be an absolute path.";
	else if (!variables_have_names(&command->env))
		problem = "A variable in \"env\" has no name.";
	if (problem != NULL)
		log_error_more(problem, NULL, "invalid command \"%s\" in configuration file \"%s\"", command->name, path);
	return problem == NULL;
}

static bool
read_plugin(PluginConfig *plugin, const char *path, const char *name, json_object *value)
{
	plugin->name = xstrdup(name);
	plugin->processes = 1;
	if (!json_object_is_type(value, json_type_object))
	{
		log_error_more("An object is expected, which may be empty.", NULL,
					   "invalid plugin \"%s\" in configuration file \"%s\"", name, path);
		return false;
	}
	json_object_object_foreach(value, key, member)
	{
		if (!read_plugin_member(plugin, key, member))
		{
			log_error_more("\"processes\" is a number from 1 to 64, " SHARED_KEYS, NULL,
						   "invalid key \"%s\" of plugin \"%s\" in configuration file \"%s\"", key, name, path);
			return false;
		}
	}
	return check_plugin(plugin, path);
}

static bool
read_plugin_member(PluginConfig *plugin, const char *key, json_object *value)
{
	if (strcmp(key, "processes") == 0 && json_object_is_type(value, json_type_int))
	{
		int64_t		processes = json_object_get_int64(value);

		plugin->processes = (int) processes;
		return processes >= 1 && processes <= MAX_PROCESSES;
	}
	if (strcmp(key, "env") == 0)
		return config_read_strings(&plugin->env, value);
	if (strcmp(key, "timeout") == 0)
		return read_timeout(&plugin->timeout_ms, value);
	return sandbox_read_member(&plugin->sandbox, key, value);
}

/* The name becomes that of a file in the plugin directory: it cannot lead out of it. */
static bool
check_plugin(const PluginConfig *plugin, const char *path)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	const char *problem = NULL;

	if (plugin->name[0] == '\0' || plugin->name[strspn(plugin->name, allowed)] != '\0')
		problem = "Its name must consist of letters, digits, \"_\" and \"-\".";
	else if (strlen(plugin->name) > PLUGIN_NAME_MAX)
		problem = "Its name is too long.";
	else if (!variables_have_names(&plugin->env))
		problem = "A variable in \"env\" has no name.";
	if (problem != NULL)
		log_error_more(problem, NULL, "invalid plugin \"%s\" in configuration file \"%s\"", plugin->name, path);
	return problem == NULL;
}

static bool
read_timeout(int64_t *timeout_ms, json_object *value)
{
	const char *text = json_object_is_type(value, json_type_int) ? json_text(value) : config_plain_text(value);

	return text != NULL && config_parse_duration(text, 1000, timeout_ms);
}

static bool
variables_have_names(const StringList *env)
{
	for (int i = 0; i < env->count; i++)
	{
		if (env->items[i][0] == '=' || env->items[i][0] == '\0')
			return false;
	}
	return true;
}

static StringList
copy_list(const StringList *source)
{
	StringList	copy = {0};

	for (int i = 0; i < source->count; i++)
		string_list_add(&copy, source->items[i], strlen(source->items[i]));
	return copy;
}

/*
 * config_child.h
 *		The configuration file's "exec" and "plugins": what runs in child processes.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CONFIG_CHILD_H
#define PGDF_CONFIG_CHILD_H

#include <json-c/json.h>
#include <stdbool.h>

#include "config.h"

/* Read the value of the key; path is that of the file, for messages.  False after logging what is wrong. */
extern bool config_read_commands(Config *config, const char *path, json_object *commands);
extern bool config_read_plugins(Config *config, const char *path, json_object *plugins);

extern void config_free_children(Config *config);

/* Everything of the child processes of *config changes places with that of *fresh. */
extern void config_swap_commands(Config *config, Config *fresh);

/* Copies; the caller frees them with exec_config_free() and plugin_config_free(). */
extern void exec_config_copy(ExecConfig *copy, const ExecConfig *source);
extern void exec_config_free(ExecConfig *config);
extern void plugin_config_copy(PluginConfig *copy, const PluginConfig *source);
extern void plugin_config_free(PluginConfig *config);

#endif							/* PGDF_CONFIG_CHILD_H */

/*
 * config_file.c
 *		The configuration file: a JSON object with settings and commands.
 *
 * Anything unknown or of the wrong type is an error that names the key: a
 * setting that is silently ignored would be worse than a worker that does not
 * start.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "json.h"
#include "xalloc.h"

#define MAX_FILE_BYTES	(1024 * 1024)

static json_object *read_object(const char *path);
static bool read_file(const char *path, Buf *text);
static bool set_member(Config *config, const char *path, const char *key, json_object *value);
static bool set_from_json(Config *config, const Setting *setting, json_object *value);
static bool read_commands(Config *config, const char *path, json_object *commands);
static bool read_command(ExecConfig *command, const char *path, const char *name, json_object *value);
static bool read_command_member(ExecConfig *command, const char *key, json_object *value);
static bool read_strings(StringList *list, json_object *array);
static bool check_command(const ExecConfig *command, const char *path);
static const char *plain_text(json_object *value);

bool
config_file_load(Config *config, const char *path)
{
	json_object *object = read_object(path);
	bool		ok = true;

	if (object == NULL)
		return false;
	json_object_object_foreach(object, key, value)
	{
		if (!set_member(config, path, key, value))
		{
			ok = false;
			break;
		}
	}
	json_object_put(object);
	return ok;
}

static json_object *
read_object(const char *path)
{
	Buf			text = {0};
	json_object *object = NULL;
	const char *error;
	size_t		offset;

	if (!read_file(path, &text))
		goto done;
	if (!json_is_valid(text.data, text.used, &offset))
	{
		int			line = 1;

		for (size_t i = 0; i < offset; i++)
			line += text.data[i] == '\n';
		log_error("configuration file \"%s\" is not valid JSON at line %d", path, line);
		goto done;
	}
	object = json_parse(text.data, text.used, &error);
	if (!json_object_is_type(object, json_type_object))
	{
		log_error("configuration file \"%s\" is not a JSON object", path);
		json_object_put(object);
		object = NULL;
	}

done:
	buf_free(&text);
	return object;
}

static bool
read_file(const char *path, Buf *text)
{
	int			fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t		got = -1;

	if (fd >= 0)
	{
		while ((got = read(fd, buf_reserve(text, 65536), 65536)) > 0 && text->used <= MAX_FILE_BYTES)
			text->used += (size_t) got;
	}
	if (got < 0)
		log_error("could not read configuration file \"%s\": %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (got > 0)
		log_error("configuration file \"%s\" is larger than %d bytes", path, MAX_FILE_BYTES);
	if (got == 0)
		text->data[text->used] = '\0';
	return got == 0;
}

static bool
set_member(Config *config, const char *path, const char *key, json_object *value)
{
	char	   *expected;

	if (strcmp(key, "exec") == 0)
		return read_commands(config, path, value);

	for (size_t i = 0; i < config_setting_count; i++)
	{
		const Setting *setting = &config_settings[i];

		if (strcmp(setting->name, key) != 0 || setting->change == SETTING_FLAG_ONLY)
			continue;
		if (set_from_json(config, setting, value))
			return true;
		expected = config_expected(setting);
		log_error_more(expected, NULL, "invalid value for \"%s\" in configuration file \"%s\": %s",
					   key, path, setting->type == SETTING_TEXT ? "wrong type" : json_text(value));
		free(expected);
		return false;
	}
	log_error_more(NULL, "Keys are the long flags of \"pgdf worker --help\", and \"exec\".",
				   "unrecognized key \"%s\" in configuration file \"%s\"", key, path);
	return false;
}

/* Numbers are numbers in the file, lists are arrays; the text forms of the flags work too where they are no numbers. */
static bool
set_from_json(Config *config, const Setting *setting, json_object *value)
{
	char	   *target = (char *) config + setting->offset;
	StringList	list = {0};

	if (setting->type == SETTING_LIST && json_object_is_type(value, json_type_array))
	{
		if (!read_strings(&list, value) || list.count == 0)
		{
			string_list_free(&list);
			return false;
		}
		string_list_free((StringList *) target);
		*(StringList *) target = list;
		return true;
	}
	if ((setting->type == SETTING_INT || setting->type == SETTING_DURATION) &&
		json_object_is_type(value, json_type_int))
		return config_set(config, setting, json_text(value));
	if (setting->type == SETTING_INT || plain_text(value) == NULL)
		return false;
	return config_set(config, setting, plain_text(value));
}

static bool
read_commands(Config *config, const char *path, json_object *commands)
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

static bool
read_command(ExecConfig *command, const char *path, const char *name, json_object *value)
{
	command->name = xstrdup(name);
	if (!json_object_is_type(value, json_type_object))
	{
		log_error_more("An object with \"argv\" and, if wanted, \"env\" and \"timeout\" is expected.", NULL,
					   "invalid command \"%s\" in configuration file \"%s\"", name, path);
		return false;
	}
	json_object_object_foreach(value, key, member)
	{
		if (!read_command_member(command, key, member))
		{
			log_error_more("\"argv\" is an array of strings, \"env\" an array of NAME or NAME=value, "
						   "\"timeout\" a time such as \"30 s\"; there is no other key.", NULL,
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
		return read_strings(&command->argv, value);
	if (strcmp(key, "env") == 0)
		return read_strings(&command->env, value);
	if (strcmp(key, "timeout") == 0 && json_object_is_type(value, json_type_int))
		return config_parse_duration(json_text(value), 1000, &command->timeout_ms);
	if (strcmp(key, "timeout") == 0 && plain_text(value) != NULL)
		return config_parse_duration(plain_text(value), 1000, &command->timeout_ms);
	return false;
}

static bool
read_strings(StringList *list, json_object *array)
{
	if (!json_object_is_type(array, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++)
	{
		const char *text = plain_text(json_object_array_get_idx(array, i));

		if (text == NULL)
			return false;
		string_list_add(list, text, strlen(text));
	}
	return true;
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
	for (int i = 0; i < command->env.count; i++)
	{
		if (command->env.items[i][0] == '=' || command->env.items[i][0] == '\0')
			problem = "A variable in \"env\" has no name.";
	}
	if (problem != NULL)
		log_error_more(problem, NULL, "invalid command \"%s\" in configuration file \"%s\"", command->name, path);
	return problem == NULL;
}

/* A string without NUL bytes; otherwise NULL. */
static const char *
plain_text(json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}

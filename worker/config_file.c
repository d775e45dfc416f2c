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
#include <unistd.h>

#include "config_child.h"
#include "json.h"
#include "secrets.h"
#include "xalloc.h"

#define MAX_FILE_BYTES	(1024 * 1024)

static json_object *read_object(const char *path);
static bool read_file(const char *path, Buf *text);
static bool set_member(Config *config, const char *path, const char *key, json_object *value);
static bool set_from_json(Config *config, const Setting *setting, json_object *value);

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
		return config_read_commands(config, path, value);
	if (strcmp(key, "plugins") == 0)
		return config_read_plugins(config, path, value);
	if (strcmp(key, "secrets") == 0)
		return secrets_read_config(config, path, value);

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
	log_error_more(NULL, "Keys are the long flags of \"pgdf worker --help\", \"exec\", \"plugins\" and \"secrets\".",
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
		if (!config_read_strings(&list, value) || list.count == 0)
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
	if (setting->type == SETTING_SWITCH && json_object_is_type(value, json_type_boolean))
		return config_set(config, setting, json_text(value));
	if (setting->type == SETTING_INT || setting->type == SETTING_SWITCH || config_plain_text(value) == NULL)
		return false;
	return config_set(config, setting, config_plain_text(value));
}

bool
config_read_strings(StringList *list, json_object *array)
{
	if (!json_object_is_type(array, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(array); i++)
	{
		const char *text = config_plain_text(json_object_array_get_idx(array, i));

		if (text == NULL)
			return false;
		string_list_add(list, text, strlen(text));
	}
	return true;
}

const char *
config_plain_text(json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t) json_object_get_string_len(value) ? text : NULL;
}

/*
 * config_file.h
 *		The rows of the settings table, for config.c and config_file.c.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_CONFIG_FILE_H
#define PGDF_CONFIG_FILE_H

#include <json-c/json.h>

#include "buf.h"
#include "config.h"

typedef enum SettingType
{
	SETTING_TEXT,				/* char * */
	SETTING_INT,				/* int, from min to max */
	SETTING_LIST,				/* StringList */
	SETTING_DURATION,			/* int64_t milliseconds, up to max seconds */
	SETTING_ENUM,				/* an enum whose values are the places in allowed */
	SETTING_SWITCH				/* bool; as a flag it needs no value */
} SettingType;

typedef enum SettingChange
{
	SETTING_FIXED,				/* until the worker is restarted */
	SETTING_RELOADABLE,			/* SIGHUP changes it */
	SETTING_FLAG_ONLY			/* not a key of the file */
} SettingChange;

typedef enum SettingUser
{
	SETTING_WORKER,				/* pgdf worker alone has it */
	SETTING_HTTP				/* pgdf gateway too */
} SettingUser;

typedef struct Setting
{
	const char *name;			/* long flag, and key in the file */
	char		letter;			/* short flag, or 0 */
	SettingType type;
	size_t		offset;			/* in Config */
	int64_t		min;
	int64_t		max;
	const char *const *allowed;
	SettingChange change;
	const char *placeholder;	/* for --help */
	const char *help;
	SettingUser user;
} Setting;

extern const Setting config_settings[];
extern const size_t config_setting_count;

/* Set from text; false when the text is not allowed, and nothing changed. */
extern bool config_set(Config *config, const Setting *setting, const char *text);

/* A sentence that says what a setting takes; the caller frees it. */
extern char *config_expected(const Setting *setting);

/* Read the JSON file into *config; false after logging what is wrong. */
extern bool config_file_load(Config *config, const char *path);

/* Parts of it: a string without NUL bytes, or NULL; an array of those. */
extern const char *config_plain_text(json_object *value);
extern bool config_read_strings(StringList *list, json_object *array);

extern void string_list_add(StringList *list, const char *text, size_t length);
extern void string_list_free(StringList *list);

#endif							/* PGDF_CONFIG_FILE_H */

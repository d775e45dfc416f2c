/*
 * config_loading.c
 *		Settings come from defaults, file and flags, in this order; what is wrong is refused.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "config.h"
#include "tap.h"
#include "xalloc.h"

static char file_path[] = "/tmp/pgdf-config-XXXXXX";
static int	log_pipe[2];

static ConfigOutcome load(Config *config, const char *file_text, const char *flag, const char *value);
static void read_log(char *text, size_t size);
static void defaults(void);
static void file_and_flags(void);
static void commands(void);
static void plugins(void);
static void refused_files(void);
static void refused_flags(void);
static void reloading(void);

int
main(void)
{
	close(mkstemp(file_path));
	if (pipe2(log_pipe, O_NONBLOCK) != 0)
		return 1;
	log_set_fd(log_pipe[1]);
	defaults();
	file_and_flags();
	commands();
	plugins();
	refused_files();
	refused_flags();
	reloading();
	unlink(file_path);
	return done_testing();
}

static void
defaults(void)
{
	Config		config;

	is_int(load(&config, NULL, NULL, NULL), CONFIG_OK, "no settings at all");
	is_int(config.max_activities, 100, "max-activities");
	is_int(config.connections, 2, "connections");
	is_int(config.drain_ms, 30000, "drain");
	is_int(config.queues.count, 1, "one queue");
	is_str(config.queues.items[0], "default", "its name");
	config_free(&config);
	config_free(&config);
	ok(true, "free may be called twice");
}

static void
file_and_flags(void)
{
	static const char text[] = "{\"max-activities\": 7, \"queues\": [\"a\", \"b,c\"], \"drain\": \"2 min\","
		" \"log-level\": \"debug\", \"dbname\": \"service=x\"}";
	Config		config;

	is_int(load(&config, text, NULL, NULL), CONFIG_OK, "a file");
	is_int(config.max_activities, 7, "a number");
	is_int(config.drain_ms, 120000, "a time");
	is_int(config.log_level, LOG_LEVEL_DEBUG, "a word");
	is_str(config.dbname, "service=x", "a text");
	is_int(config.queues.count, 2, "an array");
	is_str(config.queues.items[1], "b,c", "whose names may have commas");
	config_free(&config);

	load(&config, text, "--max-activities", "9");
	is_int(config.max_activities, 9, "a flag wins over the file");
	is_int(config.drain_ms, 120000, "and leaves the rest of it");
	config_free(&config);

	load(&config, text, "--queues", "x, y");
	is_int(config.queues.count, 2, "a list as a flag");
	is_str(config.queues.items[1], "y", "blanks around names do not count");
	config_free(&config);
}

static void
commands(void)
{
	Config		config;

	is_int(load(&config, "{\"exec\": {\"Resize\": {\"argv\": [\"/bin/cat\", \"; rm -rf $(x)\", \"\"],"
					" \"env\": [\"HOME\", \"A=b\"], \"timeout\": \"30 s\"}, \"B\": {\"argv\": [\"/bin/true\"]}}}", NULL, NULL),
			   CONFIG_OK, "commands");
	is_int(config.exec_count, 2, "both of them");
	is_str(config.exec[0].name, "Resize", "name");
	is_int(config.exec[0].argv.count, 3, "arguments");
	is_str(config.exec[0].argv.items[1], "; rm -rf $(x)", "verbatim");
	ok(config.exec[0].argv.items[3] == NULL, "and NULL at the end");
	is_int(config.exec[0].timeout_ms, 30000, "time-out");
	is_int(config.exec[1].timeout_ms, 0, "no time-out");
	is_int(config.exec[1].sandbox.limits[LIMIT_MEMORY], 0, "no limit");
	ok(config.exec[1].sandbox.user == NULL, "no user");
	config_free(&config);

	is_int(load(&config, "{\"exec\": {\"X\": {\"argv\": [\"/bin/cat\"], \"user\": \"backup\", \"limits\":"
					" {\"cpu\": \"1 min\", \"memory\": \"512 MB\", \"file-size\": 1000, \"processes\": 7}}}}", NULL, NULL),
			   CONFIG_OK, "a command with limits");
	is_str(config.exec[0].sandbox.user, "backup", "its user");
	is_int(config.exec[0].sandbox.limits[LIMIT_CPU], 60000, "time");
	is_int(config.exec[0].sandbox.limits[LIMIT_MEMORY], 512 * 1024 * 1024, "memory");
	is_int(config.exec[0].sandbox.limits[LIMIT_FILE_SIZE], 1000, "size of files");
	is_int(config.exec[0].sandbox.limits[LIMIT_OPEN_FILES], 0, "none for open files");
	is_int(config.exec[0].sandbox.limits[LIMIT_PROCESSES], 7, "processes");
	config_free(&config);
}

static void
plugins(void)
{
	Config		config;

	is_int(load(&config, "{\"plugin-dir\": \"/usr/lib/pgdf\", \"plugins\": {\"Words-1_2\": {}, \"b\": {\"processes\": 64,"
					" \"timeout\": 5, \"env\": [\"HOME\"], \"limits\": {\"memory\": \"1 GB\"}}}}", NULL, NULL),
			   CONFIG_OK, "plugins");
	is_str(config.plugin_dir, "/usr/lib/pgdf", "their directory");
	is_int(config.plugin_count, 2, "both of them");
	is_str(config.plugins[0].name, "Words-1_2", "name");
	is_int(config.plugins[0].processes, 1, "one process");
	is_int(config.plugins[0].timeout_ms, 0, "no time-out");
	is_int(config.plugins[1].processes, 64, "processes");
	is_int(config.plugins[1].timeout_ms, 5000, "time-out");
	is_str(config.plugins[1].env.items[0], "HOME", "variables");
	is_int(config.plugins[1].sandbox.limits[LIMIT_MEMORY], 1024 * 1024 * 1024, "limits");
	config_free(&config);
}

static void
refused_files(void)
{
	static const struct
	{
		const char *text;
		const char *message;
	}			cases[] = {
		{"{", "is not valid JSON at line 1"},
		{"{\n\"a\": 1,\n}", "is not valid JSON at line 3"},
		{"[]", "is not a JSON object"},
		{"{\"max-activites\": 1}", "unrecognized key \"max-activites\""},
		{"{\"config\": \"x\"}", "unrecognized key \"config\""},
		{"{\"max-activities\": \"1\"}", "invalid value for \"max-activities\""},
		{"{\"max-activities\": 0}", "invalid value for \"max-activities\""},
		{"{\"max-activities\": 1.5}", "invalid value for \"max-activities\""},
		{"{\"max-activities\": 99999999999999}", "invalid value for \"max-activities\""},
		{"{\"queues\": []}", "invalid value for \"queues\""},
		{"{\"queues\": [1]}", "invalid value for \"queues\""},
		{"{\"dbname\": 5}", "invalid value for \"dbname\""},
		{"{\"name\": \"a\\u0000b\"}", "invalid value for \"name\""},
		{"{\"log-level\": \"loud\"}", "\"debug\", \"info\", \"warning\", \"error\""},
		{"{\"drain\": \"1 fortnight\"}", "invalid value for \"drain\""},
		{"{\"exec\": []}", "invalid value for \"exec\""},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\"], \"limits\": {\"memory\": \"1 TB\"}}}}", "invalid key \"limits\""},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\"], \"limits\": {\"open-files\": \"10\"}}}}", "invalid key \"limits\""},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\"], \"user\": \"\"}}}", "invalid key \"user\""},
		{"{\"plugins\": []}", "invalid value for \"plugins\""},
		{"{\"plugins\": {\"x\": true}}", "invalid plugin \"x\""},
		{"{\"plugins\": {\"../x\": {}}}", "Its name must consist of"},
		{"{\"plugins\": {\"x.so\": {}}}", "Its name must consist of"},
		{"{\"plugins\": {\"\": {}}}", "Its name must consist of"},
		{"{\"plugins\": {\"x\": {\"processes\": 0}}}", "invalid key \"processes\" of plugin \"x\""},
		{"{\"plugins\": {\"x\": {\"processes\": 65}}}", "invalid key \"processes\" of plugin \"x\""},
		{"{\"plugins\": {\"x\": {\"path\": \"/tmp\"}}}", "invalid key \"path\" of plugin \"x\""},
		{"{\"exec\": {\"x\": {\"argv\": [\"cat\"]}}}", "must be an absolute path"},
		{"{\"exec\": {\"x\": {}}}", "\"argv\" is missing"},
		{"{\"exec\": {\"x\": {\"argv\": \"/bin/cat\"}}}", "invalid key \"argv\" of command \"x\""},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\"], \"shell\": true}}}", "invalid key \"shell\" of command \"x\""},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\"]}, \"X\": {\"argv\": [\"/bin/cat\"]}}}", "twice"},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\"], \"env\": [\"=x\"]}}}", "has no name"},
		{"{\"exec\": {\"x\": {\"argv\": [\"/bin/cat\\u0000\"]}}}", "invalid key \"argv\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Config		config;
		char		log[4096];
		ConfigOutcome outcome = load(&config, cases[i].text, NULL, NULL);

		read_log(log, sizeof(log));
		if (!ok(outcome == CONFIG_ERROR && strstr(log, cases[i].message) != NULL, "refused: %s", cases[i].message))
			printf("# %s", log);
	}
}

static void
refused_flags(void)
{
	static const char *const cases[][2] = {
		{"--max-activities", "0"}, {"--max-activities", "1x"}, {"--drain", "soon"}, {"--queues", "a,,b"},
		{"--queues", ""}, {"--log-format", "xml"}, {"--config", "/nonexistent/file"}, {"--unknown", "x"}, {"--name", ""},
		{"--name", NULL}, {"stray", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		Config		config;
		char		log[4096];

		is_int(load(&config, NULL, cases[i][0], cases[i][1]), CONFIG_ERROR, "a wrong flag is refused");
		read_log(log, sizeof(log));
		ok(strstr(log, "ERROR:  ") != NULL, "and the log says so: %s", cases[i][0]);
	}
}

static void
reloading(void)
{
	Config		config;
	Config		fresh;
	char		log[4096];

	load(&config, "{\"max-activities\": 5, \"connections\": 2}", NULL, NULL);
	load(&fresh, "{\"max-activities\": 6, \"connections\": 3, \"queues\": [\"q\"],"
		 " \"exec\": {\"x\": {\"argv\": [\"/bin/cat\"]}}}", NULL, NULL);
	read_log(log, sizeof(log));
	config_reload(&config, &fresh);
	read_log(log, sizeof(log));
	is_int(config.max_activities, 6, "max-activities changes");
	is_str(config.queues.items[0], "q", "queues change");
	is_int(config.exec_count, 1, "commands change");
	is_int(config.connections, 2, "connections stay");
	ok(strstr(log, "\"connections\" cannot be changed without a restart") != NULL, "and the log says so");
	config_free(&fresh);
	config_free(&config);
}

static ConfigOutcome
load(Config *config, const char *file_text, const char *flag, const char *value)
{
	char	   *argv[] = {xstrdup("worker"), NULL, NULL, NULL, NULL, NULL};
	int			argc = 1;
	ConfigOutcome outcome;

	if (file_text != NULL)
	{
		FILE	   *file = fopen(file_path, "w");

		fputs(file_text, file);
		fclose(file);
		argv[argc++] = xstrdup("--config");
		argv[argc++] = xstrdup(file_path);
	}
	if (flag != NULL)
		argv[argc++] = xstrdup(flag);
	if (value != NULL)
		argv[argc++] = xstrdup(value);
	outcome = config_load(config, argc, argv);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return outcome;
}

static void
read_log(char *text, size_t size)
{
	ssize_t		got = read(log_pipe[0], text, size - 1);

	text[got > 0 ? got : 0] = '\0';
}

/*
 * sandbox.c
 *		What a child process may use: its user and its limits.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "config_file.h"
#include "log.h"
#include "xalloc.h"

#define MAX_GROUPS 1024

/* By LimitKind. */
static const struct
{
	const char *key;
	int			resource;
	enum
	{
		UNIT_NONE,
		UNIT_BYTES,
		UNIT_TIME
	}			unit;
}			limit_table[LIMIT_COUNT] = {
	[LIMIT_CPU] = {"cpu", RLIMIT_CPU, UNIT_TIME},
	[LIMIT_FILE_SIZE] = {"file-size", RLIMIT_FSIZE, UNIT_BYTES},
	[LIMIT_MEMORY] = {"memory", RLIMIT_AS, UNIT_BYTES},
	[LIMIT_OPEN_FILES] = {"open-files", RLIMIT_NOFILE, UNIT_NONE},
	[LIMIT_PROCESSES] = {"processes", RLIMIT_NPROC, UNIT_NONE},
};

static bool read_limits(SandboxConfig *config, json_object *limits);
static bool read_limit(LimitKind kind, json_object *value, int64_t *limit);
static bool find_user(Sandbox *sandbox, const char *user, const char *whose);
static void apply_limit(LimitKind kind, int64_t limit);

bool
sandbox_read_member(SandboxConfig *config, const char *key, json_object *value)
{
	const char *text = config_plain_text(value);

	if (strcmp(key, "limits") == 0)
		return read_limits(config, value);
	if (strcmp(key, "user") != 0 || text == NULL || *text == '\0')
		return false;
	free(config->user);
	config->user = xstrdup(text);
	return true;
}

void
sandbox_config_copy(SandboxConfig *copy, const SandboxConfig *source)
{
	*copy = *source;
	if (source->user != NULL)
		copy->user = xstrdup(source->user);
}

void
sandbox_config_free(SandboxConfig *config)
{
	free(config->user);
	memset(config, 0, sizeof(*config));
}

bool
sandbox_init(Sandbox *sandbox, const SandboxConfig *config, const char *whose)
{
	memset(sandbox, 0, sizeof(*sandbox));
	memcpy(sandbox->limits, config->limits, sizeof(sandbox->limits));
	if (config->user != NULL)
		return find_user(sandbox, config->user, whose);
	if (geteuid() == 0)
		log_warning_more(NULL, "Give it a \"user\" in the configuration file, or run the worker as an ordinary user.",
						 "%s runs as root", whose);
	return true;
}

void
sandbox_free(Sandbox *sandbox)
{
	free(sandbox->groups);
	memset(sandbox, 0, sizeof(*sandbox));
}

/*
 * The limits first, which root may lower as well; the signal of the parent's death
 * last, because a change of the user forgets it.
 */
bool
sandbox_enter(const Sandbox *sandbox)
{
	struct rlimit no_core = {0, 0};

	(void) umask(077);
	(void) setrlimit(RLIMIT_CORE, &no_core);
	for (int kind = 0; kind < LIMIT_COUNT; kind++)
	{
		if (sandbox->limits[kind] > 0)
			apply_limit((LimitKind) kind, sandbox->limits[kind]);
	}
	if (sandbox->has_user &&
		(setgroups((size_t) sandbox->group_count, sandbox->groups) != 0 ||
		 setresgid(sandbox->gid, sandbox->gid, sandbox->gid) != 0 ||
		 setresuid(sandbox->uid, sandbox->uid, sandbox->uid) != 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
}

static bool
read_limits(SandboxConfig *config, json_object *limits)
{
	if (!json_object_is_type(limits, json_type_object))
		return false;
	json_object_object_foreach(limits, key, value)
	{
		int			kind = 0;

		while (kind < LIMIT_COUNT && strcmp(limit_table[kind].key, key) != 0)
			kind++;
		if (kind == LIMIT_COUNT || !read_limit((LimitKind) kind, value, &config->limits[kind]))
			return false;
	}
	return true;
}

/* A number above 0, or a text with a unit. */
static bool
read_limit(LimitKind kind, json_object *value, int64_t *limit)
{
	const char *text = json_object_is_type(value, json_type_int) ?
		json_object_to_json_string(value) : config_plain_text(value);
	bool		is_number = json_object_is_type(value, json_type_int);

	if (text == NULL)
		return false;
	switch (limit_table[kind].unit)
	{
		case UNIT_TIME:
			return config_parse_duration(text, 1000, limit) && *limit > 0;
		case UNIT_BYTES:
			return config_parse_bytes(text, limit) && *limit > 0;
		case UNIT_NONE:
			*limit = is_number ? json_object_get_int64(value) : 0;
			return *limit > 0;
	}
	return false;
}

/* Only root can be somebody else. */
static bool
find_user(Sandbox *sandbox, const char *user, const char *whose)
{
	char	   *end;
	unsigned long number = strtoul(user, &end, 10);
	bool		is_number = *end == '\0';
	struct passwd *entry = is_number ? getpwuid((uid_t) number) : getpwnam(user);

	if (entry == NULL && !is_number)
	{
		log_error("user \"%s\" of %s does not exist", user, whose);
		return false;
	}
	sandbox->uid = entry != NULL ? entry->pw_uid : (uid_t) number;
	sandbox->gid = entry != NULL ? entry->pw_gid : (gid_t) number;
	if (sandbox->uid == geteuid())
		return true;			/* nothing to change */
	if (geteuid() != 0)
	{
		log_error_more(NULL, "Only a worker that runs as root can run it as another user.",
					   "%s cannot run as user \"%s\"", whose, user);
		return false;
	}
	sandbox->group_count = MAX_GROUPS;
	sandbox->groups = xcalloc(MAX_GROUPS, sizeof(gid_t));
	if (entry == NULL || getgrouplist(entry->pw_name, entry->pw_gid, sandbox->groups, &sandbox->group_count) < 0)
	{
		sandbox->groups[0] = sandbox->gid;
		sandbox->group_count = 1;
	}
	sandbox->has_user = true;
	return true;
}

/* Never above what there is: that is somebody else's limit. */
static void
apply_limit(LimitKind kind, int64_t limit)
{
	int			resource = limit_table[kind].resource;
	rlim_t		wanted = (rlim_t) (kind == LIMIT_CPU ? (limit + 999) / 1000 : limit);
	struct rlimit now;

	if (getrlimit(resource, &now) != 0)
		return;
	/* at the soft limit of time comes SIGXCPU, which says what it was; at the hard one SIGKILL */
	if (kind == LIMIT_CPU && now.rlim_max > wanted + 1)
		now.rlim_max = wanted + 1;
	else if (kind != LIMIT_CPU && now.rlim_max > wanted)
		now.rlim_max = wanted;
	now.rlim_cur = now.rlim_max < wanted ? now.rlim_max : wanted;
	(void) setrlimit(resource, &now);
}

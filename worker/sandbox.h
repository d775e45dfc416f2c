/*
 * sandbox.h
 *		What a child process may use: its user and its limits.
 *
 * The configuration says it for each command and plugin ("user", "limits"); a
 * Sandbox is that, looked up and ready for the moment after fork().
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SANDBOX_H
#define PGDF_SANDBOX_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum LimitKind
{
	LIMIT_CPU,					/* milliseconds */
	LIMIT_FILE_SIZE,			/* bytes */
	LIMIT_MEMORY,				/* bytes of address space */
	LIMIT_OPEN_FILES,
	LIMIT_PROCESSES,			/* of the user, all together */
	LIMIT_COUNT
} LimitKind;

/* As configured. */
typedef struct SandboxConfig
{
	char	   *user;			/* name or number, or NULL: the worker's own */
	int64_t		limits[LIMIT_COUNT];	/* 0: none */
} SandboxConfig;

typedef struct Sandbox
{
	bool		has_user;
	uid_t		uid;
	gid_t		gid;
	gid_t	   *groups;
	int			group_count;
	int64_t		limits[LIMIT_COUNT];
} Sandbox;

/* Set the key "user" or "limits" from the configuration file; false when it is neither, or wrong. */
extern bool sandbox_read_member(SandboxConfig *config, const char *key, json_object *value);
extern void sandbox_config_copy(SandboxConfig *copy, const SandboxConfig *source);
extern void sandbox_config_free(SandboxConfig *config);

/* Look the user up; false after logging why not.  whose is what it is for: "command "x"". */
extern bool sandbox_init(Sandbox *sandbox, const SandboxConfig *config, const char *whose);
extern void sandbox_free(Sandbox *sandbox);

/* In a forked child: async-signal-safe.  False: errno says why. */
extern bool sandbox_enter(const Sandbox *sandbox);

#endif							/* PGDF_SANDBOX_H */

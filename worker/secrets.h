/*
 * secrets.h
 *		Secrets that requests name: files of this worker's machine.
 *
 * The database knows a secret's name only.  The value is read when a request is
 * made, goes into a header, and is wiped afterwards.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SECRETS_H
#define PGDF_SECRETS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "config.h"

/* Below that, what looks like the secret in an answer might be anything. */
#define SECRET_MIN_BYTES	8
#define SECRET_MAX_BYTES	(16 * 1024)

typedef enum SecretOutcome
{
	SECRET_OK,
	SECRET_REFUSED,				/* none of that name for that host */
	SECRET_UNAVAILABLE			/* its file cannot be used; the reason was logged */
} SecretOutcome;

/* "secrets" of the configuration file; false after logging what is wrong. */
extern bool secrets_read_config(Config *config, const char *path, json_object *secrets);
extern void secrets_free_config(Config *config);

/* The value for a request to that host, for secret_free(). */
extern SecretOutcome secret_take(const Config *config, const char *name, const char *host, char **value);

/* Wipes it. */
extern void secret_free(char *value);

#endif							/* PGDF_SECRETS_H */

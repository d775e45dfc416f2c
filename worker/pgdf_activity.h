/*
 * pgdf_activity.h
 *		Activities written in C: what a plugin offers, and what it is offered.
 *
 * A plugin is a shared object that says PGDF_PLUGIN(activities), where activities
 * is an array of PgdfActivity.  The worker's configuration names it; it is loaded
 * into processes of its own, never into the worker, and each process runs one
 * activity at a time: a crash ends one attempt.
 *
 * This header needs nothing but the C library, and stays binary compatible: what
 * is added comes at the end of a struct, and the sizes tell which members there
 * are.  A change that cannot be made so raises PGDF_PLUGIN_ABI; a plugin of
 * another version is refused.
 *
 * Texts are UTF-8 and end with a NUL.  JSON texts are checked by the worker.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_ACTIVITY_PLUGIN_H
#define PGDF_ACTIVITY_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C"
{
#endif

#define PGDF_PLUGIN_ABI 1

typedef struct PgdfContext PgdfContext;

/* Why an attempt was not successful. */
typedef struct PgdfFailure
{
	size_t		size;			/* sizeof(PgdfFailure) */
	const char *error_type;		/* a stable name, which retry policies can name */
	const char *message;
	int			is_non_retriable;	/* another attempt would fail as well */
	const char *properties;		/* a JSON object, or NULL */
} PgdfFailure;

typedef enum PgdfLogLevel
{
	PGDF_LOG_DEBUG,
	PGDF_LOG_INFO,
	PGDF_LOG_WARNING,
	PGDF_LOG_ERROR
} PgdfLogLevel;

/* One attempt, and what its activity can say.  All of it is valid until run() returns. */
struct PgdfContext
{
	size_t		size;			/* of this struct, as the worker knows it */
	const char *activity;		/* name, as it was scheduled */
	const char *input;			/* JSON */
	size_t		input_length;
	const char *instance_id;
	const char *idempotency_key;	/* the same for all attempts of a task */
	const char *traceparent;	/* or NULL */
	int			attempt;		/* 1 for the first */
	int64_t		timeout_ms;		/* of this attempt; 0: none */
	int			cancel_fd;		/* readable when it is to stop; for poll() only, never read it */
	void	   *data;			/* the activity's own */

	/*
	 * How it ends: say one of these before run() returns; the first counts.  What
	 * is given is copied.
	 */
	void		(*complete) (PgdfContext *context, const char *result, size_t length);
	void		(*fail) (PgdfContext *context, const PgdfFailure *failure);

	/*
	 * Is it to stop?  Its task was cancelled, its time is over, or the worker
	 * stops.  It should return soon: a second later comes SIGTERM, then SIGKILL.
	 */
	int			(*is_cancelled) (PgdfContext *context);

	/* How far it is: JSON of up to 16384 bytes.  df_waits shows the newest one. */
	void		(*progress) (PgdfContext *context, const char *progress);

	/* A line for the worker's log. */
	void		(*log) (PgdfContext *context, PgdfLogLevel level, const char *message);
};

typedef struct PgdfActivity
{
	const char *name;			/* upper and lower case are the same */
	void		(*run) (PgdfContext *context);
} PgdfActivity;

/* What the symbol pgdf_plugin is. */
typedef struct PgdfPlugin
{
	size_t		size;			/* sizeof(PgdfPlugin) */
	size_t		activity_size;	/* sizeof(PgdfActivity) */
	size_t		activity_count;
	const PgdfActivity *activities;

	/* Called once in each process before any activity; NULL: nothing.  Not 0: the process cannot be used. */
	int			(*start) (void);
} PgdfPlugin;

#define PGDF_EXPORT __attribute__((visibility("default")))

/* The symbols that a plugin exports; the second form has a start function. */
#define PGDF_PLUGIN(activities) PGDF_PLUGIN_START(activities, NULL)
#define PGDF_PLUGIN_START(activities, start) \
	PGDF_EXPORT extern const uint32_t pgdf_plugin_abi; \
	PGDF_EXPORT extern const PgdfPlugin pgdf_plugin; \
	const uint32_t pgdf_plugin_abi = PGDF_PLUGIN_ABI; \
	const PgdfPlugin pgdf_plugin = { \
		sizeof(PgdfPlugin), sizeof(PgdfActivity), sizeof(activities) / sizeof((activities)[0]), activities, start \
	}

/* Short forms. */

static inline void
pgdf_complete(PgdfContext *context, const char *result)
{
	context->complete(context, result, strlen(result));
}

/* The attempt has failed, and another one may succeed. */
static inline void
pgdf_fail(PgdfContext *context, const char *error_type, const char *message)
{
	PgdfFailure failure = {sizeof(PgdfFailure), error_type, message, 0, NULL};

	context->fail(context, &failure);
}

/* It has failed and would again. */
static inline void
pgdf_fail_for_good(PgdfContext *context, const char *error_type, const char *message)
{
	PgdfFailure failure = {sizeof(PgdfFailure), error_type, message, 1, NULL};

	context->fail(context, &failure);
}

#ifdef __cplusplus
}
#endif

#endif							/* PGDF_ACTIVITY_PLUGIN_H */

/*
 * failure.h
 *		failureDetails: why an activity, a child or an instance failed.
 *
 * A failure is kept and passed as JSON text:
 * {"errorType", "errorMessage", "stackTrace", "innerFailure", "isNonRetriable", "properties"}
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_FAILURE_H
#define PGDF_FAILURE_H

#include "postgres.h"

#include "utils/elog.h"

typedef struct Failure
{
	const char *error_type;
	const char *message;
	const char *stack_trace;	/* or NULL */
	text	   *inner;			/* failureDetails of the cause, or NULL */
	bool		is_non_retriable;
	text	   *properties;		/* JSON object, or NULL */
} Failure;

/* As JSON text, in CurrentMemoryContext. */
extern text *pgdf_failure_to_json(const Failure *failure);

/* The parts of a stored failure; missing ones have defaults.  Never raises for odd data. */
extern void pgdf_failure_from_json(text *json, Failure *failure);

/*
 * What an error in a user's function means as a failure: errorType is the
 * SQLSTATE, or what df_fail() said, or with an inner failure (the task whose
 * failure the function did not catch; may be NULL) that one's.
 */
extern text *pgdf_failure_from_error(const ErrorData *edata, text *inner);

/* The string, or a copy of its beginning when it is longer than anybody reads. */
extern const char *pgdf_clip(const char *string);

/* The same for all texts of an error that is raised again. */
extern void pgdf_error_clip(ErrorData *edata);

/* Is the error of the system's making (08, 40, 53, 55, 57, 58, XX): to be tried again, never an outcome? */
extern bool pgdf_error_is_transient(const ErrorData *edata);

/* The same of an SQLSTATE in words; false for anything else. */
extern bool pgdf_error_type_is_transient(const char *error_type);

/* Copies of jsonb string values. */
extern char *pgdf_json_get_string(text *json, const char *key);

/* Has a JSON object, which is valid, false under that key? */
extern bool pgdf_json_is_false(text *json, const char *key);

/*
 * What df_fail() has said in this backend: set just before it raises, read by
 * pgdf_failure_from_error for an error with the same message.
 */
extern void pgdf_failure_note_raised(const char *error_type, const char *message,
									 bool is_non_retriable, text *properties);

/* Forget it: what runs next is somebody else's. */
extern void pgdf_failure_forget_raised(void);

#endif							/* PGDF_FAILURE_H */

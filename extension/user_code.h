/*
 * user_code.h
 *		The subtransaction around code that users wrote.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_USER_CODE_H
#define PGDF_USER_CODE_H

#include "postgres.h"

#include "registry.h"
#include "utils/jsonb.h"

typedef enum UserCodeEnd
{
	USER_CODE_RETURNED,
	USER_CODE_RAISED,
	USER_CODE_TIMED_OUT,
	USER_CODE_CHANGED			/* not run: it is not the pinned code */
} UserCodeEnd;

typedef struct UserCode
{
	/* in */
	const Registration *registration;
	Oid			owner;
	Jsonb	   *input;
	int			budget_ms;		/* 0: none */
	bool		is_read_only;	/* a turn: always rolled back */
	bool		is_inline;		/* does not wait long for locks */
	int64		instance_key;
	bool		is_pinned;		/* compare the code with code_hash */
	const char *code_hash;		/* what it must be; NULL: anything */
	Oid			clone;			/* run this instead; InvalidOid: the registered function */

	/* out */
	UserCodeEnd end;
	char	   *current_hash;	/* of the registered function, when is_pinned and it can be */
	text	   *result;			/* JSON text, when it returned */
	ErrorData  *error;			/* when it raised or timed out */
	bool		has_written;	/* its subtransaction had a transaction id */
} UserCode;

/*
 * Run user code in a subtransaction, as its owner.  A read-only one is always
 * rolled back; another one when it did not return.  Results are in
 * CurrentMemoryContext.
 */
extern void pgdf_user_code_run(UserCode *code);

/* While user code runs: the one kind of message that its client gets. */
extern void pgdf_user_code_tell(int sqlstate, const char *message);

/* Forget what code of another owner left in this session. */
extern void pgdf_session_reset(Oid next_owner);

/* Code is about to be run in a session that is somebody's own, and not to be cleaned; only an engine call that follows does. */
extern void pgdf_session_lend(void);

#endif							/* PGDF_USER_CODE_H */

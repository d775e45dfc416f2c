/*
 * expression.c
 *		What PL/pgSQL remembers of an expression that was ended by an error.
 *
 * PL/pgSQL evaluates "x := f(y)" by itself, ten times faster than by a query,
 * unless the expression is being evaluated already: it might be a recursion.  An
 * error leaves it marked so until the transaction ends.  A suspension is such an
 * error, and the next turn in the same transaction, of this instance or of the next
 * one, would evaluate all its steps by queries.  So the state of the expression that
 * is interrupted is given up: it is made anew when it is evaluated next, as in a new
 * transaction.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "catalog/pg_language.h"
#include "commands/proclang.h"
#include "plpgsql.h"
#include "storage/lock.h"
#include "utils/syscache.h"

#include "expression.h"

static FmgrInfo *watched = NULL;

static PGFunction handler_of(Oid language);
static void give_up(PLpgSQL_expr *expression);
static void give_up_defaults(const PLpgSQL_execstate *estate, const PLpgSQL_stmt_block *block);

void
pgdf_expression_watch(FmgrInfo *function, Oid language)
{
	watched = function != NULL && language == get_language_oid("plpgsql", true) &&
		function->fn_addr == handler_of(language) ? function : NULL;
}

/* One with a SET clause, or SECURITY DEFINER, is called through another one, and stays with queries. */
static PGFunction
handler_of(Oid language)
{
	static Oid	known = InvalidOid;
	static PGFunction handler = NULL;
	HeapTuple	tuple;
	FmgrInfo	info;

	if (language == known)
		return handler;
	tuple = SearchSysCache1(LANGOID, ObjectIdGetDatum(language));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for language %u", language);
	fmgr_info(((Form_pg_language) GETSTRUCT(tuple))->lanplcallfoid, &info);
	ReleaseSysCache(tuple);
	known = language;
	handler = info.fn_addr;
	return handler;
}

void
pgdf_expression_interrupt(void)
{
	const PLpgSQL_function *function = watched == NULL ? NULL : watched->fn_extra;
	const PLpgSQL_execstate *estate = function == NULL ? NULL : function->cur_estate;
	PLpgSQL_stmt *statement = estate == NULL ? NULL : estate->err_stmt;

	if (statement == NULL)
		return;
	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			give_up_defaults(estate, (PLpgSQL_stmt_block *) statement);
			break;
		case PLPGSQL_STMT_ASSIGN:
			give_up(((PLpgSQL_stmt_assign *) statement)->expr);
			break;
		case PLPGSQL_STMT_IF:
			give_up(((PLpgSQL_stmt_if *) statement)->cond);
			break;
		case PLPGSQL_STMT_WHILE:
			give_up(((PLpgSQL_stmt_while *) statement)->cond);
			break;
		case PLPGSQL_STMT_EXIT:
			give_up(((PLpgSQL_stmt_exit *) statement)->cond);
			break;
		case PLPGSQL_STMT_RETURN:
			give_up(((PLpgSQL_stmt_return *) statement)->expr);
			break;
		default:
			break;				/* evaluated by a query anyway, or rare */
	}
}

static void
give_up(PLpgSQL_expr *expression)
{
	if (expression != NULL && expression->expr_simple_expr != NULL)
		expression->expr_simple_lxid = InvalidLocalTransactionId;
}

/* Variables of a DECLARE section. */
static void
give_up_defaults(const PLpgSQL_execstate *estate, const PLpgSQL_stmt_block *block)
{
	for (int i = 0; i < block->n_initvars; i++)
	{
		const PLpgSQL_datum *datum = estate->datums[block->initvarnos[i]];

		if (datum->dtype == PLPGSQL_DTYPE_VAR || datum->dtype == PLPGSQL_DTYPE_REC)
			give_up(((const PLpgSQL_variable *) datum)->default_val);
	}
}

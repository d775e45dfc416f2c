/*
 * http_caller.c
 *		Who asks the HTTP API, what that role may, and arguments and rows that
 *		several of its functions have.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "http_api.h"
#include "identity.h"
#include "instance.h"
#include "turn.h"

/* Statuses that a filter can name, at most. */
#define STATUSES_MAX	8

Oid
pgdf_api_role(FunctionCallInfo fcinfo, const char *function)
{
	Oid			role = PG_ARGISNULL(0) ? GetSessionUserId() : PG_GETARG_OID(0);

	pgdf_refuse_in_engine(function);
	if (!is_member_of_role(GetSessionUserId(), role) || !is_member_of_role(GetUserId(), role))
	{
		char	   *name = GetUserNameFromId(role, true);

		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to act as role \"%s\"", name != NULL ? name : "unknown"),
				 errhint("Grant it to the role that the HTTP server connects as.")));
	}
	return role;
}

bool
pgdf_api_is_granted(Oid role, const char *function)
{
	Oid			schema = pgdf_extension_schema();
	CatCList   *candidates = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(function));
	bool		is_granted = false;

	for (int i = 0; i < candidates->n_members; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&candidates->members[i]->tuple);

		if (proc->pronamespace == schema && pgdf_proc_aclcheck(proc->oid, role) == ACLCHECK_OK)
			is_granted = true;
	}
	ReleaseCatCacheList(candidates);
	return is_granted;
}

char *
pgdf_api_string_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

Datum
pgdf_api_statuses_arg(FunctionCallInfo fcinfo, int arg, StatusChoice choice, int *count)
{
	Datum		numbers[STATUSES_MAX];
	bool		is_chosen[STATUSES_MAX] = {false};
	bool		is_all = PG_ARGISNULL(arg);
	Datum	   *names;
	bool	   *nulls;
	int			nnames = 0;
	int			nchosen = 0;

	if (!PG_ARGISNULL(arg))
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), TEXTOID, -1, false, TYPALIGN_INT,
						  &names, &nulls, &nnames);
	for (int i = 0; i < nnames; i++)
	{
		InstanceStatus status;

		if (!nulls[i] && pgdf_status_parse(TextDatumGetCString(names[i]), &status))
		{
			is_chosen[status] = true;
			nchosen++;
		}
	}
	if (nchosen == 0 && choice == CHOOSE_ANY)
		is_all = true;			/* a list without a filter shows more than it should; a purge would delete it */
	*count = 0;
	for (int status = 0; status < STATUSES_MAX; status++)
	{
		bool		is_wanted = is_all || is_chosen[status];

		if (is_wanted && (choice == CHOOSE_ANY || pgdf_status_is_final((InstanceStatus) status)))
			numbers[(*count)++] = Int16GetDatum((int16) status);
	}
	return PointerGetDatum(construct_array(numbers, *count, INT2OID, sizeof(int16), true,
										   TYPALIGN_SHORT));
}

void
pgdf_api_append_time(StringInfo buf, TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (TIMESTAMP_NOT_FINITE(time) || timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		appendStringInfoString(buf, "null");
	else
		appendStringInfo(buf, "\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", tm.tm_year, tm.tm_mon,
						 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
pgdf_api_emit(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, unconstify(Datum *, values),
						 unconstify(bool *, nulls));
}

/*
 * c_orchestrator.c
 *		Orchestrators in C for the tests.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/resowner.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(c_chain);
PG_FUNCTION_INFO_V1(c_swallows);

static Datum
call_activity(const char *name, Datum input)
{
	LOCAL_FCINFO(fcinfo, 7);
	Oid			argtypes[7] = {TEXTOID, JSONBOID, JSONBOID, INTERVALOID, TEXTOID, INT4OID, INTERVALOID};
	FmgrInfo	flinfo;
	Datum		result;

	fmgr_info(LookupFuncName(list_make1(makeString("df_call_activity")), 7, argtypes, false), &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 7, InvalidOid, NULL, NULL);
	for (int i = 0; i < 7; i++)
		fcinfo->args[i].isnull = i > 1;
	fcinfo->args[0].value = CStringGetTextDatum(name);
	fcinfo->args[1].value = input;
	result = FunctionCallInvoke(fcinfo);
	if (fcinfo->isnull)
		elog(ERROR, "df_call_activity returned NULL");
	return result;
}

/* c_chain(n jsonb): n, doubled three times. */
Datum
c_chain(PG_FUNCTION_ARGS)
{
	Datum		x = PG_GETARG_DATUM(0);

	for (int i = 0; i < 3; i++)
		x = call_activity("double", x);
	PG_RETURN_DATUM(x);
}

/* c_swallows(n jsonb): catches every error there is, in a subtransaction as it should be done. */
Datum
c_swallows(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Datum volatile result = DirectFunctionCall1(jsonb_in, CStringGetDatum("\"swallowed\""));

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		result = call_activity("double", PG_GETARG_DATUM(0));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	PG_RETURN_DATUM(result);
}

/*
 * invoke.c
 *		Calling a user's function with a JSON input.
 *
 * The call goes through the function manager with a fresh FmgrInfo: a query
 * would fold an IMMUTABLE function into a constant and keep permission checks
 * of another role in its plan.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "compat.h"
#include "expression.h"
#include "invoke.h"
#include "payload.h"

/* The signature of the function to call. */
typedef struct Callee
{
	HeapTuple	tuple;			/* of pg_proc */
	Oid			language;
	Oid			result_type;
	int			nargs;
	const Oid  *arg_types;		/* of input arguments */
	char	  **arg_names;		/* of the same; NULL when there are none */
} Callee;

static void callee_load(Oid function, Callee *callee);
static bool has_null(FunctionCallInfo fcinfo);
static void fill_single(const Callee *callee, Jsonb *input, NullableDatum *arg);
static void fill_by_name(const Callee *callee, Jsonb *input, NullableDatum *args);
static void fill_default(const Callee *callee, int n, NullableDatum *arg);
static void root_value(Jsonb *json, JsonbValue *value);
static void convert(JsonbValue *value, Oid type, NullableDatum *arg);
static void convert_base(JsonbValue *value, Oid type, NullableDatum *arg);
static char *scalar_text(const JsonbValue *value);
static void convert_by_query(JsonbValue *value, Oid type, NullableDatum *arg);
static text *result_to_json(Oid type, Datum value, bool isnull);

text *
pgdf_invoke(Oid function, Jsonb *input)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	FmgrInfo	flinfo;
	Callee		callee;
	PgStat_FunctionCallUsage usage;
	Datum		result;
	text	   *json;

	pgdf_expression_watch(NULL, InvalidOid);
	callee_load(function, &callee);
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, callee.nargs, DEFAULT_COLLATION_OID, NULL, NULL);

	if (callee.nargs == 1)
		fill_single(&callee, input, &fcinfo->args[0]);
	else if (callee.nargs > 1)
		fill_by_name(&callee, input, fcinfo->args);

	if (flinfo.fn_strict && has_null(fcinfo))
	{
		ReleaseSysCache(callee.tuple);
		return cstring_to_text("null");
	}
	pgdf_expression_watch(&flinfo, callee.language);
	pgstat_init_function_usage(fcinfo, &usage);
	result = FunctionCallInvoke(fcinfo);
	pgstat_end_function_usage(&usage, true);

	pgdf_expression_watch(NULL, InvalidOid);
	json = result_to_json(callee.result_type, result, fcinfo->isnull);
	ReleaseSysCache(callee.tuple);
	return json;
}

/* Output arguments have their places among the others in the catalog, but not in a call. */
static void
callee_load(Oid function, Callee *callee)
{
	Form_pg_proc proc;
	Datum		names;
	Datum		modes;
	bool		isnull;

	callee->tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(callee->tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	proc = (Form_pg_proc) GETSTRUCT(callee->tuple);
	callee->language = proc->prolang;
	callee->result_type = proc->prorettype;
	callee->nargs = proc->pronargs;
	callee->arg_types = proc->proargtypes.values;
	callee->arg_names = NULL;
	names = SysCacheGetAttr(PROCOID, callee->tuple, Anum_pg_proc_proargnames, &isnull);
	if (isnull)
		return;
	modes = SysCacheGetAttr(PROCOID, callee->tuple, Anum_pg_proc_proargmodes, &isnull);
	(void) get_func_input_arg_names(names, isnull ? PointerGetDatum(NULL) : modes,
									&callee->arg_names);
}

/* A STRICT function is not called with one; many in C would crash. */
static bool
has_null(FunctionCallInfo fcinfo)
{
	for (int i = 0; i < fcinfo->nargs; i++)
	{
		if (fcinfo->args[i].isnull)
			return true;
	}
	return false;
}

/* A single argument is the input itself. */
static void
fill_single(const Callee *callee, Jsonb *input, NullableDatum *arg)
{
	Oid			type = getBaseType(callee->arg_types[0]);
	JsonbValue	value;

	root_value(input, &value);
	if ((type == TEXTOID || type == VARCHAROID || type == BPCHAROID) &&
		value.type != jbvString && value.type != jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("input is not a JSON string"),
				 errdetail("The function takes one argument of type %s.",
						   format_type_be(callee->arg_types[0]))));
	convert(&value, callee->arg_types[0], arg);
}

/* Several arguments come from an object's members of their names, or from their defaults. */
static void
fill_by_name(const Callee *callee, Jsonb *input, NullableDatum *args)
{
	if (!JB_ROOT_IS_OBJECT(input))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("input is not a JSON object"),
				 errdetail("The function takes %d arguments, which are filled by name.",
						   callee->nargs)));

	for (int n = 0; n < callee->nargs; n++)
	{
		const char *name = callee->arg_names == NULL ? NULL : callee->arg_names[n];
		JsonbValue	buffer;
		JsonbValue *member;

		if (name == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
					 errmsg("argument %d of the function has no name", n + 1),
					 errhint("Several arguments are filled by name from a JSON object.")));
		member = getKeyJsonValueFromContainer(&input->root, name, strlen(name), &buffer);
		if (member != NULL)
			convert(member, callee->arg_types[n], &args[n]);
		else
			fill_default(callee, n, &args[n]);
	}
}

static void
fill_default(const Callee *callee, int n, NullableDatum *arg)
{
	const FormData_pg_proc *proc = (Form_pg_proc) GETSTRUCT(callee->tuple);
	int			first_default = callee->nargs - proc->pronargdefaults;
	bool		isnull;
	Datum		defaults;
	List	   *expressions;
	EState	   *estate;
	ExprState  *state;
	Datum		value;
	int16		length;
	bool		by_value;

	if (n < first_default)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("input has no member \"%s\"", callee->arg_names[n]),
				 errdetail("The argument has no default.")));

	defaults = SysCacheGetAttr(PROCOID, callee->tuple, Anum_pg_proc_proargdefaults, &isnull);
	Assert(!isnull);
	expressions = castNode(List, stringToNode(TextDatumGetCString(defaults)));

	estate = CreateExecutorState();
	state = ExecPrepareExpr(list_nth(expressions, n - first_default), estate);
	value = ExecEvalExprSwitchContext(state, GetPerTupleExprContext(estate), &arg->isnull);
	get_typlenbyval(callee->arg_types[n], &length, &by_value);
	arg->value = arg->isnull ? (Datum) 0 : datumCopy(value, by_value, length);
	FreeExecutorState(estate);
}

static void
root_value(Jsonb *json, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(json))
		(void) JsonbExtractScalar(&json->root, value);
	else
	{
		value->type = jbvBinary;
		value->val.binary.data = &json->root;
		value->val.binary.len = VARSIZE(json) - VARHDRSZ;
	}
}

static void
convert(JsonbValue *value, Oid type, NullableDatum *arg)
{
	convert_base(value, type, arg);
	if (get_typtype(type) == TYPTYPE_DOMAIN)
		domain_check(arg->value, arg->isnull, type, NULL, NULL);
}

/* Rows and arrays are taken apart by the server's own function, scalars by their type's input. */
static void
convert_base(JsonbValue *value, Oid type, NullableDatum *arg)
{
	Oid			base = getBaseType(type);
	Oid			input_function;
	Oid			param;

	arg->isnull = false;
	if (base == JSONBOID)
	{
		arg->value = JsonbPGetDatum(JsonbValueToJsonb(value));
		return;
	}
	if (base == JSONOID)
	{
		arg->value = PointerGetDatum(pgdf_payload_from_jsonb(JsonbValueToJsonb(value)));
		return;
	}
	if (value->type == jbvNull)
	{
		arg->value = (Datum) 0;
		arg->isnull = true;
		return;
	}
	if (value->type == jbvBinary || type_is_rowtype(base) || OidIsValid(get_element_type(base)))
	{
		convert_by_query(value, type, arg);
		return;
	}
	getTypeInputInfo(type, &input_function, &param);
	arg->value = OidInputFunctionCall(input_function, scalar_text(value), param, -1);
}

static char *
scalar_text(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			elog(ERROR, "unexpected type of JSON scalar: %d", (int) value->type);
			return NULL;
	}
}

static void
convert_by_query(JsonbValue *value, Oid type, NullableDatum *arg)
{
	Oid			argtypes[1] = {JSONBOID};
	Datum		values[1] = {JsonbPGetDatum(JsonbValueToJsonb(value))};
	MemoryContext caller = CurrentMemoryContext;
	char	   *sql = psprintf("SELECT r.v FROM pg_catalog.jsonb_to_record("
							   "pg_catalog.jsonb_build_object('v', $1)) AS r(v %s)",
							   format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	int16		length;
	bool		by_value;

	SPI_connect();
	if (SPI_execute_with_args(sql, 1, argtypes, values, NULL, true, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not convert input to type %s", format_type_be(type));
	arg->value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &arg->isnull);
	if (!arg->isnull)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		get_typlenbyval(type, &length, &by_value);
		arg->value = datumCopy(arg->value, by_value, length);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
}

/* What to_jsonb makes of it; void and NULL are JSON null. */
static text *
result_to_json(Oid type, Datum value, bool isnull)
{
	FmgrInfo	to_jsonb;
	Node	   *argument;

	if (isnull || type == VOIDOID)
		return cstring_to_text("null");
	if (type == JSONBOID)
		return pgdf_payload_from_jsonb_checked(DatumGetJsonbP(value), "result");

	fmgr_info(F_TO_JSONB, &to_jsonb);
	argument = (Node *) makeNullConst(type, -1, InvalidOid);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(argument),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
					   &to_jsonb);
	return pgdf_payload_from_jsonb_checked(DatumGetJsonbP(FunctionCall1(&to_jsonb, value)),
										   "result");
}

/*
 * map.c
 *		What orchestrators call for a map: the members of its set are collected,
 *		hashed, and kept for the engine.
 *
 * They go into a tuplestore that outlives the function's subtransaction, which is
 * always rolled back: its memory is the turn's, its file belongs to the resource
 * owner of the engine call.  When history has the map already they are only hashed.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/resowner.h"

#include "compat.h"
#include "map.h"
#include "payload.h"
#include "retry.h"

/* Items of a map at most. */
#define MAP_ITEMS_MAX	100000000

/* What df_map_agg has seen of its group. */
typedef struct MapCollection
{
	Turn	   *turn;
	char	   *name;
	TaskOptions options;
	MapInputs  *inputs;
} MapCollection;

PG_FUNCTION_INFO_V1(df_map);
PG_FUNCTION_INFO_V1(df_call_map);
PG_FUNCTION_INFO_V1(df_map_agg_step);
PG_FUNCTION_INFO_V1(df_map_agg_final);

static int	schedule_map(Turn *turn, FunctionCallInfo fcinfo);
static char *name_arg(FunctionCallInfo fcinfo, int arg, MemoryContext context);
static void read_options(FunctionCallInfo fcinfo, int arg, MemoryContext context, TaskOptions *options);
static MapInputs *create_inputs(Turn *turn);
static void add_input(MapInputs *inputs, Jsonb *input);
static void add_elements(MapInputs *inputs, Jsonb *array);
static int	schedule_inputs(Turn *turn, const char *name, TaskOptions *options, MapInputs *inputs);
static Jsonb *scheduled_payload(const MapInputs *inputs, int max_in_flight);
static MapCollection *begin_collection(FunctionCallInfo fcinfo);

/* df_map(name, inputs, max_in_flight, retry, timeout, queue) */
Datum
df_map(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_map");

	PG_RETURN_INT64(pgdf_turn_handle(turn, schedule_map(turn, fcinfo)));
}

/* As df_map, and waits for the results. */
Datum
df_call_map(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_call_map");
	int64		handle = pgdf_turn_handle(turn, schedule_map(turn, fcinfo));

	pgdf_turn_await(turn, handle);
	PG_RETURN_JSONB_P(pgdf_turn_result(turn, handle));
}

/* df.map_agg_step(state, name, input [, max_in_flight, retry, timeout, queue]) */
Datum
df_map_agg_step(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_map_agg");
	MapCollection *collection;

	if (AggCheckCallContext(fcinfo, NULL) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "df.map_agg_step called in non-aggregate context");
	collection = PG_ARGISNULL(0) ? begin_collection(fcinfo) :
		(MapCollection *) PG_GETARG_POINTER(0);
	if (collection->turn != turn)
		elog(ERROR, "df_map_agg goes on in another turn");
	if (!PG_ARGISNULL(1))
	{
		char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

		if (pg_strcasecmp(name, collection->name) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("df_map_agg takes one activity, not both \"%s\" and \"%s\"",
							collection->name, name)));
		pfree(name);
	}
	add_input(collection->inputs, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	PG_RETURN_POINTER(collection);
}

/* A task for the group.  Of an empty set nothing is known, not even the activity: it is complete. */
Datum
df_map_agg_final(PG_FUNCTION_ARGS)
{
	Turn	   *turn = pgdf_turn_require("df_map_agg");
	int			number;

	if (PG_ARGISNULL(0))
	{
		TaskOptions options = {0};

		number = schedule_inputs(turn, NULL, &options, create_inputs(turn));
	}
	else
	{
		MapCollection *collection = (MapCollection *) PG_GETARG_POINTER(0);

		number = schedule_inputs(turn, collection->name, &collection->options, collection->inputs);
	}
	PG_RETURN_INT64(pgdf_turn_handle(turn, number));
}

void
pgdf_map_inputs_free(Turn *turn)
{
	ListCell   *cell;

	foreach(cell, turn->map_inputs)
	{
		MapInputs  *inputs = lfirst(cell);

		if (inputs->store != NULL)
			tuplestore_end(inputs->store);
		inputs->store = NULL;
	}
	turn->map_inputs = NIL;
}

TupleDesc
pgdf_map_inputs_desc(MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	TupleDesc	desc = CreateTemplateTupleDesc(1);

	TupleDescInitEntry(desc, 1, "input", TEXTOID, -1, 0);
	MemoryContextSwitchTo(caller);
	return desc;
}

/* -------------------------------------------------------------- arguments */

static int
schedule_map(Turn *turn, FunctionCallInfo fcinfo)
{
	TaskOptions options = {0};
	char	   *name = name_arg(fcinfo, 0, turn->context);
	Jsonb	   *array;
	MapInputs  *inputs;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("inputs of a map must not be null"),
				 errhint("An empty set is '[]'.")));
	array = PG_GETARG_JSONB_P(1);
	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("inputs of a map must be a JSON array"),
				 errhint("For the rows of a query, use df_map_agg().")));
	read_options(fcinfo, 2, turn->context, &options);
	inputs = create_inputs(turn);
	add_elements(inputs, array);
	return schedule_inputs(turn, name, &options, inputs);
}

static char *
name_arg(FunctionCallInfo fcinfo, int arg, MemoryContext context)
{
	MemoryContext caller;
	char	   *name;

	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("activity name must not be null")));
	caller = MemoryContextSwitchTo(context);
	name = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	MemoryContextSwitchTo(caller);
	pgdf_check_name(name, "activity name", PGDF_NAME_MAX);
	return name;
}

/* max_in_flight, retry, timeout, queue: from this argument on. */
static void
read_options(FunctionCallInfo fcinfo, int arg, MemoryContext context, TaskOptions *options)
{
	MemoryContext caller = MemoryContextSwitchTo(context);

	if (!PG_ARGISNULL(arg))
	{
		options->max_in_flight = PG_GETARG_INT32(arg);
		if (options->max_in_flight < 1)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("max_in_flight must be at least 1"),
					 errhint("NULL is no limit.")));
	}
	if (!PG_ARGISNULL(arg + 1))
	{
		options->retry = pgdf_payload_from_jsonb(PG_GETARG_JSONB_P(arg + 1));
		pgdf_retry_check(options->retry);
	}
	if (!PG_ARGISNULL(arg + 2))
	{
		options->timeout = DatumGetIntervalP(datumCopy(PG_GETARG_DATUM(arg + 2), false,
													   sizeof(Interval)));
		pgdf_check_timeout(options->timeout, "time-out");
	}
	if (!PG_ARGISNULL(arg + 3))
	{
		options->queue = text_to_cstring(PG_GETARG_TEXT_PP(arg + 3));
		pgdf_check_name(options->queue, "queue", PGDF_QUEUE_MAX);
	}
	MemoryContextSwitchTo(caller);
}

/* ----------------------------------------------------------------- inputs */

/* Kept only when the next task is new: history has what it has. */
static MapInputs *
create_inputs(Turn *turn)
{
	MemoryContext caller = MemoryContextSwitchTo(turn->context);
	ResourceOwner resource_owner = CurrentResourceOwner;
	MapInputs  *inputs = palloc0(sizeof(MapInputs));

	if (turn->next_task > turn->replay->ntasks)
	{
		CurrentResourceOwner = turn->resource_owner;
		inputs->store = tuplestore_begin_heap(false, false, work_mem);
		CurrentResourceOwner = resource_owner;
	}
	turn->map_inputs = lappend(turn->map_inputs, inputs);
	MemoryContextSwitchTo(caller);
	return inputs;
}

static void
add_input(MapInputs *inputs, Jsonb *input)
{
	if (inputs->count == MAP_ITEMS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("map has more than %d items", MAP_ITEMS_MAX)));
	if (input == NULL)
		input = pgdf_payload_null();
	inputs->hash = hash_combine64(inputs->hash, (uint64) pgdf_payload_hash(input));
	inputs->count++;
	if (inputs->store != NULL)
	{
		static TupleDesc desc = NULL;
		text	   *json = pgdf_payload_from_jsonb_checked(input, "input");
		Datum		value = PointerGetDatum(json);
		bool		isnull = false;

		if (desc == NULL)
			desc = pgdf_map_inputs_desc(TopMemoryContext);
		tuplestore_putvalues(inputs->store, desc, &value, &isnull);
		pfree(json);
	}
	else
		inputs->is_partial = true;
}

static void
add_elements(MapInputs *inputs, Jsonb *array)
{
	JsonbIterator *iterator = JsonbIteratorInit(&array->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	MemoryContext element = AllocSetContextCreate(CurrentMemoryContext, "pgdf map element",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = CurrentMemoryContext;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		MemoryContextSwitchTo(element);
		add_input(inputs, JsonbValueToJsonb(&value));
		MemoryContextSwitchTo(caller);
		MemoryContextReset(element);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextDelete(element);
}

static int
schedule_inputs(Turn *turn, const char *name, TaskOptions *options, MapInputs *inputs)
{
	bool		is_new = turn->next_task > turn->replay->ntasks;

	if (is_new && inputs->is_partial)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("df_map_agg cannot wait for a task in its arguments"),
				 errhint("Wait for it before, and keep its result in a variable.")));
	options->inputs = inputs;
	return pgdf_turn_schedule_hashed(turn, TASK_MAP, name,
									 scheduled_payload(inputs, options->max_in_flight),
									 (int64) hash_combine64(inputs->hash, (uint64) inputs->count),
									 options);
}

/* What history shows of it; pgdf_map_is_empty() knows how it begins. */
static Jsonb *
scheduled_payload(const MapInputs *inputs, int max_in_flight)
{
	char	   *limit = max_in_flight > 0 ? psprintf("%d", max_in_flight) : pstrdup("null");
	char	   *json = psprintf("{\"items\": " INT64_FORMAT ", \"maxInFlight\": %s}", inputs->count, limit);

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

static MapCollection *
begin_collection(FunctionCallInfo fcinfo)
{
	Turn	   *turn = pgdf_turn_require("df_map_agg");
	MapCollection *collection = MemoryContextAllocZero(turn->context, sizeof(MapCollection));

	collection->turn = turn;
	collection->name = name_arg(fcinfo, 1, turn->context);
	if (PG_NARGS() > 3)
		read_options(fcinfo, 3, turn->context, &collection->options);
	collection->inputs = create_inputs(turn);
	return collection;
}

/*
 * sql/api/510_map.sql: one activity for every member of a set.  For orchestrators.
 */

CREATE OR REPLACE FUNCTION df_map(
    name text,
    inputs jsonb,
    max_in_flight integer DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    queue text DEFAULT NULL
) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_map';
COMMENT ON FUNCTION df_map(text, jsonb, integer, jsonb, interval, text)
    IS 'schedule an activity for each element of a JSON array, as one task';

CREATE OR REPLACE FUNCTION df_call_map(
    name text,
    inputs jsonb,
    max_in_flight integer DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    queue text DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_call_map';
COMMENT ON FUNCTION df_call_map(text, jsonb, integer, jsonb, interval, text)
    IS 'run an activity for each element of a JSON array and return the results in order';

CREATE OR REPLACE FUNCTION df.map_agg_step(state internal, name text, input jsonb) RETURNS internal
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_map_agg_step';
COMMENT ON FUNCTION df.map_agg_step(internal, text, jsonb) IS 'transition function of df_map_agg';

CREATE OR REPLACE FUNCTION df.map_agg_step(
    state internal, name text, input jsonb, max_in_flight integer, retry jsonb, timeout interval, queue text
) RETURNS internal
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_map_agg_step';
COMMENT ON FUNCTION df.map_agg_step(internal, text, jsonb, integer, jsonb, interval, text)
    IS 'transition function of df_map_agg';

CREATE OR REPLACE FUNCTION df.map_agg_final(state internal) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_map_agg_final';
COMMENT ON FUNCTION df.map_agg_final(internal) IS 'final function of df_map_agg';

CREATE OR REPLACE AGGREGATE df_map_agg(name text, input jsonb) (
    SFUNC = df.map_agg_step,
    STYPE = internal,
    FINALFUNC = df.map_agg_final,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = UNSAFE
);
COMMENT ON AGGREGATE df_map_agg(text, jsonb)
    IS 'schedule an activity for each row of a set of any size, as one task';

CREATE OR REPLACE AGGREGATE df_map_agg(
    name text, input jsonb, max_in_flight integer, retry jsonb, timeout interval, queue text
) (
    SFUNC = df.map_agg_step,
    STYPE = internal,
    FINALFUNC = df.map_agg_final,
    FINALFUNC_MODIFY = READ_WRITE,
    PARALLEL = UNSAFE
);
COMMENT ON AGGREGATE df_map_agg(text, jsonb, integer, jsonb, interval, text)
    IS 'schedule an activity for each row of a set of any size, as one task';

CREATE OR REPLACE FUNCTION df_map_results(task df_task) RETURNS TABLE (n bigint, result jsonb, failure jsonb)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_map_results';
COMMENT ON FUNCTION df_map_results(df_task)
    IS 'wait for a map and return the result or the failure of each item';

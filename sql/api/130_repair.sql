/*
 * sql/api/130_repair.sql: what administrators do about what stands still.
 */

CREATE OR REPLACE FUNCTION df_redrive(instance_id text, task_id bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_redrive';
COMMENT ON FUNCTION df_redrive(text, bigint)
    IS 'put dead letters of an instance, or one of them, back into their queues; returns how many';

CREATE OR REPLACE FUNCTION df_repin(instance_id text) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_repin';
COMMENT ON FUNCTION df_repin(text)
    IS 'let a quarantined instance go on with the code as it is now; false when it is not quarantined';

CREATE OR REPLACE FUNCTION df.terminate_runaway(pid integer) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_terminate_runaway';
COMMENT ON FUNCTION df.terminate_runaway(integer)
    IS 'end a backend of this worker that does not answer, and count it against the instance whose code it runs; NULL when it is at work that is the engine''s own';

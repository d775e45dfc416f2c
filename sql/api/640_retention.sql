/*
 * sql/api/640_retention.sql: final instances that are old enough are deleted, by one of the workers.
 */

CREATE OR REPLACE FUNCTION df.retire_due(worker_key bigint) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_retire_due';
COMMENT ON FUNCTION df.retire_due(bigint)
    IS 'is anything older than pgdf.retention_* to be deleted, by this worker?';

CREATE OR REPLACE FUNCTION df.retire(worker_key bigint, OUT purged integer, OUT next_ms integer) RETURNS record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_retire';
COMMENT ON FUNCTION df.retire(bigint)
    IS 'delete some final instances that are older than pgdf.retention_*; when to call again';

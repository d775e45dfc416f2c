/*
 * sql/api/540_heartbeat.sql: progress of a SQL activity.
 */

CREATE OR REPLACE FUNCTION df_heartbeat(progress jsonb) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_heartbeat';
COMMENT ON FUNCTION df_heartbeat(jsonb) IS 'in a SQL activity: tell how far it is';

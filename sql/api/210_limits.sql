/*
 * sql/api/210_limits.sql: how many tasks of an activity may run, and begin in a second.
 */

CREATE OR REPLACE FUNCTION df_limit(
    activity text,
    max_running integer DEFAULT NULL,
    rate double precision DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_limit';
COMMENT ON FUNCTION df_limit(text, integer, double precision)
    IS 'limit an activity over all workers: how many run at once, how many begin in a second; NULL: no limit';

/* sql/api/300_helpers.sql: functions that are useful in orchestrators, activities and anywhere else. */

CREATE OR REPLACE FUNCTION df_text(value jsonb) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_text';
COMMENT ON FUNCTION df_text(jsonb)
    IS 'a JSON string without its quotes, NULL for JSON null, the JSON text of anything else';

CREATE OR REPLACE FUNCTION df_retry(
    max_attempts integer DEFAULT 3,
    first_delay interval DEFAULT '1 second',
    backoff double precision DEFAULT 2,
    max_delay interval DEFAULT '1 minute',
    retry_timeout interval DEFAULT NULL,
    jitter double precision DEFAULT 0,
    retry_on text[] DEFAULT NULL,
    no_retry_on text[] DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_retry';
COMMENT ON FUNCTION df_retry(integer, interval, double precision, interval, interval, double precision, text[], text[])
    IS 'a retry policy; times are kept in seconds';

CREATE OR REPLACE FUNCTION df_fail(
    error_type text,
    message text,
    retriable boolean DEFAULT false,
    properties jsonb DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_fail';
COMMENT ON FUNCTION df_fail(text, text, boolean, jsonb)
    IS 'raise a failure with an error type of your own';

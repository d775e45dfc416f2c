/*
 * sql/api/530_http.sql: requests to HTTP servers.  In a turn only; elsewhere these raise 55000.
 */

CREATE OR REPLACE FUNCTION df_http(
    url text,
    method text DEFAULT 'GET',
    body jsonb DEFAULT NULL,
    headers jsonb DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    poll boolean DEFAULT true
) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_http';
COMMENT ON FUNCTION df_http(text, text, jsonb, jsonb, jsonb, interval, boolean)
    IS 'have a worker make an HTTP request; it is made while the orchestrator goes on';

CREATE OR REPLACE FUNCTION df_call_http(
    url text,
    method text DEFAULT 'GET',
    body jsonb DEFAULT NULL,
    headers jsonb DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    poll boolean DEFAULT true
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_call_http';
COMMENT ON FUNCTION df_call_http(text, text, jsonb, jsonb, jsonb, interval, boolean)
    IS 'have a worker make an HTTP request, and wait for the answer: {"status", "headers", "body"}';

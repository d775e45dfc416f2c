/*
 * sql/api/700_http.sql: what the HTTP server calls; see docs/internals.md.
 *
 * Each acts for the role acting (NULL: the session user), of which both the
 * session user and the current user must be members.  Payloads are JSON text and
 * keep every byte.  code is the answer's HTTP code, message the text for
 * {"Message": ...}, NULL when there is none.
 */

CREATE OR REPLACE FUNCTION df.api_start(
    acting regrole,
    name text,
    input text,
    instance_id text DEFAULT NULL,
    start_options json DEFAULT NULL
) RETURNS TABLE (code integer, instance_id text, message text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_start';
COMMENT ON FUNCTION df.api_start(regrole, text, text, text, json) IS 'HTTP: start an instance';

CREATE OR REPLACE FUNCTION df.api_status(
    acting regrole,
    instance_id text,
    show_input boolean DEFAULT true,
    show_history boolean DEFAULT false,
    show_history_output boolean DEFAULT false
) RETURNS TABLE (code integer, runtime_status text, output text, changed text, body text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_status';
COMMENT ON FUNCTION df.api_status(regrole, text, boolean, boolean, boolean) IS 'HTTP: status of an instance';

CREATE OR REPLACE FUNCTION df.api_list(
    acting regrole,
    prefix text DEFAULT NULL,
    created_from timestamptz DEFAULT NULL,
    created_to timestamptz DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    name text DEFAULT NULL,
    tag_key text DEFAULT NULL,
    tag_value text DEFAULT NULL,
    show_input boolean DEFAULT true,
    top integer DEFAULT NULL,
    token text DEFAULT NULL
) RETURNS TABLE (body text, token text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_list';
COMMENT ON FUNCTION df.api_list(regrole, text, timestamptz, timestamptz, text[], text, text, text, boolean, integer, text)
    IS 'HTTP: a page of instances, and where the next one begins';

CREATE OR REPLACE FUNCTION df.api_control(acting regrole, verb text, instance_id text, reason text DEFAULT NULL)
    RETURNS TABLE (code integer, message text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_control';
COMMENT ON FUNCTION df.api_control(regrole, text, text, text) IS 'HTTP: terminate, suspend, resume, rewind';

CREATE OR REPLACE FUNCTION df.api_restart(acting regrole, instance_id text, with_new_id boolean DEFAULT true)
    RETURNS TABLE (code integer, instance_id text, message text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_restart';
COMMENT ON FUNCTION df.api_restart(regrole, text, boolean) IS 'HTTP: start an instance anew';

CREATE OR REPLACE FUNCTION df.api_raise_event(
    acting regrole,
    instance_id text,
    event_name text,
    content_ok boolean,
    payload text,
    event_id text DEFAULT NULL
) RETURNS TABLE (code integer, message text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_raise_event';
COMMENT ON FUNCTION df.api_raise_event(regrole, text, text, boolean, text, text) IS 'HTTP: send an event';

CREATE OR REPLACE FUNCTION df.api_purge(acting regrole, instance_id text)
    RETURNS TABLE (code integer, deleted bigint, message text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_purge';
COMMENT ON FUNCTION df.api_purge(regrole, text) IS 'HTTP: delete an instance';

CREATE OR REPLACE FUNCTION df.api_purge_list(
    acting regrole,
    created_from timestamptz,
    created_to timestamptz DEFAULT NULL,
    statuses text[] DEFAULT NULL
) RETURNS TABLE (code integer, deleted bigint, message text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_api_purge_list';
COMMENT ON FUNCTION df.api_purge_list(regrole, timestamptz, timestamptz, text[])
    IS 'HTTP: delete final instances by age and status';

CREATE OR REPLACE FUNCTION df.api_watch(acting regrole, instance_ids text[], seen text[])
    RETURNS TABLE (instance_id text, runtime_status text)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_api_watch';
COMMENT ON FUNCTION df.api_watch(regrole, text[], text[])
    IS 'HTTP: instances whose status is not as it was seen; NULL: gone';

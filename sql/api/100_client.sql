/* sql/api/100_client.sql: starting, watching and controlling instances. */

CREATE OR REPLACE FUNCTION df.status_name(status smallint) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_status_name';
COMMENT ON FUNCTION df.status_name(smallint) IS 'name of a runtime status';

CREATE OR REPLACE FUNCTION df.event_type_name(event_type smallint) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_event_type_name';
COMMENT ON FUNCTION df.event_type_name(smallint) IS 'name of a type of history event';

CREATE OR REPLACE FUNCTION df.waiting_reason(instance_key bigint) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_waiting_reason';
COMMENT ON FUNCTION df.waiting_reason(bigint)
    IS 'what a running instance waits for in vain: a dead letter, an activity that nobody serves';

CREATE OR REPLACE FUNCTION df_start(
    name text,
    input jsonb DEFAULT NULL,
    instance_id text DEFAULT NULL,
    start_at timestamptz DEFAULT NULL,
    if_exists text DEFAULT 'error',
    tags jsonb DEFAULT NULL,
    version text DEFAULT NULL,
    priority integer DEFAULT 0,
    queue text DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_start';
COMMENT ON FUNCTION df_start(text, jsonb, text, timestamptz, text, jsonb, text, integer, text)
    IS 'start an instance of an orchestrator as part of this transaction; returns its id';

CREATE OR REPLACE PROCEDURE df_run(name text, input jsonb DEFAULT NULL, INOUT output jsonb DEFAULT NULL)
    LANGUAGE c AS 'MODULE_PATHNAME', 'df_run';
COMMENT ON PROCEDURE df_run(text, jsonb, jsonb)
    IS 'start an instance, commit, and wait for its output; not inside a transaction block';

CREATE OR REPLACE FUNCTION df_status(instance_id text) RETURNS TABLE (
    instance_id text,
    name text,
    runtime_status text,
    input jsonb,
    custom_status jsonb,
    output jsonb,
    created_time timestamptz,
    last_updated_time timestamptz,
    completed_time timestamptz,
    failure_details jsonb,
    tasks_completed integer,
    tasks_total integer,
    blocked_reason text
)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_status';
COMMENT ON FUNCTION df_status(text)
    IS 'the instance as it is now; no row when there is none, or none of yours';

CREATE OR REPLACE FUNCTION df_wait(instance_id text, timeout interval DEFAULT '60 seconds') RETURNS TABLE (
    instance_id text,
    name text,
    runtime_status text,
    input jsonb,
    custom_status jsonb,
    output jsonb,
    created_time timestamptz,
    last_updated_time timestamptz,
    completed_time timestamptz,
    failure_details jsonb,
    tasks_completed integer,
    tasks_total integer,
    blocked_reason text
)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'df_wait';
COMMENT ON FUNCTION df_wait(text, interval)
    IS 'df_status when the instance is final, or when time is up (NULL: never)';

CREATE OR REPLACE FUNCTION df_result(instance_id text, timeout interval DEFAULT '60 seconds') RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_result';
COMMENT ON FUNCTION df_result(text, interval)
    IS 'wait for the output; a failure is raised as DF002, termination as DF004, the time-out as DF003';

CREATE OR REPLACE FUNCTION df_history(instance_id text) RETURNS TABLE (
    execution integer,
    event_id integer,
    event_type text,
    event_time timestamptz,
    task_id integer,
    name text,
    payload jsonb,
    failure_details jsonb
)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_history';
COMMENT ON FUNCTION df_history(text) IS 'the events of all executions of an instance, in order';

CREATE OR REPLACE FUNCTION df_terminate(
    instance_id text,
    reason text DEFAULT NULL,
    recursive boolean DEFAULT true
) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_terminate';
COMMENT ON FUNCTION df_terminate(text, text, boolean)
    IS 'ask for the end of an instance and, if recursive, of its children; false when it is final already';

CREATE OR REPLACE FUNCTION df_suspend(instance_id text, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_suspend';
COMMENT ON FUNCTION df_suspend(text, text)
    IS 'let an instance stand still until df_resume; false when there is nothing to do';

CREATE OR REPLACE FUNCTION df_resume(instance_id text, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_resume';
COMMENT ON FUNCTION df_resume(text, text)
    IS 'let a suspended instance go on; false when there is nothing to do';

CREATE OR REPLACE FUNCTION df_rewind(instance_id text, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_rewind';
COMMENT ON FUNCTION df_rewind(text, text)
    IS 'take back the failure that ended an instance and what came after it; false when it has not failed';

CREATE OR REPLACE FUNCTION df_restart(instance_id text, new_instance_id text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_restart';
COMMENT ON FUNCTION df_restart(text, text)
    IS 'start an instance anew with what it was started with; returns the id of the new one';

CREATE OR REPLACE FUNCTION df_raise_event(
    instance_id text,
    event_name text,
    payload jsonb DEFAULT NULL,
    event_id text DEFAULT NULL
) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_raise_event';
COMMENT ON FUNCTION df_raise_event(text, text, jsonb, text)
    IS 'send an event to an instance as part of this transaction; false when its event_id was used before';

CREATE OR REPLACE FUNCTION df_purge(instance_id text) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_purge';
COMMENT ON FUNCTION df_purge(text)
    IS 'delete a final instance with its final children; returns how many instances that were';

CREATE OR REPLACE FUNCTION df_purge_before(
    created_before timestamptz,
    runtime_status text[] DEFAULT '{Completed,Failed,Terminated,Canceled}',
    created_from timestamptz DEFAULT '-infinity',
    max_instances bigint DEFAULT NULL
) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_purge_before';
COMMENT ON FUNCTION df_purge_before(timestamptz, text[], timestamptz, bigint)
    IS 'delete final instances by age and status, with their final children; returns how many';

CREATE OR REPLACE FUNCTION df.awaited_tasks(awaited bytea, remaining integer[]) RETURNS TABLE (task_id integer, name text)
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_awaited_tasks';
COMMENT ON FUNCTION df.awaited_tasks(bytea, integer[]) IS 'the open tasks of a stored awaited expression';

CREATE OR REPLACE FUNCTION df_waits(instance_id text DEFAULT NULL) RETURNS TABLE (
    instance_id text,
    task_id bigint,
    kind text,
    name text,
    since timestamptz,
    due timestamptz,
    served boolean,
    progress jsonb,
    function text,
    line integer
)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_waits';
COMMENT ON FUNCTION df_waits(text)
    IS 'what an instance waits for, since when, and where in its code; NULL: every live instance';

CREATE OR REPLACE FUNCTION df_tree(instance_id text) RETURNS TABLE (
    depth integer,
    instance_id text,
    parent_instance_id text,
    name text,
    runtime_status text
)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_tree';
COMMENT ON FUNCTION df_tree(text) IS 'the family of an instance: ancestors, itself, children';

/*
 * sql/api/500_context.sql: what orchestrators call.  Elsewhere these raise 55000.
 */

CREATE OR REPLACE FUNCTION df_activity(
    name text,
    input jsonb DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    queue text DEFAULT NULL,
    priority integer DEFAULT NULL,
    schedule_timeout interval DEFAULT NULL
) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_activity';
COMMENT ON FUNCTION df_activity(text, jsonb, jsonb, interval, text, integer, interval)
    IS 'schedule an activity; it runs while the orchestrator goes on';

CREATE OR REPLACE FUNCTION df_call_activity(
    name text,
    input jsonb DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    queue text DEFAULT NULL,
    priority integer DEFAULT NULL,
    schedule_timeout interval DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_call_activity';
COMMENT ON FUNCTION df_call_activity(text, jsonb, jsonb, interval, text, integer, interval)
    IS 'schedule an activity and wait for its result';

CREATE OR REPLACE FUNCTION df_sub_orchestrator(
    name text,
    input jsonb DEFAULT NULL,
    instance_id text DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    version text DEFAULT NULL,
    tags jsonb DEFAULT NULL
) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sub_orchestrator_1_1';
COMMENT ON FUNCTION df_sub_orchestrator(text, jsonb, text, jsonb, text, jsonb)
    IS 'start a child instance; it runs while the orchestrator goes on';

CREATE OR REPLACE FUNCTION df_call_sub_orchestrator(
    name text,
    input jsonb DEFAULT NULL,
    instance_id text DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    version text DEFAULT NULL,
    tags jsonb DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_call_sub_orchestrator_1_1';
COMMENT ON FUNCTION df_call_sub_orchestrator(text, jsonb, text, jsonb, text, jsonb)
    IS 'start a child instance and wait for its output';

CREATE OR REPLACE FUNCTION df_timer(delay interval) RETURNS df_task
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_timer';
COMMENT ON FUNCTION df_timer(interval) IS 'a task that is complete after this time';

CREATE OR REPLACE FUNCTION df_timer_at(fire_at timestamptz) RETURNS df_task
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_timer_at';
COMMENT ON FUNCTION df_timer_at(timestamptz) IS 'a task that is complete at this time';

CREATE OR REPLACE FUNCTION df_sleep(delay interval) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sleep';
COMMENT ON FUNCTION df_sleep(interval) IS 'wait for this time';

CREATE OR REPLACE FUNCTION df_sleep_until(fire_at timestamptz) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sleep_until';
COMMENT ON FUNCTION df_sleep_until(timestamptz) IS 'wait until this time';

CREATE OR REPLACE FUNCTION df_event(event_name text) RETURNS df_task
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_event';
COMMENT ON FUNCTION df_event(text) IS 'a task that is complete when an event of this name has been raised';

CREATE OR REPLACE FUNCTION df_wait_event(event_name text, timeout interval DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_wait_event';
COMMENT ON FUNCTION df_wait_event(text, interval)
    IS 'wait for an event and return its payload, or SQL NULL when the time is over';

CREATE OR REPLACE FUNCTION df_cancel(task df_task) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_cancel';
COMMENT ON FUNCTION df_cancel(df_task) IS 'stop a timer, a wait for an event or an activity';

CREATE OR REPLACE FUNCTION df_continue_as_new(input jsonb DEFAULT NULL, keep_events boolean DEFAULT true) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_continue_as_new';
COMMENT ON FUNCTION df_continue_as_new(jsonb, boolean)
    IS 'begin the orchestrator anew with this input and an empty history; never returns';

CREATE OR REPLACE FUNCTION df_await(task df_task) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_await';
COMMENT ON FUNCTION df_await(df_task) IS 'wait for a task and return its result, or raise its failure';

CREATE OR REPLACE FUNCTION df_is_completed(task df_task) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_is_completed';
COMMENT ON FUNCTION df_is_completed(df_task) IS 'has a task an outcome?';

CREATE OR REPLACE FUNCTION df_all(tasks df_task[]) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_all';
COMMENT ON FUNCTION df_all(df_task[]) IS 'a task that is complete when all of these are';

CREATE OR REPLACE FUNCTION df_any(tasks df_task[]) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_any';
COMMENT ON FUNCTION df_any(df_task[]) IS 'a task that is complete when the first of these is';

CREATE OR REPLACE FUNCTION df_when_all(tasks df_task[], fail_fast boolean DEFAULT false) RETURNS jsonb[]
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_all';
COMMENT ON FUNCTION df_when_all(df_task[], boolean)
    IS 'wait for all tasks and return their results in order, or raise the first failure';

CREATE OR REPLACE FUNCTION df_when_all(task df_task, other df_task, VARIADIC more df_task[] DEFAULT '{}') RETURNS jsonb[]
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_all_tasks';
COMMENT ON FUNCTION df_when_all(df_task, df_task, df_task[])
    IS 'wait for all tasks and return their results in order, or raise the first failure';

CREATE OR REPLACE FUNCTION df_when_any(tasks df_task[]) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_any';
COMMENT ON FUNCTION df_when_any(df_task[]) IS 'wait for the first task to complete and return it';

CREATE OR REPLACE FUNCTION df_when_any(task df_task, other df_task, VARIADIC more df_task[] DEFAULT '{}') RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_any_tasks';
COMMENT ON FUNCTION df_when_any(df_task, df_task, df_task[])
    IS 'wait for the first task to complete and return it';

CREATE OR REPLACE FUNCTION df_when_all_settled(tasks df_task[]) RETURNS TABLE (n integer, result jsonb, failure jsonb)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_all_settled';
COMMENT ON FUNCTION df_when_all_settled(df_task[])
    IS 'wait for all tasks and return the result or the failure of each';

CREATE OR REPLACE FUNCTION df_failure() RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_failure';
COMMENT ON FUNCTION df_failure() IS 'failureDetails of the failure that was raised last in this turn';

CREATE OR REPLACE FUNCTION df_record(value jsonb) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_record';
COMMENT ON FUNCTION df_record(jsonb) IS 'record a value the first time, return the recorded one ever after';

CREATE OR REPLACE FUNCTION df_set_custom_status(status jsonb) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_set_custom_status';
COMMENT ON FUNCTION df_set_custom_status(jsonb) IS 'set what df_status shows as custom_status';

CREATE OR REPLACE FUNCTION df_now() RETURNS timestamptz
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_now';
COMMENT ON FUNCTION df_now() IS 'recorded time of the turn';

CREATE OR REPLACE FUNCTION df_uuid() RETURNS uuid
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_uuid';
COMMENT ON FUNCTION df_uuid() IS 'a UUID that is the same at every replay';

CREATE OR REPLACE FUNCTION df_random() RETURNS double precision
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_random';
COMMENT ON FUNCTION df_random() IS 'a number from 0 to below 1 that is the same at every replay';

CREATE OR REPLACE FUNCTION df_instance_id() RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_instance_id';
COMMENT ON FUNCTION df_instance_id() IS 'id of the instance whose turn it is';

CREATE OR REPLACE FUNCTION df_input() RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_input';
COMMENT ON FUNCTION df_input() IS 'input of the instance whose turn it is';

CREATE OR REPLACE FUNCTION df_is_replaying() RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_is_replaying';
COMMENT ON FUNCTION df_is_replaying() IS 'is the function still in a part that an earlier turn has run?';

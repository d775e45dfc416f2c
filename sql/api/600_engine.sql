/*
 * sql/api/600_engine.sql: what workers call; see docs/internals.md.
 */

CREATE OR REPLACE FUNCTION df.random_fence() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_random_fence';
COMMENT ON FUNCTION df.random_fence() IS 'a new fence of a claimed task';

CREATE OR REPLACE FUNCTION df.attach(
    boot_id uuid,
    name text,
    queues text[],
    activities text[],
    slots integer,
    details json DEFAULT NULL,
    OUT worker_key bigint,
    OUT lease_ms integer,
    OUT grace_ms integer,
    OUT version text
) RETURNS record
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_attach';
COMMENT ON FUNCTION df.attach(uuid, text, text[], text[], integer, json)
    IS 'begin or resume a worker session on its control connection';

CREATE OR REPLACE FUNCTION df.work(
    worker_key bigint,
    queues text[],
    activities text[],
    room integer,
    turns integer,
    mode text,
    done_instances bigint[],
    done_tasks integer[],
    done_fences bigint[],
    done_outcomes text,
    done_payloads text[]
) RETURNS TABLE (
    what "char",
    instance_key bigint,
    task_id integer,
    fence bigint,
    name text,
    instance_id text,
    execution integer,
    attempt integer,
    idempotency_key text,
    timeout_ms bigint,
    input text,
    settings text,
    traceparent text
)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_work';
COMMENT ON FUNCTION df.work(bigint, text[], text[], integer, integer, text, bigint[], integer[], bigint[], text, text[])
    IS 'record finished tasks, advance instances, claim tasks';

CREATE OR REPLACE FUNCTION df.run_sql(worker_key bigint, instance_key bigint, task_id integer, fence bigint) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_run_sql';
COMMENT ON FUNCTION df.run_sql(bigint, bigint, integer, bigint)
    IS 'run a claimed SQL activity of the slow lane and record its outcome';

CREATE OR REPLACE FUNCTION df.sweep(
    worker_key bigint,
    OUT alive boolean,
    OUT taken integer,
    OUT next_ms integer
) RETURNS record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sweep';
COMMENT ON FUNCTION df.sweep(bigint) IS 'renew a worker''s lease and take over from workers that are gone';

CREATE OR REPLACE FUNCTION df.idle(is_idle boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_idle';
COMMENT ON FUNCTION df.idle(boolean) IS 'take or release the lock that says that a worker sleeps';

CREATE OR REPLACE FUNCTION df.wake() RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_wake';
COMMENT ON FUNCTION df.wake() IS 'notify workers if one is idle';

CREATE OR REPLACE FUNCTION df.detach(worker_key bigint) RETURNS integer
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_detach';
COMMENT ON FUNCTION df.detach(bigint) IS 'give back a worker''s claims and end its session';

/* Built by make from sql/schema and sql/api. */

\echo Use "CREATE EXTENSION pgdf" to load this file. \quit

/* sql/schema/010_types.sql: the schema df and the type df_task. */

CREATE SCHEMA df;
COMMENT ON SCHEMA df IS 'pgdf: tables, views and the functions that workers call';

CREATE TYPE df_task;

CREATE FUNCTION df_task_in(cstring) RETURNS df_task
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION df_task_out(df_task) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

/* Same representation as bigint, so its comparison and hash support serve both. */
CREATE TYPE df_task (
    INPUT = df_task_in,
    OUTPUT = df_task_out,
    LIKE = pg_catalog.int8
);
COMMENT ON TYPE df_task IS 'handle of something an orchestrator can await; valid in the execution that made it';

CREATE FUNCTION df_task_eq(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8eq';
CREATE FUNCTION df_task_ne(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8ne';
CREATE FUNCTION df_task_lt(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8lt';
CREATE FUNCTION df_task_le(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8le';
CREATE FUNCTION df_task_gt(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8gt';
CREATE FUNCTION df_task_ge(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8ge';
CREATE FUNCTION df_task_cmp(df_task, df_task) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'btint8cmp';
CREATE FUNCTION df_task_hash(df_task) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'hashint8';
CREATE FUNCTION df_task_hash_extended(df_task, bigint) RETURNS bigint
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'hashint8extended';

CREATE OPERATOR = (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS df_task_ops DEFAULT FOR TYPE df_task USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 df_task_cmp(df_task, df_task);
CREATE OPERATOR CLASS df_task_ops DEFAULT FOR TYPE df_task USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 df_task_hash(df_task),
    FUNCTION 2 df_task_hash_extended(df_task, bigint);

/*
 * sql/schema/020_tables.sql: everything pgdf remembers.
 *
 * No role has any right on these tables; only the extension's C code reads and
 * writes them, as the extension's owner.  There are no foreign keys between
 * them: the engine takes rows in a fixed order (tasks, then the instance), and
 * a foreign key would add row locks in an order of its own.
 *
 * Payloads are of type json: the text as it came, validated at the door.
 */

/* ------------------------------------------------------------ registrations */

/* What df_register_orchestrator() and df_register_activity() have recorded. */
CREATE TABLE df.registrations (
    name_key      text COLLATE "C" NOT NULL,  -- lower(name)
    version       text COLLATE "C" NOT NULL DEFAULT '', -- '' = no version given
    name          text NOT NULL,              -- as it was registered
    kind          text NOT NULL CHECK (kind IN ('orchestrator', 'sql', 'worker', 'http')),
    function      text,                       -- schema-qualified signature; NULL for worker and http activities
    function_owner regrole,
    code_hash     text,                       -- of the definition and its owner, when registered
    search_path   text,                       -- what the function runs with
    queue         text,                       -- activities: default queue
    retry         json,                       -- activities: default retry policy
    timeout       interval,                   -- activities: default time-out of an attempt
    settings      json,                       -- activities: for the worker that runs it
    registrar     regrole NOT NULL,           -- owner of the name
    registered_at timestamptz NOT NULL,
    registration_seq bigint NOT NULL,         -- the highest of a name is what NULL version means
    PRIMARY KEY (name_key, version)
);
CREATE SEQUENCE df.registration_seq OWNED BY df.registrations.registration_seq;
ALTER TABLE df.registrations ALTER registration_seq SET DEFAULT pg_catalog.nextval('df.registration_seq');

/* ---------------------------------------------------------------- instances */

CREATE SEQUENCE df.instance_key_seq;

/* One row an instance.  Writer: df_start inserts; then only the engine, which holds the row lock. */
CREATE TABLE df.instance_state (
    instance_key    bigint PRIMARY KEY DEFAULT pg_catalog.nextval('df.instance_key_seq'),
    instance_id     text COLLATE "C" NOT NULL UNIQUE,
    run_id          uuid NOT NULL,              -- new with every start, restart, replace
    execution       integer NOT NULL DEFAULT 0, -- raised by continue-as-new
    name            text NOT NULL,              -- of the orchestrator, as registered
    version         text COLLATE "C" NOT NULL DEFAULT '',
    owner           regrole NOT NULL,           -- who started it; its code runs with this role's rights
    code_hash       text,                       -- of the definition it runs
    status          smallint NOT NULL DEFAULT 6, -- see pgdf_status_names
    parent_instance_key bigint,
    parent_execution integer,
    parent_task_id  integer,
    root_instance_key bigint,
    tags            jsonb,
    priority        integer NOT NULL DEFAULT 0, -- higher first
    queue           text,                       -- default queue of its activities
    traceparent     text,
    created_at      timestamptz NOT NULL,
    scheduled_start_at timestamptz,
    last_updated_at timestamptz NOT NULL,
    completed_at    timestamptz,
    input           json,
    output          json,
    failure         json,                       -- failureDetails
    custom_status   json,
    next_event_id   integer NOT NULL DEFAULT 1, -- history is dense: 1, 2, 3 ...
    next_task_id    integer NOT NULL DEFAULT 1, -- number of the next task not yet in history
    tasks_total     integer NOT NULL DEFAULT 0,
    tasks_completed integer NOT NULL DEFAULT 0,
    turns           integer NOT NULL DEFAULT 0,
    turn_failures   smallint NOT NULL DEFAULT 0, -- in a row, of the system's making; 3 quarantine it
    awaited         bytea,                      -- what it waits for: AwaitTree of await.h
    await_remaining integer[],                  -- one counter a node of awaited
    waiting_at      text,                       -- error context of its last suspension: function and line
    buffered_events integer NOT NULL DEFAULT 0, -- its rows in df.buffered_events
    blocked_reason  text,                       -- why it is quarantined
    blocked_hash    text                        -- of its orchestrator's code at that time; NULL: not the code's fault
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
ALTER SEQUENCE df.instance_key_seq OWNED BY df.instance_state.instance_key;
/* children of a finished instance; purge of a tree */
CREATE INDEX instance_state_parent_idx ON df.instance_state (parent_instance_key)
    WHERE parent_instance_key IS NOT NULL;
/* lists and filters by age */
CREATE INDEX instance_state_created_at_idx ON df.instance_state (created_at, instance_key);

/* quarantined instances, to be tried again when their code has changed */
CREATE INDEX instance_state_blocked_idx ON df.instance_state (instance_key)
    WHERE blocked_reason IS NOT NULL;

/* Definitions that instances began with: the text behind the function's name. */
CREATE TABLE df.code (
    code_hash    text COLLATE "C" PRIMARY KEY,
    definition   text NOT NULL,
    owner        regrole NOT NULL,              -- of the function
    recorded_at  timestamptz NOT NULL
);

/* The ordered events of an execution.  Writer: the engine alone; never updated. */
CREATE TABLE df.history (
    instance_key bigint NOT NULL,
    execution    integer NOT NULL,
    event_id     integer NOT NULL,
    event_type   smallint NOT NULL,             -- see history.h
    task_id      integer,
    event_time   timestamptz NOT NULL,
    name         text,
    input_hash   bigint,                        -- scheduled events: hash of the input's jsonb form
    payload      json,                          -- input or result
    failure      json,                          -- failureDetails
    PRIMARY KEY (instance_key, execution, event_id)
) WITH (autovacuum_vacuum_cost_delay = 0);

/* --------------------------------------------------------------------- work */

/*
 * Open activities.  A row is inserted by the turn that schedules it, claimed and
 * recorded by df.work, and deleted when its outcome is in history (a failed one
 * stays, for rewind, as long as the instance does).
 */
CREATE SEQUENCE df.task_seq;
CREATE TABLE df.tasks (
    instance_key bigint NOT NULL,
    task_id      integer NOT NULL,
    execution    integer NOT NULL,
    scheduled_event integer NOT NULL,           -- the event with its input
    lane         text COLLATE "C" NOT NULL,     -- lower(name), or '*sql', '*slow' for SQL activities
    name         text NOT NULL,
    queue        text COLLATE "C" NOT NULL,
    priority     integer NOT NULL DEFAULT 0,    -- higher first
    seq          bigint NOT NULL DEFAULT pg_catalog.nextval('df.task_seq'),
    state        smallint NOT NULL DEFAULT 0,   -- 0 queued, 1 claimed, 2 delayed, 3 failed, 4 dead, 5 parked
    visible_at   timestamptz,                   -- state 2: when it is queued again
    fence        bigint,                        -- state 1: the right to complete it
    worker_key   bigint,                        -- state 1: who holds it
    claimed_at   timestamptz,
    deliveries   smallint NOT NULL DEFAULT 0,   -- how often it was handed out without an answer
    attempts     smallint NOT NULL DEFAULT 0,   -- how often it was started
    is_started   boolean NOT NULL DEFAULT false, -- this delivery has been counted as an attempt
    at_most_once boolean NOT NULL DEFAULT false, -- max_attempts is 1: never handed out twice
    retry        json,
    timeout      interval,                      -- of an attempt
    scheduled_at timestamptz NOT NULL,
    schedule_deadline timestamptz,
    settings     json,
    progress     json,                          -- last heartbeat
    last_failure json,                          -- of the last attempt
    PRIMARY KEY (instance_key, task_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
ALTER SEQUENCE df.task_seq OWNED BY df.tasks.seq;
/* a claim: one lane, best priority first, oldest first */
CREATE INDEX tasks_lane_idx ON df.tasks (queue, lane, priority DESC, seq) WHERE state = 0;
/* delayed tasks that are due */
CREATE INDEX tasks_visible_at_idx ON df.tasks (visible_at) WHERE state = 2;
/* tasks that are out of time */
CREATE INDEX tasks_schedule_deadline_idx ON df.tasks (schedule_deadline)
    WHERE schedule_deadline IS NOT NULL AND state < 3;
/* what a worker holds, when it is gone */
CREATE INDEX tasks_worker_idx ON df.tasks (worker_key) WHERE state = 1;

/*
 * Events on their way to an instance.  Insert-only for everybody but the engine,
 * and a row here is what makes an instance ready.
 */
CREATE SEQUENCE df.inbox_seq;
CREATE TABLE df.inbox (
    inbox_id     bigint PRIMARY KEY DEFAULT pg_catalog.nextval('df.inbox_seq'),
    instance_key bigint NOT NULL,
    execution    integer,                       -- NULL: whichever is current
    event_type   smallint NOT NULL,
    task_id      integer,
    event_time   timestamptz NOT NULL,
    name         text,
    payload      json,
    failure      json
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
ALTER SEQUENCE df.inbox_seq OWNED BY df.inbox.inbox_id;
/* purge, and the rest of an instance's deliveries */
CREATE INDEX inbox_instance_idx ON df.inbox (instance_key);

/* What is due later.  task_id 0 runs a turn: a scheduled start, or another try of a turn. */
CREATE TABLE df.timers (
    instance_key bigint NOT NULL,
    task_id      integer NOT NULL,
    execution    integer NOT NULL,
    fire_at      timestamptz NOT NULL,
    PRIMARY KEY (instance_key, task_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX timers_fire_at_idx ON df.timers (fire_at);

/* External events that nobody has waited for yet, first in, first out.  Kept across continue-as-new. */
CREATE TABLE df.buffered_events (
    instance_key bigint NOT NULL,
    event_seq    bigint NOT NULL DEFAULT pg_catalog.nextval('df.inbox_seq'),
    name         text NOT NULL,
    payload      json,
    raised_at    timestamptz NOT NULL,
    PRIMARY KEY (instance_key, event_seq)
);

/* The event_id of df_raise_event calls, so that a repeated call raises no second event. */
CREATE TABLE df.event_ids (
    instance_key bigint NOT NULL,
    event_id     text COLLATE "C" NOT NULL,
    PRIMARY KEY (instance_key, event_id)
);

/* ------------------------------------------------------------------ workers */

/* One row a worker process, from attach to detach or takeover. */
CREATE TABLE df.worker_sessions (
    worker_key    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    boot_id       uuid NOT NULL UNIQUE,         -- new with every start of the process
    name          text NOT NULL,                -- host:pid, for people
    role          regrole NOT NULL,
    queues        text[] NOT NULL,
    activities    text[] NOT NULL,              -- lower case
    slots         integer NOT NULL,
    details       json,
    attached_at   timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    lease_until   timestamptz NOT NULL,
    absent_since  timestamptz,                  -- when its presence lock was first seen free
    fenced        bigint NOT NULL DEFAULT 0     -- late results that were dropped
) WITH (fillfactor = 50);

/* Running tasks whose worker must be told to stop. */
CREATE TABLE df.cancellations (
    worker_key   bigint NOT NULL,
    instance_key bigint NOT NULL,
    task_id      integer NOT NULL,
    fence        bigint NOT NULL,
    PRIMARY KEY (worker_key, instance_key, task_id, fence)
);

/* sql/api/100_client.sql: starting, watching and controlling instances. */

CREATE FUNCTION df.status_name(status smallint) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_status_name';
COMMENT ON FUNCTION df.status_name(smallint) IS 'name of a runtime status';

CREATE FUNCTION df.event_type_name(event_type smallint) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_event_type_name';
COMMENT ON FUNCTION df.event_type_name(smallint) IS 'name of a type of history event';

CREATE FUNCTION df_start(
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

CREATE PROCEDURE df_run(name text, input jsonb DEFAULT NULL, INOUT output jsonb DEFAULT NULL)
    LANGUAGE c AS 'MODULE_PATHNAME', 'df_run';
COMMENT ON PROCEDURE df_run(text, jsonb, jsonb)
    IS 'start an instance, commit, and wait for its output; not inside a transaction block';

CREATE FUNCTION df_status(instance_id text) RETURNS TABLE (
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

CREATE FUNCTION df_wait(instance_id text, timeout interval DEFAULT '60 seconds') RETURNS TABLE (
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

CREATE FUNCTION df_result(instance_id text, timeout interval DEFAULT '60 seconds') RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_result';
COMMENT ON FUNCTION df_result(text, interval)
    IS 'wait for the output; a failure is raised as DF002, termination as DF004, the time-out as DF003';

CREATE FUNCTION df_history(instance_id text) RETURNS TABLE (
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

CREATE FUNCTION df_terminate(
    instance_id text,
    reason text DEFAULT NULL,
    recursive boolean DEFAULT true
) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_terminate';
COMMENT ON FUNCTION df_terminate(text, text, boolean)
    IS 'ask for the end of an instance and, if recursive, of its children; false when it is final already';

CREATE FUNCTION df_suspend(instance_id text, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_suspend';
COMMENT ON FUNCTION df_suspend(text, text)
    IS 'let an instance stand still until df_resume; false when there is nothing to do';

CREATE FUNCTION df_resume(instance_id text, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_resume';
COMMENT ON FUNCTION df_resume(text, text)
    IS 'let a suspended instance go on; false when there is nothing to do';

CREATE FUNCTION df_rewind(instance_id text, reason text DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_rewind';
COMMENT ON FUNCTION df_rewind(text, text)
    IS 'take back the failure that ended an instance and what came after it; false when it has not failed';

CREATE FUNCTION df_restart(instance_id text, new_instance_id text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_restart';
COMMENT ON FUNCTION df_restart(text, text)
    IS 'start an instance anew with what it was started with; returns the id of the new one';

CREATE FUNCTION df_raise_event(
    instance_id text,
    event_name text,
    payload jsonb DEFAULT NULL,
    event_id text DEFAULT NULL
) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_raise_event';
COMMENT ON FUNCTION df_raise_event(text, text, jsonb, text)
    IS 'send an event to an instance as part of this transaction; false when its event_id was used before';

CREATE FUNCTION df_purge(instance_id text) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_purge';
COMMENT ON FUNCTION df_purge(text)
    IS 'delete a final instance with its final children; returns how many instances that were';

CREATE FUNCTION df_purge_before(
    created_before timestamptz,
    runtime_status text[] DEFAULT '{Completed,Failed,Terminated,Canceled}',
    created_from timestamptz DEFAULT '-infinity',
    max_instances bigint DEFAULT NULL
) RETURNS bigint
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_purge_before';
COMMENT ON FUNCTION df_purge_before(timestamptz, text[], timestamptz, bigint)
    IS 'delete final instances by age and status, with their final children; returns how many';

CREATE FUNCTION df.awaited_tasks(awaited bytea, remaining integer[]) RETURNS TABLE (task_id integer, name text)
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_awaited_tasks';
COMMENT ON FUNCTION df.awaited_tasks(bytea, integer[]) IS 'the open tasks of a stored awaited expression';

CREATE FUNCTION df_waits(instance_id text DEFAULT NULL) RETURNS TABLE (
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

CREATE FUNCTION df_tree(instance_id text) RETURNS TABLE (
    depth integer,
    instance_id text,
    parent_instance_id text,
    name text,
    runtime_status text
)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_tree';
COMMENT ON FUNCTION df_tree(text) IS 'the family of an instance: ancestors, itself, children';

/*
 * sql/api/110_views.sql: what a role may see of the tables.
 *
 * A row belongs to a role; its members see it, and administrators (members of
 * the owner of schema df) see all.  The views are security barriers: no
 * function of a query sees a row before that is checked.
 */

CREATE VIEW df.instances WITH (security_barrier) AS
SELECT
    i.instance_id,
    i.name,
    df.status_name(i.status) AS runtime_status,
    i.input::jsonb AS input,
    i.custom_status::jsonb AS custom_status,
    i.output::jsonb AS output,
    i.created_at AS created_time,
    i.last_updated_at AS last_updated_time,
    i.completed_at AS completed_time,
    i.failure::jsonb AS failure_details,
    i.tasks_completed,
    i.tasks_total,
    i.blocked_reason,
    (SELECT p.instance_id FROM df.instance_state p WHERE p.instance_key = i.parent_instance_key)
        AS parent_instance_id,
    i.execution,
    nullif(i.version, '') AS version,
    i.tags,
    i.priority,
    i.queue,
    i.scheduled_start_at AS scheduled_start_time,
    i.owner
FROM df.instance_state i
WHERE (SELECT pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER')
       FROM pg_catalog.pg_namespace n
       WHERE n.nspname = 'df')
    OR pg_catalog.pg_has_role(current_user, i.owner, 'MEMBER');
COMMENT ON VIEW df.instances IS 'the instances that the current role may see';

CREATE VIEW df.orchestrators WITH (security_barrier) AS
SELECT
    r.name,
    nullif(r.version, '') AS version,
    r.kind,
    r.function,
    r.queue,
    w.live_workers,
    w.last_served,
    r.registrar AS owner,
    r.registered_at
FROM df.registrations r
CROSS JOIN (
    SELECT
        pg_catalog.count(*) FILTER (WHERE s.lease_until > pg_catalog.now()) AS live_workers,
        pg_catalog.max(s.last_seen_at) AS last_served
    FROM df.worker_sessions s
) w
WHERE r.kind = 'orchestrator';
COMMENT ON VIEW df.orchestrators IS 'registered orchestrators; turns are taken by any worker';

CREATE VIEW df.activities WITH (security_barrier) AS
WITH offered AS (
    SELECT
        a.name_key,
        pg_catalog.count(*) FILTER (WHERE s.lease_until > pg_catalog.now()) AS live_workers,
        pg_catalog.max(s.last_seen_at) AS last_served
    FROM df.worker_sessions s
    CROSS JOIN pg_catalog.unnest(s.activities) AS a (name_key)
    GROUP BY a.name_key
), anywhere AS (
    SELECT
        pg_catalog.count(*) FILTER (WHERE s.lease_until > pg_catalog.now()) AS live_workers,
        pg_catalog.max(s.last_seen_at) AS last_served
    FROM df.worker_sessions s
), registered AS (
    SELECT * FROM df.registrations r WHERE r.kind <> 'orchestrator'
)
SELECT
    coalesce(r.name, o.name_key) AS name,
    coalesce(r.kind, 'worker') AS kind,
    r.function,
    r.queue,
    CASE WHEN r.kind = 'sql' THEN w.live_workers ELSE coalesce(o.live_workers, 0) END AS live_workers,
    CASE WHEN r.kind = 'sql' THEN w.last_served ELSE o.last_served END AS last_served,
    r.registrar AS owner,
    r.registered_at
FROM registered r
FULL JOIN offered o ON o.name_key = r.name_key
CROSS JOIN anywhere w;
COMMENT ON VIEW df.activities IS 'activities that are registered or offered by a worker';

CREATE VIEW df.workers WITH (security_barrier) AS
SELECT
    s.worker_key,
    s.name,
    s.role,
    s.queues,
    s.activities,
    s.slots,
    (SELECT pg_catalog.count(*) FROM df.tasks t WHERE t.worker_key = s.worker_key AND t.state = 1)
        AS claimed,
    s.attached_at,
    s.last_seen_at,
    s.lease_until,
    s.absent_since,
    s.fenced,
    s.details
FROM df.worker_sessions s
WHERE (SELECT pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER')
       FROM pg_catalog.pg_namespace n
       WHERE n.nspname = 'df')
    OR pg_catalog.pg_has_role(current_user, s.role, 'MEMBER');
COMMENT ON VIEW df.workers IS 'attached workers of roles that the current role is a member of';

CREATE VIEW df.dead_letters WITH (security_barrier) AS
SELECT
    i.instance_id,
    t.task_id,
    t.execution,
    t.name,
    t.queue,
    t.deliveries,
    t.attempts,
    t.scheduled_at,
    t.last_failure::jsonb AS last_failure,
    i.owner
FROM df.tasks t
JOIN df.instance_state i ON i.instance_key = t.instance_key
WHERE t.state = 4
    AND ((SELECT pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER')
          FROM pg_catalog.pg_namespace n
          WHERE n.nspname = 'df')
        OR pg_catalog.pg_has_role(current_user, i.owner, 'MEMBER'));
COMMENT ON VIEW df.dead_letters
    IS 'tasks that were handed out too often without an answer';

/*
 * sql/api/200_registration.sql: names for functions.
 *
 * Both overloads of a function take a literal as text: text is the preferred
 * type of its category.
 */

CREATE FUNCTION df_register_orchestrator(
    name text,
    function text DEFAULT NULL,
    version text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_orchestrator';
COMMENT ON FUNCTION df_register_orchestrator(text, text, text)
    IS 'register a function, named as f or f(jsonb), as orchestrator; without one, the function of that name';

CREATE FUNCTION df_register_orchestrator(
    name text,
    function regprocedure,
    version text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_orchestrator_regprocedure';
COMMENT ON FUNCTION df_register_orchestrator(text, regprocedure, text)
    IS 'register a function as orchestrator';

CREATE FUNCTION df_register_activity(
    name text,
    function text DEFAULT NULL,
    queue text DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    kind text DEFAULT NULL,
    settings jsonb DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_activity';
COMMENT ON FUNCTION df_register_activity(text, text, text, jsonb, interval, text, jsonb)
    IS 'register an activity: a function (kind sql), or what workers do (kinds worker, http)';

CREATE FUNCTION df_register_activity(
    name text,
    function regprocedure,
    queue text DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_activity_regprocedure';
COMMENT ON FUNCTION df_register_activity(text, regprocedure, text, jsonb, interval)
    IS 'register a function as activity';

CREATE FUNCTION df_unregister(name text) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_unregister';
COMMENT ON FUNCTION df_unregister(text)
    IS 'forget a name in all its versions; false when it is not registered';

/* sql/api/300_helpers.sql: functions that are useful in orchestrators, activities and anywhere else. */

CREATE FUNCTION df_text(value jsonb) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_text';
COMMENT ON FUNCTION df_text(jsonb)
    IS 'a JSON string without its quotes, NULL for JSON null, the JSON text of anything else';

CREATE FUNCTION df_retry(
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

CREATE FUNCTION df_fail(
    error_type text,
    message text,
    retriable boolean DEFAULT false,
    properties jsonb DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_fail';
COMMENT ON FUNCTION df_fail(text, text, boolean, jsonb)
    IS 'raise a failure with an error type of your own';

/*
 * sql/api/400_e2.sql: the cloud backup sample of Durable Functions, which every
 * worker can run: list a directory tree, copy its files to the blob store in
 * parallel, add up the bytes.
 */

CREATE FUNCTION df_e2_backup_site_content(root jsonb) RETURNS bigint
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $$
DECLARE
    again CONSTANT jsonb := df_retry(5, '500 ms', 2, '30 s');
    files jsonb;
    tasks df_task[];
BEGIN
    IF jsonb_typeof(root) IS DISTINCT FROM 'string' OR df_text(root) !~ '[^[:space:]]' THEN
        PERFORM df_fail('InvalidInput', 'parameter "root" must be the path of a directory');
    END IF;

    files := df_call_activity('E2_GetFileList', root, retry => again);
    tasks := ARRAY(
        SELECT df_activity('E2_CopyFileToBlob', file, retry => again)
        FROM jsonb_array_elements(files) AS file
    );
    RETURN (SELECT coalesce(sum(bytes::bigint), 0) FROM unnest(df_when_all(tasks)) AS bytes);
END
$$;
COMMENT ON FUNCTION df_e2_backup_site_content(jsonb)
    IS 'orchestrator E2_BackupSiteContent: back up a directory tree, return the number of bytes';

SELECT @extschema@.df_register_orchestrator('E2_BackupSiteContent', 'df_e2_backup_site_content(jsonb)');
/* what it calls is what workers offer, and nothing that somebody registers by these names */
SELECT @extschema@.df_register_activity('E2_GetFileList', kind => 'worker');
SELECT @extschema@.df_register_activity('E2_CopyFileToBlob', kind => 'worker');

/*
 * sql/api/500_context.sql: what orchestrators call.  Elsewhere these raise 55000.
 */

CREATE FUNCTION df_activity(
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

CREATE FUNCTION df_call_activity(
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

CREATE FUNCTION df_sub_orchestrator(
    name text,
    input jsonb DEFAULT NULL,
    instance_id text DEFAULT NULL,
    version text DEFAULT NULL,
    tags jsonb DEFAULT NULL
) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sub_orchestrator';
COMMENT ON FUNCTION df_sub_orchestrator(text, jsonb, text, text, jsonb)
    IS 'start a child instance; it runs while the orchestrator goes on';

CREATE FUNCTION df_call_sub_orchestrator(
    name text,
    input jsonb DEFAULT NULL,
    instance_id text DEFAULT NULL,
    version text DEFAULT NULL,
    tags jsonb DEFAULT NULL
) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_call_sub_orchestrator';
COMMENT ON FUNCTION df_call_sub_orchestrator(text, jsonb, text, text, jsonb)
    IS 'start a child instance and wait for its output';

CREATE FUNCTION df_timer(delay interval) RETURNS df_task
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_timer';
COMMENT ON FUNCTION df_timer(interval) IS 'a task that is complete after this time';

CREATE FUNCTION df_timer_at(fire_at timestamptz) RETURNS df_task
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_timer_at';
COMMENT ON FUNCTION df_timer_at(timestamptz) IS 'a task that is complete at this time';

CREATE FUNCTION df_sleep(delay interval) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sleep';
COMMENT ON FUNCTION df_sleep(interval) IS 'wait for this time';

CREATE FUNCTION df_sleep_until(fire_at timestamptz) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sleep_until';
COMMENT ON FUNCTION df_sleep_until(timestamptz) IS 'wait until this time';

CREATE FUNCTION df_event(event_name text) RETURNS df_task
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_event';
COMMENT ON FUNCTION df_event(text) IS 'a task that is complete when an event of this name has been raised';

CREATE FUNCTION df_wait_event(event_name text, timeout interval DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_wait_event';
COMMENT ON FUNCTION df_wait_event(text, interval)
    IS 'wait for an event and return its payload, or SQL NULL when the time is over';

CREATE FUNCTION df_cancel(task df_task) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_cancel';
COMMENT ON FUNCTION df_cancel(df_task) IS 'stop a timer, a wait for an event or an activity';

CREATE FUNCTION df_continue_as_new(input jsonb DEFAULT NULL, keep_events boolean DEFAULT true) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_continue_as_new';
COMMENT ON FUNCTION df_continue_as_new(jsonb, boolean)
    IS 'begin the orchestrator anew with this input and an empty history; never returns';

CREATE FUNCTION df_await(task df_task) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_await';
COMMENT ON FUNCTION df_await(df_task) IS 'wait for a task and return its result, or raise its failure';

CREATE FUNCTION df_is_completed(task df_task) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_is_completed';
COMMENT ON FUNCTION df_is_completed(df_task) IS 'has a task an outcome?';

CREATE FUNCTION df_all(tasks df_task[]) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_all';
COMMENT ON FUNCTION df_all(df_task[]) IS 'a task that is complete when all of these are';

CREATE FUNCTION df_any(tasks df_task[]) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_any';
COMMENT ON FUNCTION df_any(df_task[]) IS 'a task that is complete when the first of these is';

CREATE FUNCTION df_when_all(tasks df_task[], fail_fast boolean DEFAULT false) RETURNS jsonb[]
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_all';
COMMENT ON FUNCTION df_when_all(df_task[], boolean)
    IS 'wait for all tasks and return their results in order, or raise the first failure';

CREATE FUNCTION df_when_all(task df_task, other df_task, VARIADIC more df_task[] DEFAULT '{}') RETURNS jsonb[]
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_all_tasks';
COMMENT ON FUNCTION df_when_all(df_task, df_task, df_task[])
    IS 'wait for all tasks and return their results in order, or raise the first failure';

CREATE FUNCTION df_when_any(tasks df_task[]) RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_any';
COMMENT ON FUNCTION df_when_any(df_task[]) IS 'wait for the first task to complete and return it';

CREATE FUNCTION df_when_any(task df_task, other df_task, VARIADIC more df_task[] DEFAULT '{}') RETURNS df_task
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_any_tasks';
COMMENT ON FUNCTION df_when_any(df_task, df_task, df_task[])
    IS 'wait for the first task to complete and return it';

CREATE FUNCTION df_when_all_settled(tasks df_task[]) RETURNS TABLE (n integer, result jsonb, failure jsonb)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_when_all_settled';
COMMENT ON FUNCTION df_when_all_settled(df_task[])
    IS 'wait for all tasks and return the result or the failure of each';

CREATE FUNCTION df_failure() RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_failure';
COMMENT ON FUNCTION df_failure() IS 'failureDetails of the failure that was raised last in this turn';

CREATE FUNCTION df_record(value jsonb) RETURNS jsonb
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_record';
COMMENT ON FUNCTION df_record(jsonb) IS 'record a value the first time, return the recorded one ever after';

CREATE FUNCTION df_set_custom_status(status jsonb) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_set_custom_status';
COMMENT ON FUNCTION df_set_custom_status(jsonb) IS 'set what df_status shows as custom_status';

CREATE FUNCTION df_now() RETURNS timestamptz
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_now';
COMMENT ON FUNCTION df_now() IS 'recorded time of the turn';

CREATE FUNCTION df_uuid() RETURNS uuid
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_uuid';
COMMENT ON FUNCTION df_uuid() IS 'a UUID that is the same at every replay';

CREATE FUNCTION df_random() RETURNS double precision
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_random';
COMMENT ON FUNCTION df_random() IS 'a number from 0 to below 1 that is the same at every replay';

CREATE FUNCTION df_instance_id() RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_instance_id';
COMMENT ON FUNCTION df_instance_id() IS 'id of the instance whose turn it is';

CREATE FUNCTION df_input() RETURNS jsonb
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_input';
COMMENT ON FUNCTION df_input() IS 'input of the instance whose turn it is';

CREATE FUNCTION df_is_replaying() RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_is_replaying';
COMMENT ON FUNCTION df_is_replaying() IS 'is the function still in a part that an earlier turn has run?';

/*
 * sql/api/520_checks.sql: df_lint and df_deploy_check, for who writes orchestrators.
 *
 * It reads text, not a syntax tree: comments and strings are blanked first, then each rule is a regular
 * expression on a line.  It finds what is usual, and proves nothing; the engine checks every replay anyway.
 */

CREATE FUNCTION df.lint_rules() RETURNS TABLE (pattern text, problem text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    ('\m(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\mcurrent_(timestamp|time|date)\M|\mlocaltime(stamp)?\M',
     'reads the clock', 'Use df_now(), which is recorded.'),
    ('\m(random|setseed|random_normal)\s*\(',
     'draws a random number', 'Use df_random(), or df_record() for the value.'),
    ('\m(gen_random_uuid|uuid_generate_v[14]|uuidv[47])\s*\(',
     'makes a UUID', 'Use df_uuid(), which is the same at every replay.'),
    ('\m(nextval|currval|lastval|setval)\s*\(',
     'uses a sequence', 'Use it in an activity.'),
    ('^\s*(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into|truncate)\M|\mfor\s+(no\s+key\s+)?(update|share)\M',
     'writes to a table, or locks its rows', 'Move the statement into an activity: a turn cannot write.'),
    ('\m(pg_sleep|pg_sleep_for|pg_sleep_until)\s*\(',
     'sleeps while it holds a connection', 'Use df_sleep().'),
    ('\m(commit|rollback)\s*;',
     'ends the transaction', 'A turn is part of the engine''s transaction.')
$$;
COMMENT ON FUNCTION df.lint_rules() IS 'the rules of df_lint';

CREATE FUNCTION df_lint(function regprocedure) RETURNS TABLE (line integer, problem text, hint text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH source AS (
        -- literals and comments become blanks; their line breaks stay, so that numbers are right
        SELECT lower(regexp_replace(
                   regexp_replace(p.prosrc, '--[^\n]*', '', 'g'),
                   '''[^''\n]*''', '''''', 'g')) AS text,
               p.prosrc
        FROM pg_proc p
        WHERE p.oid = function
    ), lines AS (
        SELECT l.line::integer AS line, l.text
        FROM source, regexp_split_to_table(source.text, '\n') WITH ORDINALITY AS l (text, line)
    ), found AS (
        SELECT l.line, r.problem, r.hint
        FROM lines l
        JOIN df.lint_rules() r ON l.text ~ r.pattern
        UNION ALL
        -- a fan-out over rows whose order nobody has fixed
        SELECT length(left(s.text, m.start)) - length(replace(left(s.text, m.start), E'\n', '')) + 1,
               'fans out over a query without ORDER BY',
               'Add ORDER BY: tasks are numbered in the order of the rows.'
        FROM source s,
             LATERAL (
                 SELECT q.body, strpos(s.text, q.body) - 1 AS start
                 FROM (
                     SELECT (regexp_matches(s.text, '(array\s*\(\s*select[^;]*df_(?:activity|sub_orchestrator)[^;]*;)', 'g'))[1]
                 ) AS q (body)
             ) AS m
        WHERE m.body !~ '\morder\s+by\M'
          AND m.body ~ '\mfrom\M'
          AND m.body !~ '\mfrom\s+(generate_series|unnest|jsonb_array_elements(_text)?)\s*\('
        UNION ALL
        SELECT 1, 'is SECURITY DEFINER: its code is never pinned',
               'Instances in flight run the new body as soon as it is replaced.'
        FROM pg_proc p
        WHERE p.oid = function AND p.prosecdef
    )
    SELECT f.line, f.problem, f.hint
    FROM found f
    ORDER BY f.line, f.problem
$$;
COMMENT ON FUNCTION df_lint(regprocedure)
    IS 'lines of an orchestrator that may do something else when it is replayed';

CREATE FUNCTION df_deploy_check(function regprocedure) RETURNS TABLE (
    instance_id text,
    event_id integer,
    expected text,
    actual text,
    line integer
)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_deploy_check';
COMMENT ON FUNCTION df_deploy_check(regprocedure)
    IS 'live instances whose history an orchestrator''s present body does not match; changes nothing';

/*
 * sql/api/600_engine.sql: what workers call; see docs/internals.md.
 */

CREATE FUNCTION df.random_fence() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'df_random_fence';
COMMENT ON FUNCTION df.random_fence() IS 'a new fence of a claimed task';

CREATE FUNCTION df.attach(
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

CREATE FUNCTION df.work(
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

CREATE FUNCTION df.run_sql(worker_key bigint, instance_key bigint, task_id integer, fence bigint) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_run_sql';
COMMENT ON FUNCTION df.run_sql(bigint, bigint, integer, bigint)
    IS 'run a claimed SQL activity of the slow lane and record its outcome';

CREATE FUNCTION df.sweep(
    worker_key bigint,
    OUT alive boolean,
    OUT taken integer,
    OUT next_ms integer
) RETURNS record
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_sweep';
COMMENT ON FUNCTION df.sweep(bigint) IS 'renew a worker''s lease and take over from workers that are gone';

CREATE FUNCTION df.idle(is_idle boolean) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_idle';
COMMENT ON FUNCTION df.idle(boolean) IS 'take or release the lock that says that a worker sleeps';

CREATE FUNCTION df.wake() RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_wake';
COMMENT ON FUNCTION df.wake() IS 'notify workers if one is idle';

CREATE FUNCTION df.detach(worker_key bigint) RETURNS integer
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_detach';
COMMENT ON FUNCTION df.detach(bigint) IS 'give back a worker''s claims and end its session';

/*
 * sql/api/610_lost_claims.sql: claims that a worker does not know of.
 *
 * When the connection breaks between the commit of df.work and its answer, tasks
 * are claimed for a worker that never hears of them, and its presence keeps them.
 * After such a loss a worker tells, for a while, which claims it holds.
 */

CREATE FUNCTION df.detach(worker_key bigint, held bigint[], older_than_ms integer) RETURNS integer
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH lost AS (
        UPDATE df.tasks AS t
        SET state = 0,
            fence = NULL,
            worker_key = NULL,
            claimed_at = NULL,
            attempts = CASE WHEN t.at_most_once THEN t.attempts - 1 ELSE t.attempts END,
            is_started = false,
            deliveries = greatest(0, t.deliveries - 1)
        WHERE t.worker_key = detach.worker_key
            AND t.state = 1
            AND t.claimed_at < clock_timestamp() - make_interval(secs => older_than_ms / 1000.0)
            AND t.fence <> ALL (held)
        RETURNING 1
    )
    SELECT count(*)::integer FROM lost
$$;
COMMENT ON FUNCTION df.detach(bigint, bigint[], integer)
    IS 'give back the claims of a worker that are older than so long and whose fences it does not hold';

/*
 * sql/api/900_grants.sql: who may do what.
 *
 * PUBLIC may do nothing.  A role gets its rights from one of three functions,
 * each of which knows a list of names: adding a function is one line here.
 */

CREATE FUNCTION df.grant_group(role regrole, group_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    client CONSTANT text[] := ARRAY[
        'df_start',
        'df_run',
        'df_status',
        'df_wait',
        'df_result',
        'df_history',
        'df_terminate',
        'df_suspend',
        'df_resume',
        'df_rewind',
        'df_raise_event',
        'df_restart',
        'df_purge',
        'df_purge_before',
        'df_waits',
        'df_tree',
        'df_lint',
        'lint_rules',
        'df_deploy_check',
        'status_name',
        'event_type_name'
    ];
    helper CONSTANT text[] := ARRAY[
        'df_text',
        'df_retry',
        'df_fail'
    ];
    context CONSTANT text[] := ARRAY[
        'df_activity',
        'df_call_activity',
        'df_sub_orchestrator',
        'df_call_sub_orchestrator',
        'df_timer',
        'df_timer_at',
        'df_sleep',
        'df_sleep_until',
        'df_event',
        'df_wait_event',
        'df_cancel',
        'df_continue_as_new',
        'df_await',
        'df_is_completed',
        'df_all',
        'df_any',
        'df_when_all',
        'df_when_any',
        'df_when_all_settled',
        'df_failure',
        'df_record',
        'df_set_custom_status',
        'df_now',
        'df_uuid',
        'df_random',
        'df_instance_id',
        'df_input',
        'df_is_replaying'
    ];
    type_support CONSTANT text[] := ARRAY[
        'df_task_in',
        'df_task_out',
        'df_task_eq',
        'df_task_ne',
        'df_task_lt',
        'df_task_le',
        'df_task_gt',
        'df_task_ge',
        'df_task_cmp',
        'df_task_hash',
        'df_task_hash_extended'
    ];
    sample CONSTANT text[] := ARRAY[
        'df_e2_backup_site_content'
    ];
    registration CONSTANT text[] := ARRAY[
        'df_register_orchestrator',
        'df_register_activity',
        'df_unregister'
    ];
    engine CONSTANT text[] := ARRAY[
        'attach',
        'work',
        'run_sql',
        'sweep',
        'idle',
        'wake',
        'detach'
    ];
    view_names CONSTANT text[] := ARRAY[
        'instances',
        'orchestrators',
        'activities',
        'workers',
        'dead_letters'
    ];
    names text[];
    target text;
BEGIN
    CASE group_name
        WHEN 'user' THEN names := client || helper || context || type_support || sample;
        WHEN 'registrar' THEN names := registration;
        WHEN 'worker' THEN names := engine;
    END CASE;

    IF NOT (SELECT pg_has_role(current_user, nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = 'df') THEN
        RAISE insufficient_privilege
            USING MESSAGE = 'permission denied to grant rights on extension "pgdf"',
                DETAIL = 'Only members of the role that owns the extension may do that.';
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA df TO %s', role);
    FOR target IN
        SELECT m.objid::regprocedure
        FROM df.extension_members() m
        JOIN pg_proc p ON p.oid = m.objid
        WHERE m.classid = 'pg_proc'::regclass AND p.proname = ANY (names)
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', target, role);
    END LOOP;

    IF group_name = 'user' THEN
        EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %s', role);
        EXECUTE format('GRANT USAGE ON TYPE @extschema@.df_task TO %s', role);
        FOREACH target IN ARRAY view_names LOOP
            EXECUTE format('GRANT SELECT ON df.%I TO %s', target, role);
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION df.grant_group(regrole, text) IS 'grant a list of rights to a role';

CREATE FUNCTION df_grant_user(role regrole) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df.grant_group(role, 'user')
$$;
COMMENT ON FUNCTION df_grant_user(regrole)
    IS 'let a role start and control instances, and run orchestrators';

CREATE FUNCTION df_grant_registrar(role regrole) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df.grant_group(role, 'user');
    SELECT df.grant_group(role, 'registrar')
$$;
COMMENT ON FUNCTION df_grant_registrar(regrole)
    IS 'let a role do what a user may, and register orchestrators and activities';

CREATE FUNCTION df_grant_worker(role regrole) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df.grant_group(role, 'worker')
$$;
COMMENT ON FUNCTION df_grant_worker(regrole) IS 'let a role attach as a worker';

CREATE FUNCTION df.extension_members() RETURNS TABLE (classid oid, objid oid)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.classid, d.objid
    FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass
        AND d.deptype = 'e'
        AND e.extname = 'pgdf'
$$;
COMMENT ON FUNCTION df.extension_members() IS 'the objects of the extension, as pg_depend names them';

CREATE FUNCTION df.revoke_from_public() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target text;
BEGIN
    FOR target IN
        SELECT 'ROUTINE ' || m.objid::regprocedure
        FROM df.extension_members() m
        WHERE m.classid = 'pg_proc'::regclass
        UNION ALL
        SELECT 'TYPE ' || m.objid::regtype
        FROM df.extension_members() m
        JOIN pg_type t ON t.oid = m.objid
        WHERE m.classid = 'pg_type'::regclass AND t.typelem = 0
        UNION ALL
        SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass
        FROM pg_class c
        WHERE c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'v', 'S')
        UNION ALL
        SELECT 'SCHEMA df'
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', target);
    END LOOP;
END
$$;
COMMENT ON FUNCTION df.revoke_from_public() IS 'take all rights on the extension''s objects from PUBLIC';

SELECT df.revoke_from_public();

/*
 * sql/api/950_dump.sql: what pg_dump saves: everything but the connected workers.
 *
 * Registrations with number 0 come with CREATE EXTENSION.  Sequences go along, or
 * their numbers would be used again; a worker's key too, for claimed tasks name
 * it.
 */

SELECT pg_catalog.pg_extension_config_dump('df.registrations', 'WHERE registration_seq > 0');
SELECT pg_catalog.pg_extension_config_dump('df.registration_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.instance_state', '');
SELECT pg_catalog.pg_extension_config_dump('df.instance_key_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.code', '');
SELECT pg_catalog.pg_extension_config_dump('df.history', '');
SELECT pg_catalog.pg_extension_config_dump('df.tasks', '');
SELECT pg_catalog.pg_extension_config_dump('df.task_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.inbox', '');
SELECT pg_catalog.pg_extension_config_dump('df.inbox_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.timers', '');
SELECT pg_catalog.pg_extension_config_dump('df.buffered_events', '');
SELECT pg_catalog.pg_extension_config_dump('df.event_ids', '');
SELECT pg_catalog.pg_extension_config_dump('df.worker_sessions_worker_key_seq', '');

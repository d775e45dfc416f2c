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
    blocked_hash    text,                       -- of its orchestrator's code at that time; NULL: not the code's fault
    retry           json,                       -- children: what to do when it fails
    attempts        smallint NOT NULL DEFAULT 0, -- children: how often it has failed and was started again
    attempt_execution integer NOT NULL DEFAULT 0, -- children: with which the present attempt began
    history_bytes   bigint NOT NULL DEFAULT 0   -- of the payloads and failures of its execution
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
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
    lane         text COLLATE "C" NOT NULL,     -- lower(name); SQL activities: '*sql', '*slow', '*:' || lower(name)
    name         text NOT NULL,
    queue        text COLLATE "C" NOT NULL,
    priority     integer NOT NULL DEFAULT 0,    -- higher first
    seq          bigint NOT NULL DEFAULT pg_catalog.nextval('df.task_seq'),
    state        smallint NOT NULL DEFAULT 0,   -- 0 queued, 1 claimed, 2 delayed, 3 failed, 4 dead, 5 parked, 6 held
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
    map_task_id  integer,                       -- a chunk, whose task_id is negative: the map whose items it has
    first_item   integer,                       -- of a chunk: the item of bit 0
    open_items   bigint,                        -- of a chunk: a bit for each item that is still to be done
    started_items bigint,                       -- of a claimed chunk: those whose attempt has been counted
    map_key      bigint,                        -- of a chunk: its map's
    resume_state json,                          -- of an attempt that was postponed: what its worker wants to be told
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
/* dead letters */
CREATE INDEX tasks_dead_idx ON df.tasks (instance_key) WHERE state = 4;

/* --------------------------------------------------------------------- maps */

/*
 * One row a map.  Its items are handed out in chunks: rows of df.tasks with a
 * negative number of their own.  Writer: the engine, which holds the instance.
 */
CREATE SEQUENCE df.map_seq;
CREATE TABLE df.maps (
    instance_key bigint NOT NULL,
    task_id      integer NOT NULL,
    map_key      bigint NOT NULL DEFAULT pg_catalog.nextval('df.map_seq'), -- never used again, unlike task_id
    execution    integer NOT NULL,
    scheduled_event integer NOT NULL,
    items        integer NOT NULL,              -- how many there are
    completed    integer NOT NULL DEFAULT 0,    -- items that have an outcome
    failed       integer NOT NULL DEFAULT 0,    -- those of them whose outcome is a failure
    released     integer NOT NULL,              -- items 1 to this have been put into chunks
    held         integer NOT NULL DEFAULT 0,    -- those of them whose chunks wait for room: to be done again by a rewind
    max_in_flight integer,                      -- released and without an outcome at a time; NULL: any number
    chunk_size   smallint NOT NULL,             -- items a new chunk has at most
    is_closed    boolean NOT NULL DEFAULT false, -- cancelled: what still comes is dropped
    lane         text COLLATE "C" NOT NULL,
    name         text NOT NULL,
    queue        text COLLATE "C" NOT NULL,
    priority     integer NOT NULL,
    at_most_once boolean NOT NULL,
    retry        json,
    timeout      interval,                      -- of an attempt at an item
    settings     json,
    scheduled_at timestamptz NOT NULL,
    PRIMARY KEY (instance_key, task_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);

/* What an item is done with.  Written with the map, deleted with its execution. */
CREATE TABLE df.map_inputs (
    instance_key bigint NOT NULL,
    map_key      bigint NOT NULL,
    n            integer NOT NULL,              -- 1, 2, 3 ... in the order of the set
    input        json NOT NULL,
    PRIMARY KEY (instance_key, map_key, n)
) WITH (autovacuum_vacuum_cost_delay = 0);

/* What became of an item: written once, by whoever holds the chunk that it was in. */
CREATE TABLE df.map_results (
    instance_key bigint NOT NULL,
    map_key      bigint NOT NULL,
    n            integer NOT NULL,
    result       json,
    failure      json,                          -- failureDetails
    PRIMARY KEY (instance_key, map_key, n)
) WITH (autovacuum_vacuum_cost_delay = 0);
/* failures of a map, in order */
CREATE INDEX map_results_failure_idx ON df.map_results (instance_key, map_key, n) WHERE failure IS NOT NULL;

/* Numbers of chunks: negative, and used again after two thousand million. */
CREATE SEQUENCE df.chunk_seq AS integer INCREMENT -1 MINVALUE -2147483647 MAXVALUE -1 CACHE 64 CYCLE;

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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0,
        autovacuum_vacuum_threshold = 1000);
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
    fenced        bigint NOT NULL DEFAULT 0,    -- late results that were dropped
    is_pooled     boolean NOT NULL DEFAULT false -- behind a pooler: no presence lock, only the lease
) WITH (fillfactor = 50);

/* Running tasks whose worker must be told to stop. */
CREATE TABLE df.cancellations (
    worker_key   bigint NOT NULL,
    instance_key bigint NOT NULL,
    task_id      integer NOT NULL,
    fence        bigint NOT NULL,
    PRIMARY KEY (worker_key, instance_key, task_id, fence)
);

/*
 * The server and database that the instances live in: one row, and after a
 * restore a second one, of where the dump was made.  Workers run nothing in a copy
 * until df_adopt() has made it a home of its own.
 */
CREATE TABLE df.home (
    system_identifier bigint NOT NULL,          -- as pg_control_system() has it
    database_oid  oid NOT NULL,
    timeline      integer NOT NULL,             -- the highest that a worker has seen
    adopted_at    timestamptz NOT NULL
);
ALTER TABLE df.home REPLICA IDENTITY FULL; -- it has no key, and publications of all tables are not to refuse its updates

/* What df_limit has said.  A limit that was taken away leaves its row, with nulls. */
CREATE TABLE df.limits (
    name_key     text COLLATE "C" PRIMARY KEY,  -- lower(name)
    name         text NOT NULL,
    max_running  integer,                       -- claimed at once
    rate         double precision               -- claims in a second
);

/* Where a rate stands; the row is also the lock of claims of that activity.  Writer: the engine. */
CREATE TABLE df.limit_buckets (
    name_key     text COLLATE "C" PRIMARY KEY,
    tokens       double precision NOT NULL,     -- claims that may be made now
    refilled_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

/*
 * sql/upgrade/1.0--1.1.sql: what 1.1 changed in sql/schema, for a database that has 1.0.
 *
 * Functions and views follow by themselves: make appends sql/api to every
 * update script.  Here is only what CREATE OR REPLACE cannot do: new tables,
 * columns, indexes and sequences (exactly as in sql/schema), and what is gone
 * or changes its signature.
 */
SET LOCAL lock_timeout = '2s';

CREATE TABLE df.home (
    system_identifier bigint NOT NULL,          -- as pg_control_system() has it
    database_oid  oid NOT NULL,
    timeline      integer NOT NULL,             -- the highest that a worker has seen
    adopted_at    timestamptz NOT NULL
);
ALTER TABLE df.home REPLICA IDENTITY FULL; -- it has no key, and publications of all tables are not to refuse its updates

ALTER TABLE df.instance_state
    ADD COLUMN retry json,
    ADD COLUMN attempts smallint NOT NULL DEFAULT 0,
    ADD COLUMN attempt_execution integer NOT NULL DEFAULT 0,
    ADD COLUMN history_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE df.instance_state SET (fillfactor = 45, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0);

DROP FUNCTION @extschema@.df_sub_orchestrator(text, jsonb, text, text, jsonb);
DROP FUNCTION @extschema@.df_call_sub_orchestrator(text, jsonb, text, text, jsonb);
DROP FUNCTION @extschema@.df_deploy_check(regprocedure);

ALTER TABLE df.tasks
    ADD COLUMN map_task_id integer,
    ADD COLUMN first_item integer,
    ADD COLUMN open_items bigint,
    ADD COLUMN started_items bigint,
    ADD COLUMN map_key bigint;


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

CREATE TABLE df.map_inputs (
    instance_key bigint NOT NULL,
    map_key      bigint NOT NULL,
    n            integer NOT NULL,              -- 1, 2, 3 ... in the order of the set
    input        json NOT NULL,
    PRIMARY KEY (instance_key, map_key, n)
) WITH (autovacuum_vacuum_cost_delay = 0);

CREATE TABLE df.map_results (
    instance_key bigint NOT NULL,
    map_key      bigint NOT NULL,
    n            integer NOT NULL,
    result       json,
    failure      json,                          -- failureDetails
    PRIMARY KEY (instance_key, map_key, n)
) WITH (autovacuum_vacuum_cost_delay = 0);
CREATE INDEX map_results_failure_idx ON df.map_results (instance_key, map_key, n) WHERE failure IS NOT NULL;

CREATE SEQUENCE df.chunk_seq AS integer INCREMENT -1 MINVALUE -2147483647 MAXVALUE -1 CACHE 64 CYCLE;

CREATE INDEX tasks_dead_idx ON df.tasks (instance_key) WHERE state = 4;

ALTER TABLE df.worker_sessions ADD COLUMN is_pooled boolean NOT NULL DEFAULT false;

DROP FUNCTION df.grant_group(regrole, text);

ALTER TABLE df.tasks ADD COLUMN resume_state json;
CREATE TABLE df.limits (
    name_key     text COLLATE "C" PRIMARY KEY,  -- lower(name)
    name         text NOT NULL,
    max_running  integer,                       -- claimed at once
    rate         double precision               -- claims in a second
);
CREATE TABLE df.limit_buckets (
    name_key     text COLLATE "C" PRIMARY KEY,
    tokens       double precision NOT NULL,     -- claims that may be made now
    refilled_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

ALTER TABLE df.timers SET (autovacuum_vacuum_threshold = 1000);

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
ALTER TABLE df.instance_state
    ADD COLUMN retry json,
    ADD COLUMN attempts smallint NOT NULL DEFAULT 0,
    ADD COLUMN attempt_execution integer NOT NULL DEFAULT 0;

DROP FUNCTION @extschema@.df_sub_orchestrator(text, jsonb, text, text, jsonb);
DROP FUNCTION @extschema@.df_call_sub_orchestrator(text, jsonb, text, text, jsonb);

ALTER TABLE df.worker_sessions ADD COLUMN is_pooled boolean NOT NULL DEFAULT false;

CREATE INDEX tasks_dead_idx ON df.tasks (instance_key) WHERE state = 4;

DROP FUNCTION df.grant_group(regrole, text);
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

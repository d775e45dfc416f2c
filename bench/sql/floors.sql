/*
 * bench/sql/floors.sql: what PostgreSQL itself can do with the same payloads: a table that is inserted into,
 * and a queue with a history, as one would write it by hand.
 */

CREATE SCHEMA floor;

CREATE TABLE floor.events (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payload json NOT NULL
);

CREATE TABLE floor.queue (
    id         bigint PRIMARY KEY,
    state      smallint NOT NULL DEFAULT 0,     -- 0 queued, 1 claimed
    claimed_by integer,
    payload    json NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX queue_ready_idx ON floor.queue (id) WHERE state = 0;
CREATE INDEX queue_claimed_idx ON floor.queue (claimed_by) WHERE state = 1;

CREATE TABLE floor.history (
    id         bigint NOT NULL,
    event      smallint NOT NULL,               -- 1 scheduled, 2 completed
    event_time timestamptz NOT NULL,
    payload    json NOT NULL,
    PRIMARY KEY (id, event)
);

/* about 100 bytes */
CREATE FUNCTION floor.payload(n bigint) RETURNS json IMMUTABLE LANGUAGE sql
RETURN json_build_object('n', n, 'text', repeat('x', 80));

/* Queue so many items, as if they had been scheduled before. */
CREATE PROCEDURE floor.fill(n bigint) LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM floor.queue;
    DELETE FROM floor.history;
    INSERT INTO floor.queue (id, payload) SELECT i, floor.payload(i) FROM generate_series(1, n) AS i;
    INSERT INTO floor.history SELECT i, 1, now(), floor.payload(i) FROM generate_series(1, n) AS i;
END;

-- A start and an event are written without a plan, by what the session remembers of their tables: whatever changes of those, the
-- next row has, also when the change is rolled back.

CALL test.orchestrator('echo', $$BEGIN RETURN df_input(); END $$);
SELECT df_start('echo', '1', 'chosen'), length(df_start('echo', '2', tags => '{"n": 2}'));

-- counted by each of the indexes, as by the table
CREATE FUNCTION test.rows_by(index_name text) RETURNS bigint LANGUAGE plpgsql SET search_path = df, pg_catalog AS $$
DECLARE
    heap text := (SELECT indrelid::regclass FROM pg_index WHERE indexrelid = index_name::regclass);
    keys text := (SELECT pg_get_indexdef(indexrelid, 1, true) FROM pg_index WHERE indexrelid = index_name::regclass);
    plan text;
    n bigint;
BEGIN
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE format('EXPLAIN (COSTS off) SELECT %1$s FROM %2$s ORDER BY %1$s', keys, heap) INTO plan;
    IF plan !~ ('Index.*Scan using ' || index_name || ' ') THEN
        RAISE 'not by the index: %', plan;
    END IF;
    EXECUTE format('SELECT count(*) FROM (SELECT %1$s FROM %2$s ORDER BY %1$s OFFSET 0) t', keys, heap) INTO n;
    RETURN n;
END $$;

-- another index, while there are starts in one session
CREATE INDEX by_run ON df.instance_state (run_id);
SELECT count(df_start('echo', '3')) FROM generate_series(1, 3);
SELECT test.rows_by('by_run'), test.rows_by('instance_state_instance_id_key'),
       test.rows_by('instance_state_created_at_idx'), test.rows_by('inbox_pkey'), test.rows_by('inbox_instance_idx');
SELECT count(*) AS in_the_parent_index FROM df.instance_state WHERE parent_instance_key IS NOT NULL;

-- what only a statement can do: an index on an expression, a trigger, a constraint
CREATE INDEX by_name ON df.instance_state (lower(name));
SELECT count(df_start('echo', '4')) FROM generate_series(1, 2);
SELECT test.rows_by('by_name'), test.rows_by('by_run');
DROP INDEX df.by_name;

CREATE FUNCTION test.no_event() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no event is wanted'; END $$;
CREATE TRIGGER no_event BEFORE INSERT ON df.inbox FOR EACH ROW EXECUTE FUNCTION test.no_event();
\set VERBOSITY terse
SELECT df_raise_event('chosen', 'e');
DROP TRIGGER no_event ON df.inbox;
SELECT df_raise_event('chosen', 'e');

ALTER TABLE df.instance_state ADD CONSTRAINT not_five CHECK (input::text <> '5');
SELECT df_start('echo', '5');
\set VERBOSITY default
ALTER TABLE df.instance_state DROP CONSTRAINT not_five;
SELECT length(df_start('echo', '5'));

-- a column and a default that come and go
BEGIN;
ALTER TABLE df.instance_state ADD COLUMN colour text DEFAULT 'green';
SELECT df_start('echo', '6', NULL) IS NOT NULL AS started;
SELECT colour, count(*) FROM df.instance_state GROUP BY 1;
ALTER TABLE df.instance_state ALTER COLUMN colour SET DEFAULT 'red';
SELECT df_start('echo', '6', NULL) IS NOT NULL AS started;
SELECT colour, count(*) FROM df.instance_state GROUP BY 1 ORDER BY 1;
SAVEPOINT s;
ALTER TABLE df.instance_state DROP COLUMN colour;
SELECT df_start('echo', '6', NULL) IS NOT NULL AS started;
ROLLBACK TO s;
SELECT df_start('echo', '6', NULL) IS NOT NULL AS started;
SELECT colour, count(*) FROM df.instance_state GROUP BY 1 ORDER BY 1;
ROLLBACK;
SELECT df_start('echo', '7', NULL) IS NOT NULL AS started;

-- nothing is left of what was rolled back, neither the row nor what makes it ready
BEGIN;
SAVEPOINT s;
SELECT df_start('echo', '"never"', NULL) IS NOT NULL AS started;
ROLLBACK TO s;
SELECT df_start('echo', '8', NULL) IS NOT NULL AS started;
COMMIT;
BEGIN READ ONLY;
SELECT df_start('echo', '"never"');
ROLLBACK;
SELECT test.rows_by('by_run') = count(*) AS by_run, test.rows_by('instance_state_pkey') = count(*) AS by_key FROM df.instance_state;
DROP INDEX df.by_run;
SELECT df_start('echo', '9', NULL) IS NOT NULL AS started;
CALL test.run();
SELECT output::text, count(*) FROM df.instance_state WHERE status = 1 GROUP BY 1 ORDER BY 1;
SELECT count(*) AS waiting FROM df.inbox;

-- A replayed map is compared by activity and inputs; it is hashed, and not kept again.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE TABLE source (id int, input jsonb);
INSERT INTO source SELECT g, to_jsonb(g) FROM generate_series(1, 100) g;
CALL test.orchestrator('reads', $$
DECLARE
    items df_task;
BEGIN
    SELECT df_map_agg(CASE WHEN EXISTS (SELECT FROM source WHERE id = 0) THEN 'double' ELSE 'echo' END, s.input ORDER BY s.id) INTO items FROM source s WHERE s.id > 0;
    PERFORM df_wait_event('go');
    RETURN (SELECT to_jsonb(count(*)) FROM df_map_results(items));
END $$);
\set QUIET off
\set ECHO all
SELECT df_start('reads', NULL, id) FROM unnest(ARRAY['same', 'changed', 'fewer', 'more', 'other', 'list']) id;
CALL test.run();
SELECT DISTINCT tasks FROM df.instance_state, test.instance(instance_id);
SELECT df_raise_event('same', 'go');
CALL test.run();
SELECT status, output FROM test.instance('same');
-- the order of the rows in the table does not matter, that of the aggregate does
UPDATE source SET input = '"new"' WHERE id = 50;
SELECT df_raise_event('changed', 'go');
CALL test.run();
SELECT status, regexp_replace(blocked, ', at.*', '') FROM test.instance('changed');
UPDATE source SET input = '50' WHERE id = 50;
DELETE FROM source WHERE id = 100;
SELECT df_raise_event('fewer', 'go');
CALL test.run();
SELECT status, regexp_replace(blocked, ', at.*', '') FROM test.instance('fewer');
INSERT INTO source VALUES (100, '100'), (101, '101');
SELECT df_raise_event('more', 'go');
CALL test.run();
SELECT status, regexp_replace(blocked, ', at.*', '') FROM test.instance('more');
DELETE FROM source WHERE id = 101;
INSERT INTO source VALUES (0);
SELECT df_raise_event('other', 'go');
CALL test.run();
SELECT status, regexp_replace(blocked, ', at.*', '') FROM test.instance('other');
DELETE FROM source WHERE id = 0;
-- asked beforehand; the list of the same inputs is the same map
CALL test.orchestrator('reads', $$
DECLARE
    items df_task := df_map('ECHO', (SELECT jsonb_agg(input ORDER BY id) FROM source));
BEGIN
    PERFORM df_wait_event('go');
    RETURN (SELECT to_jsonb(count(*)) FROM df_map_results(items));
END $$);
SELECT instance_id, event_id, expected, actual FROM df_deploy_check('reads(jsonb)') WHERE instance_id = 'list';
CALL test.orchestrator('reads', $$BEGIN PERFORM df_call_activity('echo', '1'); RETURN NULL; END$$);
SELECT instance_id, event_id, expected, actual FROM df_deploy_check('reads(jsonb)') WHERE instance_id = 'list';

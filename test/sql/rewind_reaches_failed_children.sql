-- df_rewind of a parent rewinds the children whose failure it was; those that cannot be rewound are started anew.

CREATE TABLE broken (task text PRIMARY KEY);
CREATE TABLE runs (n serial, task text);
CREATE FUNCTION does(task text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF task IN (SELECT b.task FROM broken b) THEN
        PERFORM df_fail('Broken', task || ' is broken');
    END IF;
    INSERT INTO runs (task) VALUES (does.task);
    RETURN task;
END $$;
SELECT FROM df_register_activity('does', 'does');
CALL test.orchestrator('leaf', 'BEGIN PERFORM df_call_activity(''does'', to_jsonb(''before '' || (input #>> ''{}''))); RETURN df_call_activity(''does'', input); END');
CALL test.orchestrator('branch', 'BEGIN RETURN df_call_sub_orchestrator(''leaf'', input); END');
CALL test.orchestrator('trunk', $$
BEGIN
    RETURN to_jsonb(df_when_all(ARRAY(SELECT df_sub_orchestrator('branch', to_jsonb('leaf ' || i), df_instance_id() || ' ' || i) FROM generate_series(1, 3) AS i)));
END $$);
INSERT INTO broken VALUES ('leaf 1'), ('leaf 3');
SELECT df_start('trunk', NULL, 't');
CALL test.run();
SELECT depth, name, runtime_status FROM df_tree('t');
DELETE FROM broken;
SELECT df_rewind('t');
CALL test.run();
SELECT status, output, tasks FROM test.instance('t');
SELECT depth, name, runtime_status FROM df_tree('t');
SELECT string_agg(task, ', ' ORDER BY task, n) FROM runs;

-- a child that was terminated, one that was purged, one whose orchestrator was not there
CALL test.orchestrator('mother', 'BEGIN RETURN df_call_sub_orchestrator(input ->> ''child'', ''"x"'', input ->> ''id'', tags => ''{"kept": 1}''); END');
CALL test.orchestrator('waits', 'BEGIN RETURN df_wait_event(''go''); END');
INSERT INTO broken VALUES ('x');
SELECT df_start('mother', '{"child": "waits", "id": "m1 child"}', 'm1'), df_start('mother', '{"child": "leaf", "id": "m2 child"}', 'm2'),
    df_start('mother', '{"child": "comes_later"}', 'm3');
CALL test.run();
SELECT df_terminate('m1 child'), df_purge('m2 child');
CALL test.run();
SELECT id, i.status, i.error FROM unnest('{m1,m2,m3}'::text[]) AS id, test.instance(id) i;
DELETE FROM broken;
SELECT id, df_rewind(id) FROM unnest('{m1,m2,m3}'::text[]) AS id;
CALL test.run();
-- not registered still
SELECT id, i.status, i.error, i.tasks FROM unnest('{m1,m2,m3}'::text[]) AS id, test.instance(id) i;
CALL test.orchestrator('comes_later', 'BEGIN RETURN df_call_activity(''does'', ''"later"''); END');
SELECT df_rewind('m3'), df_raise_event('m1 child', 'go', '"went"');
CALL test.run();
SELECT id, i.status, i.output, i.tasks, i.blocked FROM unnest('{m1,m2,m3}'::text[]) AS id, test.instance(id) i;
SELECT count(*), count(tags) FROM df.instances WHERE parent_instance_id LIKE 'm_';

-- a child that was started after the failure, and lives, says nothing to what is run now under its number
CALL test.orchestrator('leaves', $$
BEGIN
    PERFORM df_call_activity('does', '"first"');
    RETURN jsonb_build_array(df_call_activity('hold'), df_call_sub_orchestrator('waits'));
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    PERFORM df_sub_orchestrator('waits', NULL, 'left'), df_sub_orchestrator('waits');
    RAISE;
END $$);
INSERT INTO broken VALUES ('first');
SELECT df_start('leaves', NULL, 'l');
CALL test.run();
DELETE FROM broken;
SELECT df_rewind('l');
CALL test.run();
SELECT count(*) FROM df.instances, df_raise_event(instance_id, 'go', '"of the left one"') WHERE name = 'waits' AND runtime_status = 'Running';
CALL test.run();
SELECT status, tasks, blocked FROM test.instance('l');
CALL test.answer('l', 2, 'c', '"held"');
CALL test.run();
SELECT count(*) FROM df.instances, df_raise_event(instance_id, 'go', '"of the right one"') WHERE name = 'waits' AND runtime_status = 'Running';
CALL test.run();
SELECT status, output, tasks, blocked FROM test.instance('l');

-- a child rewound by itself answers nobody
INSERT INTO broken VALUES ('x');
SELECT df_start('mother', '{"child": "leaf", "id": "m4 child"}', 'm4');
CALL test.run();
DELETE FROM broken;
SELECT df_rewind('m4 child');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{m4,m4 child}'::text[]) AS id, test.instance(id) i;

-- What goes beyond a limit is an error in the turn, and leaves nothing half done.

CREATE FUNCTION many(n int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(df_activity('hold')) FROM generate_series(1, n));
END $$;
SELECT FROM df_register_orchestrator('many');
SET pgdf.max_tasks_per_turn = 10;
SELECT df_start('many', '10', 'ten'), df_start('many', '11', 'eleven');
CALL test.run();
SELECT id, i.status, i.output, i.error_type, i.error, i.tasks FROM unnest('{ten,eleven}'::text[]) AS id, test.instance(id) i;
SELECT failure_details #>> '{properties,hint}' AS hint FROM df_status('eleven');
SELECT count(*) FROM df.tasks;
-- it is a limit of a turn: with a wait in between there may be more
CALL test.orchestrator('in_portions', $$
BEGIN
    FOR i IN 1..3 LOOP
        PERFORM df_when_all(ARRAY(SELECT df_activity('echo') FROM generate_series(1, 10)));
    END LOOP;
    RETURN '"all"';
END $$);
SELECT df_start('in_portions', NULL, 'portions');
CALL test.run();
SELECT status, output, tasks FROM test.instance('portions');

-- depth of combinations, sizes of inputs and of what is recorded
CALL test.orchestrator('deep', $$
DECLARE
    t df_task := df_activity('echo', '1');
BEGIN
    FOR i IN 1..input::int LOOP
        t := df_all(ARRAY[t]);
    END LOOP;
    RETURN jsonb_build_object('length', length(df_await(t)::text));
END $$);
CALL test.orchestrator('large_input', $$ BEGIN RETURN df_call_activity('echo', to_jsonb(repeat('x', 20000))); END $$);
CALL test.orchestrator('large_record', $$ BEGIN RETURN df_record(to_jsonb(repeat('x', 20000))); END $$);
CALL test.orchestrator('large_status', $$ BEGIN PERFORM df_set_custom_status(to_jsonb(repeat('x', 20000))); RETURN '1'; END $$);
CALL test.orchestrator('bad_name', $$ BEGIN RETURN df_call_activity(input #>> '{}'); END $$);
CALL test.orchestrator('long_timeout', $$ BEGIN RETURN df_call_activity('echo', timeout => (input #>> '{}')::interval); END $$);
CALL test.orchestrator('long_schedule', $$ BEGIN RETURN df_call_activity('echo', schedule_timeout => (input #>> '{}')::interval); END $$);
SET pgdf.max_payload = '10kB';
CREATE TABLE cases (n serial, name text, input jsonb);
INSERT INTO cases (name, input) VALUES ('deep', '100'), ('deep', '100000'), ('large_input', NULL), ('large_record', NULL), ('large_status', NULL),
    ('bad_name', '""'), ('bad_name', 'null'), ('bad_name', '"*slow"'), ('bad_name', to_jsonb(repeat('x', 1000))), ('bad_name', to_jsonb(E'a\nb'::text)),
    ('long_timeout', '"1100 years"'), ('long_timeout', '"-1 s"'), ('long_timeout', '"0"'), ('long_schedule', '"178000000 years"'),
    ('long_schedule', '"292500 years"'), ('long_schedule', '"999 years"');
SELECT count(df_start(name, input, 'c' || n)) FROM cases;
CALL test.run();
SELECT name, left(input::text, 20) AS input, i.status, i.output, i.error_type, i.error FROM cases, test.instance('c' || n) i ORDER BY n;

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

-- memory: what a turn schedules without awaiting it
CALL test.orchestrator('hungry', $$
DECLARE
    task df_task;
BEGIN
    FOR i IN 1..input::int LOOP
        task := df_activity('hold', to_jsonb(repeat('x', 1000000)));
    END LOOP;
    RETURN '"fed"';
END $$);
RESET pgdf.max_payload;
RESET pgdf.max_tasks_per_turn;
SET pgdf.max_turn_memory = '64MB';
SELECT df_start('hungry', '3', 'modest'), df_start('hungry', '100', 'greedy');
CALL test.run();
SELECT id, i.status, i.output, i.error_type, i.error FROM unnest('{modest,greedy}'::text[]) AS id, test.instance(id) i;
RESET pgdf.max_turn_memory;

-- history: told of at a tenth, stopped at the limit, by number and by size
CALL test.orchestrator('endless', $$
BEGIN
    FOR i IN 1..input::int LOOP
        PERFORM df_call_activity('echo', to_jsonb(repeat('x', 500)));
    END LOOP;
    RETURN '"done"';
END $$);
SET pgdf.max_history_events = 100;
SELECT df_start('endless', '10', 'few events'), df_start('endless', '40', 'many events');
CALL test.run();
SELECT id, i.status, i.output, s.blocked_reason FROM unnest('{few events,many events}'::text[]) AS id, test.instance(id) i, df_status(id) s;
SELECT severity, finding, instance_id, detail ~ '^its history has 1?[0-9][0-9] events with [0-9]+ kB' AS is_told FROM df.doctor() WHERE finding = 'history';
RESET pgdf.max_history_events;
SET pgdf.max_history_bytes = '100kB';
SELECT df_start('endless', '50', 'small events'), df_start('endless', '120', 'large events');
CALL test.run();
SELECT id, i.status, i.output, s.blocked_reason FROM unnest('{small events,large events}'::text[]) AS id, test.instance(id) i, df_status(id) s;
RESET pgdf.max_history_bytes;

-- at the edges: payloads, depth, ids, names
CALL test.orchestrator('size', $$ BEGIN RETURN to_jsonb(octet_length(input::text)); END $$);
SET pgdf.max_payload = '1kB';
SELECT FROM df_start('size', to_jsonb(repeat('x', 1022)), 'exactly 1 kB');
SELECT FROM df_start('size', to_jsonb(repeat('x', 1023)), 'one byte more');
SELECT df_raise_event('exactly 1 kB', 'e', to_jsonb(repeat('x', 1022)));
SELECT df_raise_event('exactly 1 kB', 'e', to_jsonb(repeat('x', 1023)));
RESET pgdf.max_payload;
SELECT FROM df_start('size', (repeat('[', 128) || repeat(']', 128))::jsonb, 'as deep as may be');
SELECT FROM df_start('size', (repeat('[', 129) || repeat(']', 129))::jsonb, 'too deep');
SELECT FROM df_start('size', NULL, repeat('i', 100));
SELECT FROM df_start('size', NULL, repeat('i', 101));
SELECT FROM df_register_activity(repeat('n', 200), 'size(jsonb)');
SELECT FROM df_register_activity(repeat('n', 201), 'size(jsonb)');
SELECT FROM df_register_activity('q', 'size(jsonb)', queue => repeat('q', 100));
SELECT FROM df_register_activity('q', 'size(jsonb)', queue => repeat('q', 101));
CALL test.run();
SELECT instance_id, runtime_status, output FROM df.instances WHERE name = 'size' ORDER BY instance_id COLLATE "C";

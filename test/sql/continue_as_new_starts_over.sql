-- df_continue_as_new: an empty history, a new input, events kept unless told otherwise; what belongs to the old execution is void.

CALL test.orchestrator('count_up', $$
DECLARE
    n int := (input ->> 'n')::int;
BEGIN
    PERFORM df_set_custom_status(to_jsonb(n));
    IF n < (input ->> 'up to')::int THEN
        PERFORM df_call_activity('echo', to_jsonb(n));
        RETURN df_continue_as_new(input || jsonb_build_object('n', n + 1));
    END IF;
    RETURN jsonb_build_object('n', n, 'input', df_input());
END $$);
SELECT df_start('count_up', '{"n": 0, "up to": 3}', 'c', tags => '{"kept": true}');
SELECT run_id AS run_before FROM df.instance_state \gset
CALL test.run();
SELECT status, output, turns, tasks FROM test.instance('c');
SELECT input, custom_status FROM df_status('c');
SELECT execution, event_id, event_type FROM df_history('c') ORDER BY event_id;
SELECT execution, tags, run_id = :'run_before' AS same_run FROM df.instances JOIN df.instance_state USING (instance_id, execution, tags);

-- it never returns: no handler keeps the function going, nothing behind it counts; what was scheduled for the old one is not done
CALL test.orchestrator('stubborn', $$
BEGIN
    IF input = '"end"' THEN
        RETURN '"over"';
    END IF;
    PERFORM df_activity('hold', '"never"'), df_timer('0'), df_start('count_up', '{"n": 1, "up to": 1}', 'started on the way');
    BEGIN
        PERFORM df_continue_as_new('"end"');
    EXCEPTION WHEN OTHERS OR assert_failure THEN
        NULL;
    END;
    BEGIN
        PERFORM df_call_activity('hold', '"after"');
    EXCEPTION WHEN assert_failure THEN
        NULL;
    END;
    RETURN '"ignored"';
END $$);
SELECT df_start('stubborn', '"begin"', 's');
CALL test.run();
SELECT status, output, turns, tasks FROM test.instance('s');
SELECT count(*) FROM df.tasks;
SELECT count(*) FROM df.timers;
SELECT runtime_status FROM df_status('started on the way');

-- claimed tasks, timers and children of the old execution say nothing to the new one
CALL test.orchestrator('leaves', $$
DECLARE
    task df_task;
BEGIN
    IF input = '"second"' THEN
        task := df_activity('hold', '"of the second"');
        RETURN jsonb_build_array(df_await(task), df_wait_event('never', '0') IS NULL, df_call_sub_orchestrator('waits', NULL, 'second child'));
    END IF;
    PERFORM df_activity('hold', '"of the first"'), df_timer('0'), df_sub_orchestrator('waits', NULL, 'first child');
    PERFORM df_wait_event('go');
    RETURN df_continue_as_new('"second"');
END $$);
CALL test.orchestrator('waits', 'BEGIN RETURN df_wait_event(''answer''); END');
SELECT df_start('leaves', '"first"', 'l');
CALL test.run();
SELECT df_raise_event('l', 'go');
SELECT what, task_id, input FROM test.work(mode => 'scan') WHERE what <> 'S' ORDER BY what;
-- the worker is told to stop the old task, and its result is void
SELECT what, task_id FROM test.work() WHERE what <> 'S';
CALL test.run(room => 0);
SELECT task_id, input FROM test.claimed ORDER BY n;
UPDATE test.claimed SET outcome = 'c', payload = '"old"' WHERE input = '"of the first"';
SELECT what, input::jsonb -> 'fenced' AS fenced FROM test.work();
UPDATE test.claimed SET outcome = 'c', payload = '"new"' WHERE input = '"of the second"';
CALL test.run();
SELECT df_raise_event('first child', 'answer', '"of the first"'), df_raise_event('second child', 'answer', '"of the second"');
CALL test.run();
SELECT id, i.status, i.output, i.blocked FROM unnest('{l,first child,second child}'::text[]) AS id, test.instance(id) i;

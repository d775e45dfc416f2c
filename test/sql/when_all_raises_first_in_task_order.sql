-- df_when_all waits for all tasks, then raises the first failure in task order, with all failures in its detail.

CALL test.orchestrator('all_fail', $$
DECLARE
    tasks df_task[];
    state text; message text; detail text;
BEGIN
    tasks := ARRAY(SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, 4) AS i);
    RETURN to_jsonb(df_when_all(tasks));
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN jsonb_build_object('state', state, 'message', message, 'failures', (SELECT count(*) FROM regexp_matches(detail, 'Task', 'g')),
        'first', df_failure() ->> 'errorType', 'all', detail ~ 'Task 2.*Late.*\n.*Task 4.*Early');
END $$);
SELECT df_start('all_fail', NULL, 'a');
SELECT count(*) FROM test.work() WHERE what = 'T';
CALL test.answer('a', 4, 'f', '{"type": "Early", "message": "task four"}');
SELECT what, input FROM test.work();
CALL test.answer('a', 1);
CALL test.answer('a', 3);
SELECT status, turns FROM test.work(), test.instance('a');
CALL test.answer('a', 2, 'f', '{"type": "Late", "message": "task two"}');
SELECT status, turns FROM test.work(), test.instance('a');
SELECT jsonb_pretty(output) FROM df_status('a');

-- uncaught: the instance fails with it
CALL test.orchestrator('uncaught', $$
BEGIN
    RETURN to_jsonb(df_when_all(df_activity('echo', '1'), df_activity('fail', '{"type": "A", "message": "a"}'),
        df_activity('fail', '{"type": "B", "message": "b"}')));
END $$);
SELECT df_start('uncaught', NULL, 'u');
CALL test.run();
SELECT status, error_type, tasks FROM test.instance('u');

-- of combinations: the failures of their members, in order
CALL test.orchestrator('nested', $$
DECLARE
    a df_task := df_activity('echo', '1');
    b df_task := df_activity('fail', '{"type": "B", "message": "b"}');
    c df_task := df_activity('fail', '{"type": "C", "message": "c"}');
BEGIN
    RETURN to_jsonb(df_when_all(df_all(ARRAY[a, b]), c));
END $$);
SELECT df_start('nested', NULL, 'n');
CALL test.run();
SELECT status, error_type, tasks FROM test.instance('n');

-- The winner of df_when_any is the same in every replay, whatever completes later and in whatever order history has it.

CALL test.orchestrator('race', $$
DECLARE
    tasks df_task[];
    winner df_task;
    first jsonb;
BEGIN
    tasks := ARRAY(SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, 3) AS i);
    winner := df_when_any(tasks);
    first := jsonb_build_object('place', array_position(tasks, winner), 'done', ARRAY(SELECT df_is_completed(t) FROM unnest(tasks) AS t));
    PERFORM df_call_activity('hold', first);    -- a changed winner would change this input
    RETURN first || jsonb_build_object('winner', df_await(winner), 'now', ARRAY(SELECT df_is_completed(t) FROM unnest(tasks) AS t));
END $$);
SELECT df_start('race', NULL, 'r');
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';
CALL test.answer('r', 2, 'c', '"second"');
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';
-- the losers come in, the first of the list among them
CALL test.answer('r', 1, 'c', '"first"');
SELECT what FROM test.work();
SELECT turns FROM test.instance('r');
CALL test.answer('r', 4);
SELECT what FROM test.work();
SELECT status, output, turns, blocked FROM test.instance('r');
-- the third was still running
SELECT what, task_id FROM test.work() WHERE what <> 'S';

-- several in one call: the one reported first (test.work reports in the order of the claims)
SELECT df_start('race', NULL, 'batch');
SELECT count(*) FROM test.work() WHERE what = 'T';
CALL test.answer('batch', 3, 'c', '"third"');
CALL test.answer('batch', 1, 'c', '"first"');
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';
CALL test.answer('batch', 4);
SELECT what FROM test.work();
SELECT status, output FROM test.instance('batch');

-- a winner may have failed: df_await of it raises
CALL test.orchestrator('failed_winner', $$
DECLARE
    winner df_task;
BEGIN
    winner := df_when_any(df_activity('fail', '{"type": "Lost"}'), df_activity('hold'));
    RETURN df_await(winner);
END $$);
SELECT df_start('failed_winner', NULL, 'f');
CALL test.run();
SELECT status, error_type, tasks FROM test.instance('f');

-- of one that is complete already: no wait, and the earlier one wins
CALL test.orchestrator('already', $$
DECLARE
    a df_task := df_activity('echo', '"a"');
    b df_task := df_activity('echo', '"b"');
BEGIN
    PERFORM df_await(b), df_await(a);
    RETURN jsonb_build_object('b, a', df_await(df_when_any(b, a)), 'a, b', df_await(df_when_any(a, b)));
END $$);
SELECT df_start('already', NULL, 'a');
CALL test.run();
SELECT status, output, turns FROM test.instance('a');

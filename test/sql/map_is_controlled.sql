-- Termination, suspension, cancellation, continue-as-new, restart and purge of what has a map.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('held', $$BEGIN RETURN df_call_map('hold', '[1, 2, 3]', max_in_flight => 2); END$$);
CALL test.orchestrator('raced', $$
DECLARE
    items df_task := df_map('hold', '[1, 2, 3]');
    stop df_task := df_event('stop');
BEGIN
    IF df_when_any(items, stop) = stop THEN
        PERFORM df_cancel(items);
        PERFORM df_call_activity('echo', '"after"');
        BEGIN
            PERFORM df_map_results(items);
        EXCEPTION WHEN SQLSTATE 'DF004' THEN
            RETURN jsonb_build_object('cancelled', SQLERRM, 'is_completed', df_is_completed(items));
        END;
    END IF;
    RETURN '"not stopped"';
END $$);
CALL test.orchestrator('generations', $$
DECLARE
    results jsonb := df_call_map('echo', jsonb_build_array(input, (input::int + 1)));
BEGIN
    IF input::int < 3 THEN
        RETURN df_continue_as_new(to_jsonb(input::int + 1));
    END IF;
    RETURN results;
END $$);
CREATE FUNCTION rows_left() RETURNS text LANGUAGE sql AS $$
    SELECT format('%s maps, %s inputs, %s results, %s chunks', (SELECT count(*) FROM df.maps), (SELECT count(*) FROM df.map_inputs),
        (SELECT count(*) FROM df.map_results), (SELECT count(*) FROM df.tasks WHERE task_id < 0))
$$;
\set QUIET off
\set ECHO all
SELECT df_start('held', NULL, 'terminated');
CALL test.run();
SELECT df_terminate('terminated');
-- the worker is told to stop what it holds
SELECT what, count(*) FROM test.work() WHERE what <> 'S' GROUP BY what;
SELECT what, count(*) FROM test.work() WHERE what <> 'S' GROUP BY what;
SELECT rows_left();
CALL test.answer_item('terminated', 1, 1, 'c', '1');
SELECT what FROM test.work() WHERE what <> 'S';
SELECT status FROM test.instance('terminated');
SELECT df_purge('terminated');
SELECT rows_left();
DELETE FROM test.claimed;

-- suspended: items go on, the function does not
SELECT df_start('held', NULL, 'suspended');
CALL test.run();
SELECT df_suspend('suspended');
CALL test.run();
CALL test.answer_item('suspended', 1, 1, 'c', '1');
CALL test.answer_item('suspended', 1, 2, 'c', '2');
CALL test.run();
CALL test.answer_item('suspended', 1, 3, 'c', '3');
CALL test.run();
SELECT status, tasks FROM test.instance('suspended');
SELECT df_resume('suspended');
CALL test.run();
SELECT status, tasks, output FROM test.instance('suspended');

-- cancelled: what comes late changes nothing
SELECT df_start('raced', NULL, 'raced');
CALL test.run();
CALL test.answer_item('raced', 1, 1, 'c', '1');
CALL test.run();
SELECT df_raise_event('raced', 'stop');
CALL test.run();
SELECT status, output FROM test.instance('raced');
SELECT count(*) FROM df.tasks;
SELECT df_start('raced', NULL, 'not raced');
DELETE FROM test.claimed;
CALL test.run();
CALL test.answer_item('not raced', 1, 1, 'c', '1');
CALL test.answer_item('not raced', 1, 2, 'c', '1');
CALL test.answer_item('not raced', 1, 3, 'c', '1');
CALL test.run();
SELECT status, output FROM test.instance('not raced');

-- each generation has its own rows, and leaves none
SELECT df_purge_before('infinity');
SELECT df_start('generations', '1', 'generations');
CALL test.run();
SELECT status, tasks, output FROM test.instance('generations');
SELECT rows_left();
SELECT df_restart('generations', 'generations');
CALL test.run();
SELECT status, tasks, output FROM test.instance('generations');
SELECT rows_left();
SELECT count(*) FROM df.doctor() WHERE severity = 'violation';

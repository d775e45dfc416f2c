-- A rewind does again the items that have failed, and no others.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('strict', $$BEGIN RETURN df_call_map('hold', (SELECT jsonb_agg(g) FROM generate_series(1, 5) g)); END$$);
CALL test.orchestrator('narrow', $$BEGIN RETURN df_call_map('hold', (SELECT jsonb_agg(g) FROM generate_series(1, 5) g), max_in_flight => 2); END$$);
CALL test.orchestrator('beside', $$
DECLARE
    items df_task := df_map('hold', '[1, 2, 3]');
BEGIN
    PERFORM df_call_activity('hold');
    PERFORM df_map('echo', '[1]');
    RETURN df_await(items);
END $$);
CREATE PROCEDURE test.answer_all_items(id text, failing int[]) LANGUAGE sql AS $$
    UPDATE test.claimed c
    SET outcome = CASE WHEN c.input::int = ANY (failing) THEN 'f' ELSE 'c' END,
        payload = CASE WHEN c.input::int = ANY (failing) THEN test.failure('{}')::text ELSE (c.input::int * 10)::text END
    WHERE c.instance_id = id AND c.task_id < 0;
$$;
\set QUIET off
\set ECHO all
SELECT df_start('strict', NULL, 'strict');
CALL test.run();
CALL test.answer_all_items('strict', '{2, 5}');
CALL test.run();
SELECT status, tasks, error FROM test.instance('strict');
SELECT df_rewind('strict');
CALL test.run();
SELECT status, tasks FROM test.instance('strict');
SELECT attempt, input FROM test.claimed ORDER BY input;
CALL test.answer_all_items('strict', '{5}');
CALL test.run();
SELECT status, tasks, error FROM test.instance('strict');
SELECT df_rewind('strict');
CALL test.run();
SELECT attempt, input FROM test.claimed ORDER BY input;
CALL test.answer_all_items('strict', '{}');
CALL test.run();
SELECT status, tasks, output FROM test.instance('strict');
SELECT test.history('strict');

-- the limit holds for them too
SELECT df_start('narrow', NULL, 'narrow');
CALL test.run();
CALL test.answer_all_items('narrow', '{1, 2, 3, 4, 5}');
CALL test.run();
CALL test.answer_all_items('narrow', '{1, 2, 3, 4, 5}');
CALL test.run();
CALL test.answer_all_items('narrow', '{1, 2, 3, 4, 5}');
CALL test.run();
SELECT status, tasks, error FROM test.instance('narrow');
SELECT df_rewind('narrow');
CALL test.run();
SELECT input FROM test.claimed ORDER BY input;
CALL test.answer_all_items('narrow', '{}');
CALL test.run();
SELECT input FROM test.claimed ORDER BY input;
CALL test.answer_all_items('narrow', '{}');
CALL test.run();
CALL test.answer_all_items('narrow', '{}');
CALL test.run();
SELECT status, tasks, output FROM test.instance('narrow');

-- another failure ends the instance: the map stands still, and goes on with the rewind
SELECT df_start('beside', NULL, 'beside');
CALL test.run();
CALL test.answer_item('beside', 1, 1, 'c', '10');
CALL test.answer('beside', 2, 'f', '{}');
CALL test.run();
SELECT status, tasks FROM test.instance('beside');
SELECT state, sum(bit_count(open_items::bit(64))) FROM df.tasks WHERE task_id < 0 GROUP BY state;
-- what a worker that heard of it late reports is void
CALL test.answer_item('beside', 1, 2, 'c', '20');
SELECT what FROM test.work() WHERE what <> 'S';
DELETE FROM test.claimed;
SELECT df_rewind('beside');
CALL test.run();
SELECT coalesce(input, 'null') AS input FROM test.claimed ORDER BY 1;
CALL test.answer('beside', 2, 'c', 'null');
CALL test.answer_item('beside', 1, 2, 'c', '20');
CALL test.answer_item('beside', 1, 3, 'c', '30');
CALL test.run();
SELECT status, tasks, output FROM test.instance('beside');
SELECT count(*) FROM df.doctor() WHERE severity = 'violation';

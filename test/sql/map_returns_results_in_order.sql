-- df_call_map: the results in the order of the inputs, one event for all that is scheduled and one for all that is done.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('doubles', 'BEGIN RETURN df_call_map(''double'', input); END');
CALL test.orchestrator('empties', 'BEGIN RETURN jsonb_build_array(df_is_completed(df_map(''double'', ''[]'')), df_call_map(''double'', ''[]''), df_call_activity(''echo'', ''1'')); END');
CALL test.orchestrator('sums', $$
DECLARE
    task df_task;
BEGIN
    SELECT df_map_agg('double', to_jsonb(g) ORDER BY g DESC) INTO task FROM generate_series(1, input::int) g;
    RETURN (SELECT jsonb_build_object('count', count(*), 'sum', sum(result::bigint), 'first', min(result::int) FILTER (WHERE n = 1), 'in_order', bool_and(result::int = 2 * (input::int + 1 - n)))
            FROM df_map_results(task));
END $$);
\set QUIET off
\set ECHO all
SELECT df_start('doubles', '[3, 1, 2, "no", {"a": 1}]'::jsonb - 3 - 3, 'ordered');
SELECT df_start('doubles', to_jsonb(ARRAY(SELECT generate_series(1, 1000))), 'thousand');
SELECT df_start('empties', NULL, 'empty');
SELECT df_start('sums', '200', 'sum');
SELECT df_start('sums', '0', 'sum of nothing');
CALL test.run();
SELECT * FROM test.instance('ordered');
SELECT test.history('ordered');
SELECT event_type, payload FROM df_history('ordered') WHERE event_type LIKE 'Task%';
SELECT status, tasks, turns, output ->> 0 AS first, output ->> 999 AS last, json_array_length(output) FROM test.instance('thousand');
SELECT * FROM test.instance('empty');
SELECT test.history('empty');
SELECT * FROM test.instance('sum');
SELECT * FROM test.instance('sum of nothing');
-- nothing is left of them but what history says
SELECT count(*) FROM df.tasks;

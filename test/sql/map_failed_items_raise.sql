-- A map with failed items raises DF001 and names the item; df_map_results() shows each item's failure instead.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('caught', $$
DECLARE
    detail text;
BEGIN
    RETURN df_call_map('fail', input);
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN jsonb_build_object('sqlstate', SQLSTATE, 'error', SQLERRM, 'detail', detail,
        'type', df_failure() ->> 'errorType', 'inner', df_failure() #>> '{innerFailure,errorType}',
        'properties', df_failure() -> 'properties');
END $$);
CALL test.orchestrator('uncaught', $$BEGIN RETURN df_call_map('fail', input); END$$);
CALL test.orchestrator('mixed', $$
DECLARE
    task df_task := df_map('hold', '[1, 2, 3]');
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_object('n', n, 'result', result, 'type', failure ->> 'errorType') ORDER BY n)
            FROM df_map_results(task));
END $$);
CALL test.orchestrator('composed', $$
DECLARE
    items df_task := df_map('fail', '[{"message": "first"}]');
    fine df_task := df_map('echo', '["a", "b"]');
    winner df_task;
    timer df_task := df_timer('1 day');
BEGIN
    winner := df_when_any(timer, fine);
    BEGIN
        PERFORM df_when_all(fine, items);
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        RETURN jsonb_build_object('winner', winner = fine, 'error', SQLERRM, 'all', df_await(df_all(ARRAY[fine, fine])),
            'settled', (SELECT jsonb_agg(jsonb_build_array(n, result, failure ->> 'errorMessage')) FROM df_when_all_settled(ARRAY[items, fine])));
    END;
END $$);
CALL test.orchestrator('many', $$
DECLARE
    detail text;
BEGIN
    RETURN df_call_map('fail', (SELECT jsonb_agg(jsonb_build_object('message', repeat('x', 200))) FROM generate_series(1, 1000)));
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN jsonb_build_object('error', left(SQLERRM, 60), 'bounded', length(detail) < 70000, 'ends', right(detail, 3));
END $$);
\set QUIET off
\set ECHO all
SELECT df_start('caught', '[{"message": "one"}, {"type": "Strange", "message": "two"}]', 'caught');
SELECT df_start('caught', '[{"message": "alone"}]', 'caught one');
SELECT df_start('uncaught', '[{"message": "one"}, {"message": "two"}]', 'uncaught');
SELECT df_start('mixed', NULL, 'mixed');
SELECT df_start('composed', NULL, 'composed');
SELECT df_start('many', NULL, 'many');
CALL test.run(room => 0);
CALL test.run();
CALL test.answer_item('mixed', 1, 1, 'c', '"fine"');
CALL test.answer_item('mixed', 1, 2, 'f', '{"type": "Broken"}');
CALL test.answer_item('mixed', 1, 3, 'c', 'no JSON');
CALL test.run();
SELECT jsonb_pretty(output::jsonb) FROM test.instance('caught');
SELECT jsonb_pretty(output::jsonb) FROM test.instance('caught one');
SELECT status, error_type, error FROM test.instance('uncaught');
SELECT failure_details #>> '{innerFailure,errorType}' AS inner, failure_details #>> '{innerFailure,innerFailure,errorMessage}' AS item FROM df_status('uncaught');
SELECT output FROM test.instance('mixed');
SELECT jsonb_pretty(output::jsonb) FROM test.instance('composed');
SELECT output FROM test.instance('many');
SELECT event_type, payload, failure_details ->> 'errorMessage' AS failure FROM df_history('caught') WHERE event_type LIKE 'Task%';

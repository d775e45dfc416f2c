-- df_when_all_settled waits for all and raises nothing: a row for each task, with its result or its failure.

CALL test.orchestrator('settle', $$
DECLARE
    tasks df_task[];
BEGIN
    tasks := ARRAY[df_activity('echo', '{"a": 1}'), df_activity('fail', '{"type": "Broken", "message": "no"}'), df_activity('echo'),
        df_all(ARRAY[df_activity('echo', '1'), df_activity('echo', '2')]),
        df_all(ARRAY[df_activity('echo', '1'), df_activity('fail', '{"type": "Inner"}')])];
    RETURN (SELECT jsonb_agg(jsonb_build_object('n', n, 'result', result, 'failure', failure -> 'errorType',
            'sql null', jsonb_build_array(result IS NULL, failure IS NULL)) ORDER BY n)
        FROM df_when_all_settled(tasks));
END $$);
SELECT df_start('settle', NULL, 's');
CALL test.run();
SELECT status, turns, tasks, error FROM test.instance('s');
SELECT r FROM df_status('s'), jsonb_array_elements(output) AS r;

-- in PL/pgSQL's loop, with further awaits in it
CALL test.orchestrator('retry_those_that_failed', $$
DECLARE
    tasks df_task[] := ARRAY[df_activity('fail', '{"type": "A"}'), df_activity('echo', '"fine"'), df_activity('fail', '{"type": "B"}')];
    task record;
    results jsonb := '[]';
BEGIN
    FOR task IN SELECT * FROM df_when_all_settled(tasks) LOOP
        IF task.failure IS NOT NULL THEN
            task.result := df_call_activity('echo', to_jsonb('again ' || (task.failure ->> 'errorType')));
        END IF;
        results := results || task.result;
    END LOOP;
    RETURN results;
END $$);
SELECT df_start('retry_those_that_failed', NULL, 'again');
CALL test.run();
SELECT status, output, turns FROM test.instance('again');

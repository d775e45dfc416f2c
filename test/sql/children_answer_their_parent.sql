-- Sub-orchestrations: results and failures, with what caused them, arrive in the parent; a child that cannot be started has failed.

CALL test.orchestrator('child', $$
BEGIN
    IF input ? 'fail' THEN
        RETURN df_call_activity('fail', input -> 'fail');
    ELSIF input ? 'raise' THEN
        RAISE division_by_zero USING MESSAGE = 'own error';
    END IF;
    RETURN df_call_activity('double', input -> 'n');
END $$);
CALL test.orchestrator('parent', $$
DECLARE
    tasks df_task[];
    log jsonb := jsonb_build_array(df_call_sub_orchestrator('child', '{"n": 21}'));
BEGIN
    tasks := ARRAY(SELECT df_sub_orchestrator('CHILD', jsonb_build_object('n', i)) FROM generate_series(1, 3) AS i);
    log := log || jsonb_build_array(to_jsonb(df_when_all(tasks)));
    BEGIN
        PERFORM df_call_sub_orchestrator('child', '{"fail": {"type": "Deep", "message": "far below"}}');
    EXCEPTION WHEN SQLSTATE 'DF002' THEN
        log := log || jsonb_build_array(SQLERRM, df_failure());
    END;
    RETURN log;
END $$);
SELECT df_start('parent', NULL, 'p', priority => 5, queue => 'default');
CALL test.run();
SELECT status, turns, tasks, error FROM test.instance('p');
SELECT jsonb_pretty(output) FROM df_status('p');
-- children have generated ids, their parent's owner, priority and queue
SELECT count(*), count(DISTINCT instance_id), bool_and(instance_id ~ '^[0-9a-f]{32}$') AS generated, min(priority) AS priority,
    min(queue) AS queue, min(parent_instance_id) AS parent FROM df.instances WHERE name = 'child';
SELECT event_type, count(*) FROM df_history('p') WHERE event_type LIKE 'Sub%' GROUP BY 1 ORDER BY 1;

-- not caught: the parent fails with it, and so does its parent
CALL test.orchestrator('grandparent', 'BEGIN RETURN df_call_sub_orchestrator(''middle'', input); END');
CALL test.orchestrator('middle', 'BEGIN RETURN df_call_sub_orchestrator(''child'', input); END');
SELECT df_start('grandparent', '{"raise": true}', 'g'), df_start('grandparent', '{"n": 4}', 'g ok');
CALL test.run();
SELECT status, error_type, error FROM test.instance('g');
SELECT status, output FROM test.instance('g ok');
SELECT f.n, f.failure ->> 'errorType' AS type, f.failure ->> 'errorMessage' AS message
FROM df_status('g') s, LATERAL (VALUES (1, s.failure_details), (2, s.failure_details -> 'innerFailure'),
    (3, s.failure_details #> '{innerFailure,innerFailure}'), (4, s.failure_details #> '{innerFailure,innerFailure,innerFailure}')) AS f(n, failure);
SELECT depth, name, runtime_status FROM df_tree('g');

-- ids of one's own; what is taken, wrong or unknown is a failure to catch
CALL test.orchestrator('tries', $$
DECLARE
    log jsonb := '[]';
    task df_task;
BEGIN
    log := log || jsonb_build_array(df_call_sub_orchestrator('child', '{"n": 1}', 'mine', tags => '{"a": 1}'));
    FOR task IN SELECT df_sub_orchestrator(name, '{"n": 1}', id, version => version) FROM (VALUES ('no such child', NULL, NULL), ('child', 'taken', NULL),
        ('child', 'a/b', NULL), ('child', NULL, 'v9'), ('echo', NULL, NULL)) AS v(name, id, version) LOOP
        BEGIN
            log := log || jsonb_build_array(df_await(task));
        EXCEPTION WHEN SQLSTATE 'DF002' THEN
            log := log || jsonb_build_array((df_failure() ->> 'errorType') || ': ' || SQLERRM);
        END;
    END LOOP;
    RETURN log;
END $$);
SELECT df_start('child', '{"n": 1}', 'taken', start_at => '9999-01-01');
SELECT df_start('tries', NULL, 'tries');
CALL test.run();
SELECT status, error FROM test.instance('tries');
SELECT e FROM df_status('tries'), jsonb_array_elements_text(output) AS e;
SELECT parent_instance_id, tags FROM df.instances WHERE instance_id = 'mine';

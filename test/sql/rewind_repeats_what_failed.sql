-- df_rewind: only the uncaught failure that ended the instance is run again, and what came after it; all else stays as recorded.
SET pgdf.inline_sql_budget = '10s';

CREATE TABLE broken (task text PRIMARY KEY);
CREATE TABLE runs (n serial, task text);
CREATE FUNCTION does(task text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF task IN (SELECT b.task FROM broken b) THEN
        PERFORM df_fail('Broken', task || ' is broken');
    END IF;
    INSERT INTO runs (task) VALUES (does.task);
    RETURN task;
END $$;
SELECT FROM df_register_activity('does', 'does');
CALL test.orchestrator('saga', $$
DECLARE
    first jsonb := df_call_activity('does', '"a"');
    results jsonb[];
    handled text;
BEGIN
    BEGIN
        PERFORM df_call_activity('does', '"handled"');
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        handled := SQLERRM;
    END;
    BEGIN
        results := df_when_all(ARRAY(SELECT df_activity('does', to_jsonb('part ' || i)) FROM generate_series(1, 4) AS i));
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        PERFORM df_call_activity('does', '"undo a"');
        RAISE;
    END;
    RETURN to_jsonb(first || results) || to_jsonb(handled) || df_call_activity('does', '"end"');
END $$);
INSERT INTO broken VALUES ('handled'), ('part 2'), ('part 4'), ('end');
SELECT df_start('saga', NULL, 's');
CALL test.run();
SELECT status, error, tasks FROM test.instance('s');
SELECT df_rewind('s', 'repaired');
SELECT status FROM test.instance('s');

-- still broken: it fails again
CALL test.run();
SELECT status, error, tasks FROM test.instance('s');

-- the two parts are repaired; what was handled stays handled though it would work now
DELETE FROM broken WHERE task <> 'end';
SELECT df_rewind('s');
CALL test.run();
SELECT status, error, tasks FROM test.instance('s');
DELETE FROM broken;
SELECT df_rewind('s');
CALL test.run();
SELECT status, output, error, tasks FROM test.instance('s');
SELECT completed_time IS NOT NULL AS ended, failure_details FROM df_status('s');
SELECT string_agg(task, ', ' ORDER BY n) FROM runs;
SELECT event_type, payload FROM df_history('s') WHERE event_type LIKE 'Execution%' AND event_type <> 'ExecutionStarted' ORDER BY event_id;
SELECT count(*) AS tasks FROM df.tasks;
SELECT df_rewind('s');

-- a handled failure and then an error of its own: the failure is not what it failed of
CALL test.orchestrator('own', $$
BEGIN
    BEGIN
        PERFORM df_call_activity('does', '"flaky"');
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        PERFORM df_call_activity('does', '"compensation"');
    END;
    IF EXISTS (SELECT FROM broken WHERE task = 'self') THEN
        RAISE SQLSTATE 'DF001' USING MESSAGE = 'same code, other error';
    END IF;
    RETURN '"through"';
END $$);
INSERT INTO broken VALUES ('flaky'), ('self');
SELECT df_start('own', NULL, 'o');
CALL test.run();
SELECT status, error, tasks FROM test.instance('o');
DELETE FROM broken;
TRUNCATE runs;
SELECT df_rewind('o');
CALL test.run();
SELECT status, output, tasks FROM test.instance('o');
SELECT count(*) AS run_again FROM runs;

-- the first failure is raised again after another one was handled: the first counts
CALL test.orchestrator('nested', $$
BEGIN
    PERFORM df_call_activity('does', '"outer"');
    RETURN '"through"';
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    BEGIN
        PERFORM df_call_activity('does', '"undo"');
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        NULL;
    END;
    RAISE;
END $$);
INSERT INTO broken VALUES ('outer'), ('undo');
SELECT df_start('nested', NULL, 'n');
CALL test.run();
SELECT status, error FROM test.instance('n');
DELETE FROM broken;
SELECT df_rewind('n');
CALL test.run();
SELECT status, output, tasks FROM test.instance('n');
SELECT string_agg(task, ', ' ORDER BY n) FROM runs;

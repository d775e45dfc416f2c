-- df_when_all(fail_fast => true) raises the failure that came first, also in replays that know of later ones.

CALL test.orchestrator('hurry', $$
DECLARE
    tasks df_task[];
    message text;
BEGIN
    tasks := ARRAY(SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, 3) AS i);
    BEGIN
        PERFORM df_when_all(tasks, fail_fast => true);
    EXCEPTION WHEN SQLSTATE 'DF000' THEN
        message := df_failure() ->> 'errorMessage';
    END;
    -- with another message this would be another input
    PERFORM df_call_activity('hold', to_jsonb(message));
    RETURN to_jsonb(message);
END $$);
SELECT df_start('hurry', NULL, 'h');
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';

-- the second fails first: the orchestrator goes on at once
CALL test.answer('h', 2, 'f', '{"message": "second"}');
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';

-- the first fails later
CALL test.answer('h', 1, 'f', '{"message": "first"}');
CALL test.answer('h', 4);
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';
SELECT status, output, turns, blocked FROM test.instance('h');

-- without a failure it waits for all
SELECT df_start('hurry', NULL, 'fine');
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';
CALL test.answer('fine', 1);
CALL test.answer('fine', 2);
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';
CALL test.answer('fine', 3);
SELECT what, task_id, input FROM test.work() WHERE what <> 'S';

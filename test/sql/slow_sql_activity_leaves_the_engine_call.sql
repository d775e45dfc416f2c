-- A SQL activity that does not fit into the engine call's budget is rolled back and claimed for the slow lane (Q), with
-- no attempt counted; df.run_sql runs it alone and records its outcome.

CREATE TABLE log (note text);
CREATE FUNCTION slow(seconds float8) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES ('slept ' || seconds);
    PERFORM pg_sleep(seconds);
    RETURN 'slept';
END $$;
SELECT FROM df_register_activity('slow');
CALL test.orchestrator('sleeps', $$ BEGIN RETURN df_call_activity('slow', input -> 'seconds', input -> 'retry', (input ->> 'timeout')::interval); END $$);
CREATE VIEW task AS
SELECT i.instance_id, t.lane, t.state, t.attempts, t.deliveries FROM df.tasks t JOIN df.instance_state i USING (instance_key);
SET pgdf.inline_sql_budget = '5ms';

SELECT df_start('sleeps', '{"seconds": 0.1}', 's');
CALL test.run(room => 0);
SELECT * FROM task;
SELECT * FROM log;
SELECT what, name, attempt, input FROM test.work() WHERE what <> 'S';
SELECT * FROM task;
-- with a void fence: false, and nothing
SELECT df.run_sql(test.attach(), instance_key, task_id, fence + 1) FROM test.claimed;
SELECT * FROM log;
SELECT df.run_sql(test.attach(), instance_key, task_id, fence) FROM test.claimed;
SELECT * FROM log;
SELECT count(*) FROM task;
SELECT df.run_sql(test.attach(), instance_key, task_id, fence) FROM test.claimed;
DELETE FROM test.claimed;
SELECT status FROM test.instance('s');
CALL test.run();
SELECT status, output, turns FROM test.instance('s');
SELECT * FROM log;

-- rolled back: nothing, and it can be run again
SELECT df_start('sleeps', '{"seconds": 0.05}', 'b');
CALL test.run(room => 0);
SELECT what FROM test.work() WHERE what = 'Q';
BEGIN;
SELECT df.run_sql(test.attach(), instance_key, task_id, fence) FROM test.claimed;
ROLLBACK;
SELECT * FROM task;
CALL test.run();
SELECT status, output FROM test.instance('b');
SELECT * FROM log;

-- its own time-out is an outcome; a failure is tried again by its policy, in the slow lane
SELECT df_start('sleeps', '{"seconds": 10, "timeout": "50 ms", "retry": {"max_attempts": 2, "first_delay": 0}}', 'timeout');
CALL test.run(room => 0);
SELECT what FROM test.work() WHERE what = 'Q';
SELECT df.run_sql(test.attach(), instance_key, task_id, fence) FROM test.claimed;
DELETE FROM test.claimed;
SELECT * FROM task;
CALL test.run();
SELECT status, error_type, error FROM test.instance('timeout');
SELECT * FROM task;
SELECT * FROM log;

-- what is not registered any more is not run, and not claimed again and again
SELECT df_start('sleeps', '{"seconds": 0.05}', 'gone');
CALL test.run(room => 0);
SELECT what FROM test.work() WHERE what = 'Q';
SELECT df_unregister('slow');
SELECT df.run_sql(test.attach(), instance_key, task_id, fence) FROM test.claimed;
DELETE FROM test.claimed;
SELECT what FROM test.work(mode => 'scan') WHERE what = 'Q';
SELECT lane, state, attempts FROM task WHERE instance_id = 'gone';

-- a budget of 0: nothing runs inside the call
SET pgdf.inline_sql_budget = 0;
CREATE FUNCTION quick() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT FROM df_register_activity('quick');
CALL test.orchestrator('calls', $$ BEGIN RETURN df_call_activity('quick'); END $$);
SELECT df_start('calls', NULL, 'quick');
CALL test.run();
SELECT status, output FROM test.instance('quick');

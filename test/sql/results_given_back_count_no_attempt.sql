-- r gives a task back without counting an attempt; s counts one, and so does an outcome; a claim counts a delivery.

CALL test.orchestrator('one', $$ BEGIN RETURN df_call_activity('hold', input -> 'input', input -> 'retry'); END $$);
CREATE VIEW task AS
SELECT i.instance_id, t.state, t.attempts, t.deliveries, t.is_started, t.fence IS NOT NULL AS claimed
FROM df.tasks t JOIN df.instance_state i USING (instance_key);

SELECT df_start('one', '{"retry": {"max_attempts": 3, "first_delay": 0}}', 'a');
SELECT what, attempt FROM test.work() WHERE what <> 'S';
SELECT * FROM task;
CALL test.answer('a', 1, 'r');
SELECT what, attempt FROM test.work(room => 0) WHERE what <> 'S';
SELECT * FROM task;

-- claimed again: still the first attempt; reported as started
SELECT what, attempt FROM test.work() WHERE what <> 'S';
CALL test.answer('a', 1, 's');
SELECT what, input FROM test.work();
SELECT * FROM task;
-- once is enough
CALL test.answer('a', 1, 's');
SELECT what FROM test.work();
SELECT * FROM task;
-- given back all the same: the attempt stays counted
CALL test.answer('a', 1, 'r');
SELECT what, attempt FROM test.work() WHERE what <> 'S';
SELECT * FROM task;
-- a failure counts it once
CALL test.answer('a', 1, 'f');
SELECT what, attempt FROM test.work(mode => 'scan') WHERE what <> 'S';
SELECT * FROM task;
CALL test.answer('a', 1, 'f');
SELECT what FROM test.work();
SELECT status, error_type FROM test.instance('a');

-- what may be started once only is started when it is claimed; given back, it has not been
SELECT df_start('one', '{"retry": {"max_attempts": 1}}', 'once');
SELECT what, attempt FROM test.work() WHERE what <> 'S';
SELECT * FROM task WHERE instance_id = 'once';
CALL test.answer('once', 1, 'r');
SELECT what, attempt FROM test.work(room => 0) WHERE what <> 'S';
SELECT * FROM task WHERE instance_id = 'once';
SELECT what, attempt FROM test.work() WHERE what <> 'S';
CALL test.answer('once', 1, 'f');
SELECT what FROM test.work();
SELECT status, error_type FROM test.instance('once');

-- df.detach gives back everything but what may be started only once
SELECT df_start('one', '{"retry": {"max_attempts": 1}}', 'd1'), df_start('one', '{}', 'd2');
CALL test.run(room => 0);
SELECT what, attempt FROM test.work('w2') WHERE what <> 'S';
SELECT * FROM task WHERE instance_id LIKE 'd_' ORDER BY 1;
SELECT df.detach(test.attach('w2'));
SELECT * FROM task WHERE instance_id LIKE 'd_' ORDER BY 1;

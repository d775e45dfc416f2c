-- p puts a task aside with a state for whoever gets it next: it is the same attempt, however often, whoever dies, and
-- also of what may be started only once.

CALL test.orchestrator('one', $$ BEGIN RETURN df_call_activity('hold', input -> 'input', input -> 'retry'); END $$);
CREATE VIEW task AS
SELECT i.instance_id, t.state, t.attempts, t.deliveries, t.is_started, t.fence IS NOT NULL AS claimed, t.resume_state
FROM df.tasks t JOIN df.instance_state i USING (instance_key);
/* time travel */
CREATE PROCEDURE pass_time() LANGUAGE sql AS $$ UPDATE df.tasks SET visible_at = now() WHERE state = 2 $$;
CREATE PROCEDURE expire(worker text) LANGUAGE sql AS
$$ UPDATE df.worker_sessions SET lease_until = now() - interval '1 second' WHERE name = worker $$;
CREATE FUNCTION claim(worker text DEFAULT 'w') RETURNS TABLE (name text, attempt int, input text, settings text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM test.work(worker, mode => 'scan');
    RETURN QUERY SELECT c.name, c.attempt, c.input, c.settings FROM test.claimed c WHERE c.worker = claim.worker AND c.outcome IS NULL;
END $$;

SELECT df_start('one', '{"input": {"a": 1}, "retry": {"max_attempts": 2, "first_delay": 0}}', 'a');
SELECT * FROM claim();
-- its start was reported: that counts when the attempt ends
CALL test.answer('a', 1, 's');
SELECT count(*) FROM test.work();
SELECT * FROM task;
CALL test.answer('a', 1, 'p', '{"delay_ms": 60000, "state": {"n":  1}}');
SELECT what, input::json ->> 'recorded' AS recorded FROM test.work() WHERE what = 'S';
SELECT * FROM task;
SELECT visible_at - clock_timestamp() BETWEEN interval '50 s' AND interval '60 s' AS later FROM df.tasks;
SELECT count(*) FROM claim();

-- the same attempt goes on, with the state
CALL pass_time();
SELECT * FROM claim();
SELECT * FROM task;
CALL test.answer('a', 1, 's');
SELECT count(*) FROM test.work();
SELECT attempts, is_started FROM task;
-- it is lost with its worker: nothing is counted, and the state stays
SELECT test.attach('other') > 0 AS attached;
CALL expire('w');
SELECT taken FROM df.sweep(test.attach('other'));
SELECT * FROM task;
SELECT * FROM claim('other');
-- and what the lost one still says is void
UPDATE test.workers SET worker_key = NULL WHERE name = 'w';
CALL test.answer('a', 1, 'p', '{"delay_ms": 0, "state": 2}');
SELECT what FROM test.work(room => 0) WHERE what <> 'S';
-- a failure ends the attempt: the next one begins anew
CALL test.answer('a', 1, 'f');
SELECT count(*) FROM test.work('other', room => 0);
SELECT * FROM task;
SELECT * FROM claim('other');
CALL test.answer('a', 1, 'p', '{"delay_ms": 60000, "state": "again"}');
SELECT count(*) FROM test.work('other', room => 0);
CALL pass_time();
SELECT * FROM claim('other');
CALL test.answer('a', 1, 'c', '"done"');
SELECT count(*) FROM test.work('other');
SELECT status, output FROM test.instance('a');

-- what may be started only once has been, when it is postponed
SELECT df_start('one', '{"retry": {"max_attempts": 1}}', 'once');
SELECT attempt, settings FROM claim('other');
SELECT * FROM task WHERE instance_id = 'once';
CALL test.answer('once', 1, 'p', '{"delay_ms": 60000, "state": {"n": 1}}');
SELECT count(*) FROM test.work('other', room => 0);
SELECT * FROM task WHERE instance_id = 'once';
CALL pass_time();
SELECT attempt, settings FROM claim('other');
SELECT * FROM task WHERE instance_id = 'once';
SELECT test.attach() > 0 AS attached;
CALL expire('other');
SELECT taken FROM df.sweep(test.attach());
SELECT * FROM task WHERE instance_id = 'once';
SELECT attempt, settings FROM claim();
SELECT df.detach(test.attach());
SELECT * FROM task WHERE instance_id = 'once';
UPDATE test.workers SET worker_key = NULL;
DELETE FROM test.claimed;
SELECT attempt FROM claim();
CALL test.answer('once', 1, 'r');
SELECT count(*) FROM test.work(room => 0);
SELECT * FROM task WHERE instance_id = 'once';
SELECT attempt FROM claim();
CALL test.answer('once', 1, 'f');
SELECT count(*) FROM test.work();
SELECT status, error_type FROM test.instance('once');

-- a failed instance keeps it, and a rewind goes on with it
CALL test.orchestrator('two', $$
BEGIN
    PERFORM df_activity('hold');
    RETURN df_call_activity('fail', '{}');
END $$);
SELECT df_start('two', NULL, 'two');
SELECT count(*) FROM test.work();
SELECT count(*) FROM claim();
CALL test.answer('two', 1, 'p', '{"delay_ms": 60000, "state": "accepted"}');
CALL test.run();
SELECT status FROM test.instance('two');
SELECT state, resume_state FROM task WHERE instance_id = 'two' AND resume_state IS NOT NULL;
SELECT df_rewind('two');
SELECT count(*) FROM test.work();
SELECT name, settings FROM claim() WHERE name = 'hold';
SELECT df_terminate('two');
CALL test.run();
SELECT count(*) FROM task WHERE instance_id = 'two';
DELETE FROM test.claimed;

-- what is no postponement is a failure
CREATE TABLE cases (n serial, payload text);
INSERT INTO cases (payload) VALUES (NULL), (''), ('{'), ('null'), ('[]'), ('{}'), ('{"delay_ms": 0}'), ('{"state": 1}'),
    ('{"delay_ms": "0", "state": 1}'), ('{"delay_ms": 0, "state": null}'), ('{"delay_ms": 0, "state": "\u0000"}');
SELECT count(*) FROM (SELECT df_start('one', '{}', 'case-' || n) FROM cases) s;
CALL test.run(room => 0);
SELECT count(*) FROM claim();
UPDATE test.claimed SET outcome = 'p', payload = (SELECT c.payload FROM cases c WHERE 'case-' || c.n = instance_id);
SELECT count(*) FROM test.work(room => 0);
CALL test.run();
SELECT n, payload, error_type, error FROM cases, test.instance('case-' || n) ORDER BY n;

-- times have bounds
SELECT df_start('one', '{}', 'early'), df_start('one', '{}', 'late');
CALL test.run(room => 0);
SELECT count(*) FROM claim();
CALL test.answer('early', 1, 'p', '{"delay_ms": -1e300, "state": 1}');
CALL test.answer('late', 1, 'p', '{"delay_ms": 1e300, "state": 1}');
SELECT count(*) FROM test.work(room => 0);
SELECT i.instance_id, coalesce(t.visible_at, '-infinity') <= clock_timestamp() AS at_once, -- it may be due already
    coalesce(t.visible_at, '-infinity') > clock_timestamp() + interval '29 days' AS in_a_month
FROM df.tasks t JOIN df.instance_state i USING (instance_key) WHERE i.instance_id IN ('early', 'late') ORDER BY 1;

-- a delay that the failure names is the least, whatever the policy says, and counts for its time-out
SELECT df_start('one', '{"retry": {"max_attempts": 9, "first_delay": 1}}', 'soon'),
    df_start('one', '{"retry": {"max_attempts": 9, "first_delay": 100, "max_delay": 100}}', 'policy'),
    df_start('one', '{"retry": {"max_attempts": 9, "first_delay": 1, "retry_timeout": 30}}', 'over');
CALL test.run(room => 0);
SELECT count(*) FROM claim() WHERE name = 'hold';
CALL test.answer('soon', 1, 'f', '{"properties": {"retry_after": 60}}');
CALL test.answer('policy', 1, 'f', '{"properties": {"retry_after": 60}}');
CALL test.answer('over', 1, 'f', '{"properties": {"retry_after": 60}}');
SELECT count(*) FROM test.work(room => 0);
SELECT i.instance_id, t.state, round(extract(epoch FROM t.visible_at - t.scheduled_at) / 20) * 20 AS delay
FROM df.tasks t JOIN df.instance_state i USING (instance_key) WHERE i.instance_id IN ('soon', 'policy', 'over') ORDER BY 1;

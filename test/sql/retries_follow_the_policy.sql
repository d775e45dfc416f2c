-- A failed attempt is tried again as the retry policy says; until then its row is delayed, and not in any lane.

CALL test.orchestrator('tries', $$ BEGIN RETURN df_call_activity('hold', input, nullif(input, 'null')); END $$);
CREATE VIEW task AS
SELECT i.instance_id, t.state, t.attempts,
    round(extract(epoch FROM t.visible_at - now())::numeric, -1) AS delay, t.last_failure ->> 'errorType' AS failure
FROM df.tasks t JOIN df.instance_state i USING (instance_key);
CREATE PROCEDURE fail(id text, failure text) LANGUAGE plpgsql AS $$
BEGIN
    CALL test.answer(id, 1, 'f', failure);
    PERFORM FROM test.work(room => 0);
END $$;
/* time travel: what is delayed is due */
CREATE PROCEDURE due() LANGUAGE sql AS $$ UPDATE df.tasks SET visible_at = now() - interval '1 second' WHERE state = 2 $$;

-- delays grow: 100 s, 300 s, 500 s (max_delay)
SELECT df_start('tries', df_retry(5, '100 s', 3, '500 s'), 'r');
SELECT what, attempt FROM test.work() WHERE what = 'T';
CALL fail('r', '{"type": "One"}');
SELECT * FROM task;
SELECT what FROM test.work(mode => 'scan') WHERE what = 'T';
SELECT (s.input::jsonb ->> 'next_due_ms')::int BETWEEN 90000 AND 100000 AS due FROM df.work(test.attach(), '{default}', '{hold}', 0, 0, 'scan', '{}', '{}', '{}', '', '{}') s;
CALL due();
SELECT what, attempt FROM test.work(mode => 'scan') WHERE what = 'T';
CALL fail('r', '{"type": "Two"}');
SELECT * FROM task;
CALL due();
SELECT what, attempt FROM test.work(mode => 'scan') WHERE what = 'T';
CALL fail('r', '{"type": "Three"}');
SELECT * FROM task;
CALL due();
SELECT what, attempt FROM test.work(mode => 'scan') WHERE what = 'T';
CALL test.answer('r', 1, 'c', '"at last"');
SELECT FROM test.work();
SELECT status, output, turns FROM test.instance('r');
SELECT test.history('r');

-- what is not tried again
CREATE TABLE cases (n serial, retry jsonb, failure text);
INSERT INTO cases (retry, failure) VALUES
(NULL, '{}'), (df_retry(1), '{}'), (df_retry(3), '{"final": true}'), (df_retry(3), '{}'),
(df_retry(3, retry_on => '{A,B}'), '{"type": "B"}'), (df_retry(3, retry_on => '{A,B}'), '{"type": "C"}'),
(df_retry(3, no_retry_on => '{A,B}'), '{"type": "B"}'), (df_retry(3, no_retry_on => '{A,B}'), '{"type": "C"}'),
(df_retry(3, '1 hour', retry_timeout => '10 min'), '{}'), (df_retry(3, '1 min', retry_timeout => '10 min'), '{}'),
(df_retry(3, '0'), '{}'), ('{"first_delay": 60}', '{}'), (df_retry(32767, '1 s', 1000), '{}'), (df_retry(3, '100 s', jitter => 0.5), '{}');
SELECT count(df_start('tries', retry, 'c' || n)) FROM cases;
CALL test.run();
UPDATE test.claimed c SET outcome = 'f', payload = test.failure(cases.failure::jsonb) FROM cases WHERE instance_id = 'c' || cases.n;
CALL test.run(room => 0);
SELECT n, i.status, t.state, t.attempts, CASE WHEN n = 14 THEN (delay BETWEEN 25 AND 60)::text ELSE t.delay::text END AS delay
FROM cases, test.instance('c' || n) i, task t WHERE t.instance_id = 'c' || n ORDER BY n;

-- the last attempt's failure is the outcome; the row stays, for rewind
SELECT df_start('tries', df_retry(2, '0'), 'last');
SELECT what, attempt FROM test.work() WHERE what = 'T' AND instance_id = 'last';
CALL test.answer('last', 1, 'f', '{"type": "First"}');
SELECT what, attempt FROM test.work() WHERE what = 'T' AND instance_id = 'last';
CALL test.answer('last', 1, 'f', '{"type": "Last"}');
SELECT FROM test.work();
SELECT status, error_type FROM test.instance('last');
SELECT * FROM task WHERE instance_id = 'last';

-- a policy of the registration, and one of the call before it
SELECT FROM df_register_activity('echo', kind => 'worker', retry => df_retry(7));
CALL test.orchestrator('registered', $$ BEGIN RETURN to_jsonb(df_when_all(df_activity('echo', '1'), df_activity('echo', '2', df_retry(2)))); END $$);
SELECT df_start('registered', NULL, 'registered');
SELECT FROM test.work(room => 0);
SELECT task_id, t.retry ->> 'max_attempts' AS max FROM df.tasks t JOIN df.instance_state USING (instance_key) WHERE instance_id = 'registered' ORDER BY 1;
-- nonsense is refused in the turn
CALL test.orchestrator('nonsense', $$ BEGIN RETURN df_call_activity('echo', '1', input); END $$);
SELECT count(df_start('nonsense', r, 'n' || n)) FROM (VALUES (1, '5'::jsonb), (2, '{"max_attempts": 0}'), (3, '{"attempts": 1}'), (4, '{"backoff": "x"}')) v (n, r);
CALL test.run(room => 0);
SELECT n, i.status, i.error_type, i.error, failure_details #>> '{properties,detail}' AS detail FROM generate_series(1, 4) n, test.instance('n' || n) i, df_status('n' || n) ORDER BY n;

-- A worker gets the tasks that its call has made at once, as if it had claimed them; but nobody is overtaken.

CALL test.orchestrator('one', $$ BEGIN RETURN df_call_activity('hold', input); END $$);
CALL test.orchestrator('once', $$ BEGIN RETURN df_call_activity('hold', input, df_retry(max_attempts => 1), '1 min'); END $$);
CALL test.orchestrator('three', $$ BEGIN RETURN to_jsonb(df_when_all(ARRAY[
    df_activity('hold', '0'), df_activity('hold', '5', priority => 5), df_activity('hold', '1', priority => 1)])); END $$);
CREATE VIEW rows AS
SELECT i.instance_id, t.task_id, t.state, t.deliveries, t.attempts, t.is_started, t.fence = c.fence AS "its fence",
    t.worker_key = test.attach() AS "its worker", t.claimed_at IS NOT NULL AS claimed
FROM df.tasks t JOIN df.instance_state i USING (instance_key) LEFT JOIN test.claimed c USING (instance_key, task_id) ORDER BY 1, 2;

-- the same row and answer, whether it was queued before or not
SELECT df_start('one', '{"a": 1}', 'queued'), df_start('once', '2', 'queued once');
SELECT what FROM test.work(room => 0) WHERE what = 'T';
SELECT what, instance_id, task_id, name, attempt, input FROM test.work() WHERE what = 'T' ORDER BY 2;
SELECT df_start('one', '{"a": 1}', 'new'), df_start('once', '2', 'new once');
SELECT what, instance_id, task_id, name, attempt, input FROM test.work() WHERE what = 'T' ORDER BY 2;
SELECT * FROM rows;
SELECT instance_id, timeout_ms, idempotency_key LIKE '%-0-1' AS key FROM test.claimed ORDER BY 1;

-- first come, first served
SELECT df_start('one', '1', 'older');
SELECT FROM test.work(room => 0);
SELECT df_start('one', '1', 'younger');
SELECT instance_id FROM test.work(room => 1) WHERE what = 'T';
SELECT instance_id FROM test.work(room => 1) WHERE what = 'T';

-- the most important ones, when not all of them fit
SELECT df_start('three', NULL, 'three');
SELECT input FROM test.work(room => 2, mode => 'scan') WHERE what = 'T' ORDER BY 1;
SELECT input FROM test.work(room => 2) WHERE what = 'T';

-- the first ones of a fan-out that does not fit, and then the others
CALL test.orchestrator('four', $$ BEGIN RETURN to_jsonb(df_when_all(ARRAY(SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, 4) i))); END $$);
SELECT df_start('four', NULL, 'four');
SELECT input FROM test.work(room => 2) WHERE what = 'T';
SELECT * FROM rows WHERE instance_id = 'four';
SELECT input FROM test.work(room => 1) WHERE what = 'T';
SELECT input FROM test.work(room => 2) WHERE what = 'T';

-- a call that is rolled back has handed out nothing
SELECT df_start('one', '1', 'back');
BEGIN;
SELECT instance_id FROM test.work() WHERE what = 'T';
ROLLBACK;
SELECT instance_id FROM test.work() WHERE what = 'T';
SELECT * FROM rows WHERE instance_id = 'back';
CALL test.answer('back', 1, 'c', '"done"');
CALL test.answer('new once', 1, 'c', '"done"');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{back,new once}'::text[]) AS id, test.instance(id) i;

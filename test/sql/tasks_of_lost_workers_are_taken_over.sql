-- A worker whose lease has run out loses its tasks; what it still reports meets void fences. What may run only once
-- fails; what was handed out too often is a dead letter.  (A closed connection: isolation and TAP tests.)

CALL test.orchestrator('tasks', $$
BEGIN
    RETURN (SELECT jsonb_agg(coalesce(result, failure -> 'errorType')) FROM df_when_all_settled(
        ARRAY[df_activity('hold', '1'), df_activity('hold', '2', df_retry(1)), df_activity('hold', '3')]));
END $$);
CREATE VIEW task AS
SELECT i.instance_id, t.task_id, t.state, t.attempts, t.deliveries, w.name AS worker
FROM df.tasks t JOIN df.instance_state i USING (instance_key) LEFT JOIN df.worker_sessions w USING (worker_key);
/* time travel */
CREATE PROCEDURE expire(worker text) LANGUAGE sql AS
$$ UPDATE df.worker_sessions SET lease_until = now() - interval '1 second' WHERE name = worker $$;

SELECT df_start('tasks', NULL, 't');
SELECT what, task_id, attempt FROM test.work('lost') WHERE what = 'T';
CALL test.answer('t', 3, 's');
SELECT what FROM test.work('lost');
SELECT * FROM task ORDER BY task_id;
SELECT test.attach('other') > 0 AS attached;
SELECT alive, taken, next_ms FROM df.sweep(test.attach('other'));

CALL expire('lost');
SELECT alive, taken FROM df.sweep(test.attach('other'));
SELECT alive, taken FROM df.sweep(test.attach('other'));
SELECT name FROM df.workers;
SELECT * FROM task ORDER BY task_id;

-- the lost one
SELECT alive FROM df.sweep((SELECT worker_key FROM test.workers WHERE name = 'lost'));
CALL test.answer('t', 1, 'c', '"late"');
CALL test.answer('t', 3, 'c', '"late"');
\set SHOW_CONTEXT never
SELECT what FROM test.work('lost');
UPDATE test.workers SET worker_key = NULL WHERE name = 'lost';
SELECT * FROM test.work('lost', room => 0) WHERE what <> 'S';

-- the other one: delivered twice; the attempt that was started is counted
SELECT what, task_id, attempt FROM test.work('other') WHERE what = 'T';
SELECT * FROM task ORDER BY task_id;
UPDATE test.claimed SET outcome = 'c', payload = '"' || worker || '"' WHERE worker = 'other';
SELECT what FROM test.work('other');
SELECT status, output, turns FROM test.instance('t');
SELECT failure_details ->> 'errorMessage' AS message, failure_details -> 'isNonRetriable' AS final FROM df_history('t') WHERE event_type = 'TaskFailed';

-- handed out too often without an answer
SET pgdf.max_deliveries = 2;
SELECT df_start('tasks', NULL, 'poison');
SELECT count(*) FROM test.work('lost') WHERE what = 'T';
CALL expire('lost');
SELECT taken FROM df.sweep(test.attach('other'));
UPDATE test.workers SET worker_key = NULL WHERE name = 'lost';
SELECT count(*) FROM test.work('lost') WHERE what = 'T';
CALL expire('lost');
SELECT taken FROM df.sweep(test.attach('other'));
SELECT * FROM task WHERE instance_id = 'poison' ORDER BY task_id;
SELECT what FROM test.work('other', mode => 'scan');
SELECT instance_id, task_id, deliveries FROM df.dead_letters ORDER BY task_id;

-- a session that resumes under its boot id keeps its claims; detach ends it
SELECT df_start('tasks', NULL, 'resumed');
SELECT worker_key AS first FROM df.attach('00000000-0000-0000-0000-000000000001', 'r', '{default}', '{hold}', 1) \gset
SELECT count(*) FROM df.work(:first, '{default}', '{hold}', 10, 10, 'work', '{}', '{}', '{}', '', '{}') WHERE what = 'T';
SELECT worker_key = :first AS same FROM df.attach('00000000-0000-0000-0000-000000000001', 'r2', '{default}', '{hold,echo}', 2);
SELECT count(*) FROM task WHERE worker = 'r2';
SELECT name, activities, slots, claimed FROM df.workers WHERE worker_key = :first;
SELECT df.detach(:first);
SELECT count(*) FROM task WHERE instance_id = 'resumed' AND state = 0;

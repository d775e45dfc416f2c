-- A claim whose worker session does not exist, as after a restore, is found by the next sweep; what may be started only once is
-- not started again, also when its worker detaches.

CALL test.orchestrator('one', $$ BEGIN RETURN df_call_activity('hold', input -> 'input', input -> 'retry'); END $$);
SELECT df_start('one', '{}', 'a'), df_start('one', '{"retry": {"max_attempts": 1}}', 'b');
CALL test.run(worker => 'lost', room => 0);
SELECT what, instance_id FROM test.work('lost') WHERE what = 'T' ORDER BY 2;
DELETE FROM df.worker_sessions;
DELETE FROM test.claimed;
SELECT test.attach('finder') AS finder \gset
SELECT alive, taken FROM df.sweep(:finder);
SELECT alive, taken FROM df.sweep(:finder);
CALL test.run(worker => 'finder', room => 0);
SELECT what, instance_id FROM test.work('finder') WHERE what = 'T';
SELECT instance_id, status, error_type FROM (VALUES ('a'), ('b')) AS v (instance_id), test.instance(instance_id);

-- detach while the only attempt runs
SELECT df_start('one', '{"retry": {"max_attempts": 1}}', 'c');
SELECT what, instance_id FROM test.work('finder') WHERE what = 'T';
SELECT df.detach(:finder);
SELECT what, instance_id FROM test.work('next') WHERE what = 'T';
SELECT status, error_type FROM test.instance('c');

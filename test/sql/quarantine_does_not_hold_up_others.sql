-- An instance that stands still lets everybody else pass, however much comes in for it.

CALL test.orchestrator('fan', $$
BEGIN
    RETURN to_jsonb(cardinality(df_when_all(ARRAY(SELECT df_activity('hold') FROM generate_series(1, 1500)))));
END $$);
CALL test.orchestrator('fine', $$ BEGIN RETURN df_call_activity('echo', input); END $$);
SELECT df_start('fan', NULL, 'stuck');
CALL test.run(room => 0);
UPDATE df.instance_state SET turn_failures = 3, blocked_reason = 'for the test';

-- its results come through the inbox, as they do when another session or another owner's call brings them
INSERT INTO df.inbox (instance_key, execution, event_type, task_id, event_time, payload)
SELECT instance_key, execution, 5, task_id, now(), '1' FROM df.tasks;
DELETE FROM df.tasks;
SELECT df_start('fine', '1', 'fine');
CALL test.run();
SELECT status, output FROM test.instance('fine');
SELECT status, blocked FROM test.instance('stuck');
SELECT df_terminate('stuck');
CALL test.run();
SELECT status FROM test.instance('stuck');
SELECT count(*) FROM df.inbox;

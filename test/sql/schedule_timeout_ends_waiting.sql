-- schedule_timeout bounds an activity from when it is scheduled: waiting, running, between attempts; it fails as Timeout, DF003.

CALL test.orchestrator('bounded', $$
BEGIN
    RETURN df_call_activity(input ->> 'activity', input -> 'input', schedule_timeout => '1 hour', retry => df_retry(5, '2 hours', max_delay => '2 hours'));
EXCEPTION WHEN SQLSTATE 'DF003' THEN
    RETURN jsonb_build_object('type', df_failure() ->> 'errorType', 'message', SQLERRM, 'final', df_failure() -> 'isNonRetriable');
END $$);
-- nobody takes it, somebody has it, it waits for its next attempt, it is done in time
SELECT df_start('bounded', '{"activity": "nobody offers this"}', 'waits'), df_start('bounded', '{"activity": "hold"}', 'runs'),
    df_start('bounded', '{"activity": "fail", "input": {}}', 'between'), df_start('bounded', '{"activity": "echo", "input": "done"}', 'in time');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{waits,runs,between,in time}'::text[]) AS id, test.instance(id) i;
SELECT name, state, attempts, schedule_deadline - scheduled_at = interval '1 hour' AS deadline FROM df.tasks ORDER BY name;
-- the next thing that is due
SELECT (input::jsonb ->> 'next_due_ms')::int BETWEEN 3500000 AND 3600000 AS in_an_hour
FROM df.work(test.attach(), '{default}', '{}', 0, 60, 'scan', '{}', '{}', '{}', '', '{}') WHERE what = 'S';
UPDATE df.tasks SET schedule_deadline = now() - interval '1 second';
SELECT what, task_id FROM test.work(mode => 'scan') WHERE what <> 'S';
CALL test.run(room => 0);
SELECT id, i.status, i.output, i.tasks FROM unnest('{waits,runs,between}'::text[]) AS id, test.instance(id) i;

-- the worker that had it was told to stop; its result is void
CALL test.answer('runs', 1, 'c', '"too late"');
SELECT what, input::jsonb -> 'fenced' AS fenced FROM test.work() WHERE what <> 'C';
SELECT status, output ->> 'type' AS type FROM test.instance('runs');

-- not caught; a rewind gives it new attempts, and no deadline
CALL test.orchestrator('fails', 'BEGIN RETURN df_call_activity(''hold'', schedule_timeout => ''1 hour''); END');
SELECT df_start('fails', NULL, 'fails');
CALL test.run();
UPDATE df.tasks SET schedule_deadline = now() - interval '1 second' WHERE name = 'hold' AND state = 1;
CALL test.run();
SELECT status, error_type, error FROM test.instance('fails');
SELECT df_rewind('fails');
CALL test.run();
SELECT schedule_deadline FROM df.tasks JOIN df.instance_state USING (instance_key) WHERE instance_id = 'fails';
UPDATE test.claimed SET outcome = 'c', payload = '"second try"' WHERE n = (SELECT max(n) FROM test.claimed);
CALL test.run();
SELECT status, output FROM test.instance('fails');

-- SQL activities: one that is run at once is never late
CREATE FUNCTION quick() RETURNS text LANGUAGE sql AS $$ SELECT 'quick' $$;
SELECT FROM df_register_activity('quick');
CALL test.orchestrator('sql', 'BEGIN RETURN df_call_activity(''quick'', schedule_timeout => ''1 microsecond''); END');
SELECT df_start('sql', NULL, 'sql');
CALL test.run();
SELECT status, output FROM test.instance('sql');

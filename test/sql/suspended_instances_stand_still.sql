-- df_suspend: nothing of the instance runs, what arrives is kept, df_resume goes on with it; both say whether there was anything to do.

CALL test.orchestrator('steps', $$
DECLARE
    got jsonb := jsonb_build_array(df_call_activity('hold', '1'));
BEGIN
    got := got || df_wait_event('e') || df_wait_event('e');
    PERFORM df_sleep('1 hour');
    RETURN got || df_call_activity('echo', '"end"');
END $$);
SELECT df_start('steps', NULL, 's'), df_start('steps', NULL, 'never ran');

-- before the first turn
SELECT df_suspend('never ran', 'not yet'), df_resume('s');
CALL test.run();
SELECT id, i.status, i.turns FROM unnest('{s,never ran}'::text[]) AS id, test.instance(id) i;
SELECT df_suspend('never ran', 'again'), df_resume('never ran', 'now');
SELECT df_resume('never ran', 'twice');
SELECT runtime_status FROM df_status('never ran');
CALL test.run(room => 0);
SELECT status, turns FROM test.instance('never ran');
SELECT event_type, payload FROM df_history('never ran') ORDER BY event_id;

-- while it waits: the result of a running task, a due timer, events
SELECT df_suspend('s', 'wait a moment');
CALL test.run();
CALL test.answer('s', 1, 'c', '"result"');
CALL test.run();
SELECT df_raise_event('s', 'e', '1'), df_raise_event('s', 'e', '2');
CALL test.run();
SELECT status, turns, tasks FROM test.instance('s');
SELECT df_suspend('s');
SELECT df_resume('s', 'go on');
CALL test.run();
SELECT status, turns, tasks FROM test.instance('s');
SELECT df_suspend('s');
CALL test.run();
UPDATE df.timers SET fire_at = now();
CALL test.run();
SELECT status, test.count('s', 'TimerFired') AS fired FROM test.instance('s');
SELECT df_resume('s');
CALL test.run();
SELECT status, output FROM test.instance('s');
SELECT event_type, task_id, CASE WHEN event_type <> 'TimerCreated' THEN payload END AS payload FROM df_history('s')
WHERE event_type NOT LIKE 'Orch%' ORDER BY event_id;
SELECT df_suspend('s'), df_resume('s');

-- both before the engine looks: the last word counts
SELECT df_start('steps', NULL, 'quick');
CALL test.run();
SELECT df_suspend('quick'), df_resume('quick'), df_suspend('quick'), df_resume('quick');
CALL test.run();
SELECT status FROM test.instance('quick');
SELECT df_suspend('quick'), df_suspend('quick');
CALL test.run();
SELECT df_resume('quick'), df_suspend('quick', 'after all');
CALL test.run();
SELECT status FROM test.instance('quick');
SELECT count(*) FROM df_history('quick') WHERE event_type IN ('ExecutionSuspended', 'ExecutionResumed');

-- queued work of a suspended instance is still done, its next step is not; it can be terminated; purged it cannot be
SELECT df_start('steps', NULL, 'ended');
CALL test.run(room => 0);
SELECT df_suspend('ended'), df_suspend('never ran');
CALL test.run();
SELECT df_purge('ended');
SELECT df_rewind('ended'), df_terminate('ended', 'enough');
CALL test.run();
SELECT status, output FROM test.instance('ended');
SELECT df_resume('ended');
SELECT df_suspend('nobody');

-- a scheduled start: not before its time, and not while suspended
SELECT df_start('steps', NULL, 'scheduled', start_at => '9999-01-01');
SELECT df_suspend('scheduled');
CALL test.run();
SELECT df_resume('scheduled');
CALL test.run();
SELECT status, turns FROM test.instance('scheduled');
SELECT df_suspend('scheduled');
CALL test.run();
UPDATE df.timers SET fire_at = now();
CALL test.run();
SELECT status, turns FROM test.instance('scheduled');
SELECT df_resume('scheduled');
CALL test.run();
SELECT status, turns FROM test.instance('scheduled');
SELECT test.history('scheduled');

-- After an error the worker makes careful calls (one turn): an instance that fails again and again is quarantined, and all
-- others go on.

CALL test.orchestrator('simple', $$ BEGIN RETURN df_call_activity('echo', input); END $$);
ALTER FUNCTION simple OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('simple', '1', 'broken');
SELECT df_start('simple', '2', 'sound');
RESET ROLE;
-- an event type of the future
INSERT INTO df.inbox (instance_key, event_type, event_time)
SELECT instance_key, 99, now() FROM df.instance_state WHERE instance_id = 'broken';

\set VERBOSITY terse
SELECT what FROM test.work();
DO $$ BEGIN
    FOR i IN 1..5 LOOP
        PERFORM FROM test.work(turns => 1);
        PERFORM test.answer_all('w');
    END LOOP;
END $$;
CALL test.run() \gset
SELECT status, turns, blocked FROM test.instance('broken');
SELECT status, output FROM test.instance('sound');

-- it can be terminated
DELETE FROM df.inbox WHERE event_type = 99;
SELECT df_terminate('broken');
CALL test.run() \gset
SELECT status, blocked FROM test.instance('broken');


-- what waits for a quarantined instance hides nobody else's
SET ROLE regress_user;
SELECT df_start('simple', '3', 'noisy');
RESET ROLE;
CALL test.run() \gset
UPDATE df.instance_state SET status = 0, completed_at = NULL, turn_failures = 3, blocked_reason = 'quarantined'
WHERE instance_id = 'noisy';
SELECT count(df_raise_event('noisy', 'e')) FROM generate_series(1, 1500);
SET ROLE regress_user;
SELECT df_start('simple', '4', 'quiet');
RESET ROLE;
CALL test.run() \gset
SELECT status, output FROM test.instance('quiet');

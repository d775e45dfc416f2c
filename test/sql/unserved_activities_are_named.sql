-- An activity that nobody serves is scheduled all the same: df_waits and df_status say what is missing, and schedule_timeout bounds it.

CALL test.orchestrator('calls', $$
BEGIN
    RETURN df_call_activity(input ->> 'name', NULL, queue => input ->> 'queue',
        schedule_timeout => (input ->> 'within')::interval);
END $$);
CREATE VIEW seen AS
SELECT s.instance_id, w.served, s.blocked_reason FROM df.instances s LEFT JOIN df_waits() w USING (instance_id) ORDER BY 1;
SELECT df_register_activity('SendMail', kind => 'worker');
CREATE FUNCTION adds(n int DEFAULT 0) RETURNS int LANGUAGE sql AS 'SELECT n + 1';
SELECT df_register_activity('adds', 'adds');

-- the helper's worker serves queue default, and offers echo, double, fail, hold
SELECT df_start('calls', '{"name": "ecko"}', 'a near miss'), df_start('calls', '{"name": "zzzzzzzz"}', 'b nothing like it'),
    df_start('calls', '{"name": "sendmail"}', 'c registered, not served'), df_start('calls', '{"name": "SendMial"}', 'd near a registered one'),
    df_start('calls', '{"name": "echo", "queue": "far"}', 'e on another queue'), df_start('calls', '{"name": "adds", "queue": "far"}', 'f sql, on another queue'),
    df_start('calls', '{"name": "hold"}', 'g served'), df_start('calls', '{"name": "ecko", "within": "1 hour"}', 'h bounded');
CALL test.run(room => 0);
SELECT * FROM seen;
SELECT blocked_reason FROM df_status('a near miss');
-- held by a worker
CALL test.run();
SELECT * FROM seen WHERE instance_id = 'g served';
-- somebody else asks, and does not see it
SELECT instance_key FROM df.instance_state WHERE instance_id = 'a near miss' \gset
SET ROLE regress_user;
SELECT df.waiting_reason(:instance_key);
RESET ROLE;

-- the time is over
UPDATE df.tasks SET schedule_deadline = now() - interval '1 second' WHERE schedule_deadline IS NOT NULL;
CALL test.run();
SELECT status, error_type FROM test.instance('h bounded');
SELECT blocked_reason FROM df_status('h bounded');

-- a worker comes that serves it; a worker whose lease is over serves nothing
SELECT test.attach('v', '{far}', '{echo}') > 0;
SELECT * FROM seen WHERE instance_id ~ '^[ef]';
UPDATE df.worker_sessions SET lease_until = now() - interval '1 second' WHERE name = 'v';
SELECT * FROM seen WHERE instance_id ~ '^[ef]';
UPDATE df.worker_sessions SET lease_until = now() - interval '1 second';
SELECT * FROM seen;

-- suspended and final instances wait for nobody
SELECT df_suspend('a near miss'), df_terminate('b nothing like it');
UPDATE df.worker_sessions SET lease_until = now() + interval '1 hour';
CALL test.run();
SELECT instance_id, blocked_reason FROM df.instances WHERE instance_id ~ '^[ab]';

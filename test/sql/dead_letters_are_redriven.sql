-- A dead letter is seen in df.dead_letters, df_waits and blocked_reason; df_redrive queues it again under the same idempotency key.

CALL test.orchestrator('calls', $$ BEGIN RETURN to_jsonb(df_when_all(df_activity('hold', '1'), df_activity('hold', '2'), df_activity('echo', '3'))); END $$);
SET pgdf.max_deliveries = 1;
SET pgdf.reconnect_grace = 0;
SELECT df_start('calls', NULL, 'a');
CALL test.run();
CREATE TABLE keys AS SELECT task_id, idempotency_key FROM test.claimed;
/* the worker is lost, with all it held */
CREATE PROCEDURE lose_worker() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE df.worker_sessions SET lease_until = now() - interval '1 second' WHERE name = 'w';
    PERFORM FROM df.sweep(test.attach('v', '{none}', '{none}'));
    DELETE FROM test.workers WHERE name = 'w';
    DELETE FROM test.claimed;
END $$;
CALL lose_worker();
SELECT instance_id, task_id, name, deliveries FROM df.dead_letters ORDER BY task_id;
SELECT task_id, name, served FROM df_waits('a') ORDER BY 1;
SELECT runtime_status, blocked_reason FROM df_status('a');

-- for administrators, of instances that exist
SET ROLE regress_user;
SELECT df_redrive('a');
SELECT df_repin('a');
RESET ROLE;
GRANT EXECUTE ON FUNCTION df_redrive, df_repin TO regress_user;
GRANT USAGE ON SCHEMA public, df TO regress_user;
SET ROLE regress_user;
SELECT df_redrive('a');
SELECT df_repin('a');
RESET ROLE;
SELECT df_redrive('nobody');
SELECT df_redrive(NULL);

-- one of them, then the rest; a new fence and a first delivery
SELECT df_redrive('a', 2), df_redrive('a', 2), df_redrive('a', 7);
SELECT task_id, state, deliveries, attempts, fence IS NULL AS fenceless FROM df.tasks ORDER BY 1;
SELECT df_redrive('a'), df_redrive('a');
CALL test.run();
SELECT c.task_id, c.attempt, c.idempotency_key = k.idempotency_key AS same_key FROM test.claimed c JOIN keys k USING (task_id) ORDER BY 1;
CALL test.answer('a', 1, 'c', '10');
CALL test.answer('a', 2, 'c', '20');
CALL test.run();
SELECT status, output FROM test.instance('a');
SELECT count(*) FROM df.dead_letters;

-- those of an instance that has failed are for df_rewind
SELECT df_start('calls', NULL, 'b');
CALL test.run();
CALL lose_worker();
UPDATE df.instance_state SET status = 3, completed_at = now() WHERE instance_id = 'b';
SELECT df_redrive('b');

-- Errors of the system's making (classes 08, 40, 53, 55, 57, 58, XX) are never the outcome of a turn or of a SQL
-- activity: it is tried again.  A turn that goes on like that is quarantined.

SET pgdf.inline_sql_budget = '10s';
CREATE SEQUENCE tries;
CREATE TABLE log (note text);
CALL test.orchestrator('turn_fails', $$
BEGIN
    IF EXISTS (SELECT FROM log) THEN
        RETURN '"recovered"';
    END IF;
    RAISE SQLSTATE '40001' USING MESSAGE = 'could not serialize';
END $$);
SELECT df_start('turn_fails', NULL, 'recovers'), df_start('turn_fails', NULL, 'never');
CALL test.run();
SELECT id, i.status, i.turns, i.error, turn_failures, blocked_reason FROM unnest('{recovers,never}'::text[]) AS id, test.instance(id) i, df.instance_state
WHERE instance_id = id ORDER BY 1;
SELECT test.history('recovers');
SELECT instance_id, task_id, fire_at > now() AS later FROM df.timers JOIN df.instance_state USING (instance_key) ORDER BY 1;
-- time travel; the second try of one of them succeeds
CREATE PROCEDURE due(id text) LANGUAGE sql AS $$
    UPDATE df.timers SET fire_at = now() - interval '1 second' WHERE instance_key = (SELECT instance_key FROM df.instance_state WHERE instance_id = id)
$$;
CALL due('never');
CALL test.run();
SELECT turn_failures, blocked_reason FROM df.instance_state WHERE instance_id = 'never';
INSERT INTO log VALUES ('now');
CALL due('recovers');
CALL test.run();
SELECT status, output, turns FROM test.instance('recovers');
SELECT turn_failures FROM df.instance_state WHERE instance_id = 'recovers';
-- the third failure of the other is the last
DELETE FROM log;
CALL due('never');
CALL test.run();
SELECT status, turns, blocked FROM test.instance('never');
SELECT count(*) FROM df.timers;

-- all classes, and two of class 55 that are the caller's fault
CREATE FUNCTION raises(state text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE USING ERRCODE = state, MESSAGE = 'state ' || state; END $$;
CREATE FUNCTION orchestrator_raises(state text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM raises(state); END $$;
SELECT FROM df_register_orchestrator('orchestrator_raises');
CREATE TABLE states AS SELECT unnest('{08006,40001,40P01,53100,53200,55P03,55006,57014,57P01,58030,XX000,55000,55P02,22012,P0001,DF001,54001}'::text[]) AS state;
SELECT count(df_start('orchestrator_raises', to_jsonb(state), state)) FROM states;
CALL test.run();
SELECT state, i.status, i.error_type, turn_failures FROM states, test.instance(state) i, df.instance_state WHERE instance_id = state ORDER BY 1;

-- in a SQL activity: no attempt is counted, the slow lane has it
SELECT FROM df_register_activity('raises');
CALL test.orchestrator('calls', $$ BEGIN RETURN df_call_activity('raises', input); END $$);
SELECT count(df_start('calls', to_jsonb(state), 'a' || state)) FROM states;
CALL test.run(room => 0);
SELECT states.state, i.status, i.error_type, t.lane, t.state, t.attempts FROM states, test.instance('a' || states.state) i,
    df.tasks t JOIN df.instance_state s USING (instance_key) WHERE s.instance_id = 'a' || states.state ORDER BY 1;
-- there it is raised to the worker, and nothing has happened
CREATE VIEW task AS
SELECT i.instance_id, t.lane, t.state, t.attempts, t.deliveries, t.visible_at > now() AS later, t.last_failure ->> 'errorType' AS failure
FROM df.tasks t JOIN df.instance_state i USING (instance_key);
DELETE FROM df.tasks t USING df.instance_state i WHERE t.instance_key = i.instance_key AND instance_id <> 'a40001';
SELECT what, name, attempt, input FROM test.work(room => 1) WHERE what = 'Q';
SELECT df.run_sql(test.attach(), instance_key, task_id, fence) FROM test.claimed;
SELECT * FROM task;
-- who reports it; it rests, and is tried again without an attempt counted
CALL test.answer('a40001', 1, 'f', '{"type": "40001"}');
SELECT what FROM test.work(room => 0);
SELECT * FROM task;
SELECT status FROM test.instance('a40001');
-- so often, and no more: a dead letter
SET pgdf.max_deliveries = 2;
UPDATE df.tasks SET visible_at = now();
SELECT what, name, attempt FROM test.work(mode => 'scan') WHERE what = 'Q';
CALL test.answer('a40001', 1, 'f', '{"type": "40001"}');
SELECT what FROM test.work(mode => 'scan');
SELECT * FROM task;
SELECT instance_id FROM df.dead_letters;
-- of a worker's activity the same words are a failure like any other
CALL test.orchestrator('theirs', $$ BEGIN RETURN df_call_activity('fail', '{"type": "40001"}'); END $$);
SELECT df_start('theirs', NULL, 'theirs');
CALL test.run();
SELECT status, error_type FROM test.instance('theirs');

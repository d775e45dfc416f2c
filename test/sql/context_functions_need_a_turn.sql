-- What orchestrators call is an error outside of a turn: in a session, in a SQL activity, in a trigger.

SELECT df_activity('echo');
CREATE FUNCTION state_of(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'SELECT ' || call;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE calls (n serial, call text);
INSERT INTO calls (call) VALUES
('df_activity(''a'')'), ('df_call_activity(''a'')'), ('df_await(''task:0000000000000001'')'),
('df_is_completed(''task:0000000000000001'')'), ('df_all(''{}'')'), ('df_any(''{}'')'), ('df_when_all(''{}''::df_task[])'),
('df_when_any(''{}''::df_task[])'), ('df_when_all(''task:0000000000000001''::df_task, ''task:0000000000000002'')'),
('df_when_any(''task:0000000000000001'', ''task:0000000000000002'')'),
('(SELECT count(*) FROM df_when_all_settled(''{}''))'), ('df_failure()'), ('df_record(''1'')'), ('df_set_custom_status(''1'')'),
('df_now()'), ('df_uuid()'), ('df_random()'), ('df_instance_id()'), ('df_input()'), ('df_is_replaying()');
SELECT call, state_of(call) FROM calls ORDER BY n;

-- in an activity
CREATE FUNCTION activity_calls() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(DISTINCT substr(state_of(call), 1, 5)) FROM calls
$$;
SELECT FROM df_register_activity('activity_calls');
CALL test.orchestrator('asks', $$ BEGIN RETURN df_call_activity('activity_calls'); END $$);
SELECT df_start('asks', NULL, 'asks');
CALL test.run();
SELECT status, output FROM test.instance('asks');

-- in a trigger, a check, an index, a default
CREATE TABLE t (a int DEFAULT 1, b text DEFAULT df_instance_id());
INSERT INTO t DEFAULT VALUES;
ALTER TABLE t ALTER b DROP DEFAULT, ADD CHECK (df_random() < 1);
INSERT INTO t DEFAULT VALUES;
CREATE INDEX ON t (df_random());

-- and after a turn has run in this session
SELECT df_now();

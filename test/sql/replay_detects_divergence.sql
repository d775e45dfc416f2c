-- A replay that differs from history puts the instance into quarantine: it stays Running, and blocked_reason says what
-- was expected, what came, at which position, function and line.

CREATE TABLE mode (m text);
INSERT INTO mode VALUES ('as it was');
CREATE FUNCTION changes() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    m text := (SELECT mode.m FROM mode);
BEGIN
    IF m = 'order' THEN
        PERFORM df_call_activity('echo', '2');
        PERFORM df_call_activity('echo', '1');
    END IF;
    PERFORM df_call_activity(CASE m WHEN 'name' THEN 'double' WHEN 'case' THEN 'ECHO' ELSE 'echo' END,
        CASE m WHEN 'input' THEN '9' ELSE '1' END::jsonb);
    IF m = 'extra' THEN
        PERFORM df_activity('echo', '"extra"');
    ELSIF m = 'record' THEN
        PERFORM df_record('1');
    ELSIF m = 'return' THEN
        RETURN '"early"';
    ELSIF m = 'swallow' THEN
        BEGIN
            PERFORM df_call_activity('double', '2');
        EXCEPTION WHEN OTHERS OR assert_failure THEN
            RETURN '"swallowed"';
        END;
    END IF;
    IF m <> 'missing' THEN
        PERFORM df_call_activity('echo', '2');
    END IF;
    RETURN df_call_activity('hold', '3');
END $$;
SELECT FROM df_register_orchestrator('changes');
CREATE TABLE modes AS SELECT * FROM unnest('{order,name,input,case,extra,record,return,swallow,missing}'::text[]) WITH ORDINALITY AS u(m, n);
SELECT count(df_start('changes', NULL, m)) FROM modes;
CALL test.run();
SELECT i.status, i.turns, i.tasks, count(*) FROM df.instances, test.instance(instance_id) i GROUP BY 1, 2, 3;

-- the third result comes in when the function is another
CREATE PROCEDURE finish(id text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mode SET m = id;
    CALL test.answer(id, 3, 'c', '"done"');
    PERFORM FROM test.work();
    UPDATE mode SET m = 'as it was';
END $$;
DO $$
DECLARE
    id text;
BEGIN
    FOR id IN SELECT m FROM modes ORDER BY n LOOP
        CALL finish(id);
    END LOOP;
END $$;
SELECT m, i.status, i.output, i.turns, i.blocked FROM modes, test.instance(m) i ORDER BY n;
SELECT blocked_reason = (test.instance('input')).blocked AS shown FROM df_status('input');
-- nothing of the diverging turn is in history
SELECT test.history('input');
-- it is left alone, and can be terminated
CALL test.run();
SELECT turns FROM test.instance('input');
SELECT df_terminate('input', 'beyond repair');
CALL test.run();
SELECT status, output, blocked FROM test.instance('input');

-- a new call where history has a wait
CALL test.orchestrator('grows', $$
DECLARE
    t df_task := df_activity('hold', '1');
BEGIN
    IF EXISTS (SELECT FROM mode WHERE m = 'grows') THEN
        PERFORM df_activity('echo', '2');
    END IF;
    RETURN df_await(t);
END $$);
SELECT df_start('grows', NULL, 'grows');
SELECT FROM test.work();
UPDATE mode SET m = 'grows';
CALL test.answer('grows', 1);
SELECT FROM test.work();
SELECT status, turns, tasks, blocked FROM test.instance('grows');
UPDATE mode SET m = 'as it was';

-- pgdf.on_nondeterminism = fail
SELECT df_start('changes', NULL, 'fails');
CALL test.run();
SET pgdf.on_nondeterminism = fail;
UPDATE mode SET m = 'input';
CALL test.answer('fails', 3);
SELECT FROM test.work();
SELECT status, error_type, error, blocked FROM test.instance('fails');
SELECT failure_details -> 'isNonRetriable' AS final FROM df_status('fails');

-- Control and inspection: an instance of somebody else is like none, for members of its owner it is theirs.
\set VERBOSITY terse

SET ROLE regress_user;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Bad', 'always'); END $$;
SELECT FROM unnest('{waits,fails}'::text[]) AS f, df_register_orchestrator(f);
SELECT df_start('waits', NULL, 'live'), df_start('fails', NULL, 'failed');
RESET ROLE;
CALL test.run();

CREATE FUNCTION tries(id text) RETURNS TABLE (call text, result text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH call IN ARRAY '{df_raise_event(%L\, ''go''),df_suspend(%L),df_resume(%L),df_terminate(%L),df_rewind(%L),df_restart(%L),df_purge(%L)}'::text[]
    LOOP
        BEGIN
            EXECUTE 'SELECT ' || format(call, id) INTO result;
        EXCEPTION WHEN OTHERS THEN
            result := SQLSTATE || ' ' || SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
    FOREACH call IN ARRAY '{df_history(%L),df_status(%L),df_waits(%L),df_tree(%L)}'::text[]
    LOOP
        BEGIN
            EXECUTE 'SELECT count(*) FROM ' || format(call, id) INTO result;
        EXCEPTION WHEN OTHERS THEN
            result := SQLSTATE || ' ' || SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
-- the same answers for what is somebody else's and for what is not there
SET ROLE regress_other;
SELECT * FROM tries('live');
SELECT f.call, f.result = replace(u.result, 'unknown', 'failed') AS like_unknown FROM tries('failed') f JOIN tries('unknown') u USING (call);
SELECT count(*) FROM df_waits();
SELECT df_purge_before('infinity');
RESET ROLE;
-- a role without any right
SET ROLE regress_nobody;
SELECT call, result FROM tries('live') WHERE result NOT LIKE '42501 permission denied for function %';
SELECT df_purge_before('infinity');
RESET ROLE;
SELECT count(*) FROM df.inbox;

-- a member of the owner
CREATE ROLE regress_controller IN ROLE regress_user;
SELECT FROM df_grant_user('regress_controller');
SET ROLE regress_controller;
SELECT call, CASE WHEN call LIKE 'df_restart%' THEN (result ~ '^[0-9a-f]{32}$')::text ELSE result END AS result FROM tries('live');
SELECT df_rewind('failed');
RESET ROLE;
DROP OWNED BY regress_controller;
DROP ROLE regress_controller;
CALL test.run();
SELECT runtime_status FROM df_status('live');
-- what a member restarts is the owner's still
SELECT DISTINCT owner FROM df.instances;

-- in a turn and in an activity these are refused, but for what goes through the inbox
CREATE FUNCTION meddle(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE 'SELECT ' || call INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT FROM df_register_activity('meddle', 'meddle');
CALL test.orchestrator('in_activity', 'BEGIN RETURN jsonb_build_array(input, df_call_activity(''meddle'', input)); END');
CALL test.orchestrator('in_turn', 'BEGIN RETURN jsonb_build_array(input, meddle(input #>> ''{}'')); END');
CALL test.orchestrator('target', 'BEGIN RETURN df_wait_event(''go''); END');
SELECT df_start('target', NULL, 'target');
CALL test.run();
SELECT count(df_start(o, to_jsonb(c))) FROM unnest('{in_activity,in_turn}'::text[]) AS o, unnest('{df_suspend(''target''),df_resume(''target''),df_terminate(''target''),
    df_rewind(''target''),df_restart(''target''),df_purge(''target''),df_purge_before(''infinity''),(SELECT count(*) >= 0 FROM df_waits()),(SELECT count(*) FROM df_tree(''target''))}'::text[]) AS c;
CALL test.run();
SELECT name, output ->> 0 AS call, output ->> 1 AS result FROM df.instances WHERE name LIKE 'in\_%' ORDER BY 1, created_time, 2;

-- needs: worker
/* df_run starts, commits, waits, and returns the output or raises the failure. */
SET ROLE regress_user;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 2 * n; END $$;
CREATE FUNCTION nothing() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Broken', 'it broke'); END $$;
SELECT FROM unnest('{twice,nothing,fails}'::text[]) AS f, df_register_orchestrator(f);

CALL df_run('twice', '21');
CALL df_run('nothing');
\set VERBOSITY sqlstate
CALL df_run('fails');
\set VERBOSITY default

-- in a procedure, and in a loop of one
CREATE PROCEDURE several() LANGUAGE plpgsql AS $$
DECLARE
    output jsonb;
BEGIN
    FOR n IN 1 .. 3 LOOP
        CALL df_run('twice', to_jsonb(n), output);
        RAISE NOTICE '%', output;
    END LOOP;
END
$$;
CALL several();

-- the same in two steps
SELECT df_start('twice', '4') AS id \gset
SELECT runtime_status, output FROM df_wait(:'id');
SELECT df_result(:'id');
SELECT df_start('fails', instance_id => 'failed') AS id \gset
SELECT runtime_status, failure_details ->> 'errorType' AS type, failure_details ->> 'errorMessage' AS message,
    failure_details -> 'isNonRetriable' AS final
FROM df_wait('failed');
SELECT event_type FROM df_history('failed');
SELECT count(*) = count(completed_time) AS all_ended FROM df.instances;

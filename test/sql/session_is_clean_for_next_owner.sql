-- What code of one owner leaves in the session is gone when code of another owner runs on the same connection:
-- temporary tables, prepared statements, session locks, sequence state, settings.  Also when the first call that
-- cleaned up was rolled back.

SELECT FROM df_grant_registrar('regress_other');
CREATE SEQUENCE public.s;
SET pgdf.inline_sql_budget = '10s';
GRANT USAGE ON SEQUENCE public.s TO PUBLIC;

SET ROLE regress_user;
CREATE FUNCTION litter() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE secret AS SELECT 42 AS answer;
    EXECUTE 'PREPARE stolen AS SELECT answer FROM secret';
    PERFORM pg_advisory_lock(4711), nextval('public.s'), set_config('work_mem', '1234kB', false),
        set_config('my.secret', 'x', false), set_config('TimeZone', 'Asia/Tokyo', false),
        set_config('search_path', 'pg_temp', false);
    RETURN 'littered';
END $$;
SELECT FROM df_register_activity('litter');
CREATE FUNCTION litters() RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('litter') $$;
SELECT FROM df_register_orchestrator('litters');

SET ROLE regress_other;
CREATE FUNCTION look() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    found jsonb := '{}';
BEGIN
    found := jsonb_build_object(
        'tables', (SELECT count(*) FROM pg_class WHERE relname = 'secret'),
        'statements', (SELECT count(*) FROM pg_prepared_statements WHERE name = 'stolen'),
        'locks', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND pid = pg_backend_pid()),
        'work_mem', current_setting('work_mem') = '1234kB', 'own', coalesce(current_setting('my.secret', true), ''),
        'zone', current_setting('TimeZone'), 'user', current_user, 'session', session_user <> current_user);
    BEGIN
        found := found || jsonb_build_object('sequence', lastval());
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        NULL;
    END;
    RETURN found;
END $$;
SELECT FROM df_register_activity('look');
SELECT FROM df_register_orchestrator('turn_looks', 'look');
CREATE FUNCTION looks() RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('look') $$;
SELECT FROM df_register_orchestrator('looks');

SET ROLE regress_user;
SELECT df_start('litters', NULL, 'litters');
RESET ROLE;
CALL test.run();
SELECT status, output FROM test.instance('litters');
SELECT count(*) FROM pg_class WHERE relname = 'secret';

SET ROLE regress_other;
SELECT df_start('looks', NULL, 'looks'), df_start('turn_looks', NULL, 'turn looks');
RESET ROLE;
-- a call of the second owner is rolled back: the temporary table comes back
BEGIN;
CALL test.run_in_transaction();
SELECT jsonb_pretty(output::jsonb) FROM test.instance('looks');
ROLLBACK;
SELECT status FROM test.instance('looks');
SELECT count(*) FROM pg_class WHERE relname = 'secret';
-- and is dropped by the next call, which is not
CALL test.run();
SELECT jsonb_pretty(output) FROM df_status('looks');
SELECT output = (SELECT output FROM df_status('looks')) AS same FROM df_status('turn looks');
SELECT count(*) FROM pg_class WHERE relname = 'secret';
-- as with a subtransaction
SET ROLE regress_user;
SELECT df_start('litters', NULL, 'litters2');
RESET ROLE;
CALL test.run();
SET ROLE regress_other;
SELECT df_start('looks', NULL, 'looks2');
RESET ROLE;
BEGIN;
SAVEPOINT s;
CALL test.run_in_transaction();
ROLLBACK TO s;
CALL test.run_in_transaction();
COMMIT;
SELECT i.status, i.output ->> 'tables' AS tables FROM test.instance('looks2') i;

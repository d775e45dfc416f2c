-- Items of a map are no way out either, inside the engine call or in the slow lane: they run as their owner, cannot
-- change who that is, leave nothing behind that runs later, and cannot change the settings or drop the locks that bound them.

SELECT FROM df_grant_registrar('regress_other');
SET pgdf.inline_sql_budget = '10s';
CREATE TABLE secret (s text);
INSERT INTO secret VALUES ('TOPSECRET');
CREATE TABLE stolen (how text, as_whom text, what text);
GRANT INSERT, SELECT ON stolen TO PUBLIC;

SET ROLE regress_other;
CREATE FUNCTION peek(how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        SELECT s INTO found FROM secret;
    EXCEPTION WHEN insufficient_privilege THEN
        found := 'denied';
    END;
    INSERT INTO stolen VALUES (how, current_user, found);
    RETURN found;
END $$;
CREATE TABLE bait (a int);
CREATE FUNCTION bait_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM peek('deferred trigger'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bait_trigger();

CREATE FUNCTION attack(how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    limits text := substring(how FROM '^pgdf\..*');
BEGIN
    IF limits IS NOT NULL THEN
        PERFORM set_config(s.name, s.reset_val, false) FROM pg_settings s WHERE s.name = limits;
        RETURN 'set ' || limits;
    END IF;
    CASE how
        WHEN 'plain' THEN PERFORM peek(how);
        WHEN 'reset role' THEN EXECUTE 'RESET ROLE'; PERFORM peek(how);
        WHEN 'set_config' THEN PERFORM set_config('role', 'postgres', true), peek(how);
        WHEN 'session authorization' THEN EXECUTE 'SET SESSION AUTHORIZATION postgres'; PERFORM peek(how);
        WHEN 'deferred trigger' THEN INSERT INTO bait VALUES (1);
        WHEN 'hold cursor' THEN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT peek(''hold cursor'')';
        WHEN 'df.work' THEN PERFORM df.work(1, '{}', '{}', 1, 1, 'work', '{}', '{}', '{}', '', '{}');
        WHEN 'df.run_sql' THEN PERFORM df.run_sql(1, 1, 1, 1);
        WHEN 'df.terminate_runaway' THEN PERFORM df.terminate_runaway(pg_backend_pid());
        WHEN 'df.detach' THEN PERFORM df.detach(1, '{}', 0);
        WHEN 'df_adopt' THEN PERFORM df_adopt();
        WHEN 'df.doctor' THEN PERFORM df.doctor();
        WHEN 'df_wait' THEN PERFORM df_wait('x');
        WHEN 'df_limit' THEN PERFORM df_limit('attack', 1);
        WHEN 'df_deploy_check' THEN PERFORM df_deploy_check('maps(boolean)');
        WHEN 'df.api_status' THEN PERFORM df.api_status('regress_user', 'x');
        WHEN 'terminate' THEN PERFORM pg_terminate_backend(pg_backend_pid());
        WHEN 'unlock' THEN PERFORM pg_advisory_unlock_all();
        WHEN 'commit' THEN COMMIT;
    END CASE;
    RETURN 'done';
END $$;
SELECT FROM df_register_activity('attack');
CREATE FUNCTION maps(input boolean) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    task df_task;
BEGIN
    task := df_map('attack', '["plain", "reset role", "set_config", "session authorization", "deferred trigger", "hold cursor", "df.work",
        "df.run_sql", "df.terminate_runaway", "df.detach", "df_adopt", "df.doctor", "df_wait", "df_limit", "df_deploy_check", "df.api_status", "terminate", "unlock", "commit", "pgdf.superuser_instances", "pgdf.inline_sql_budget", "pgdf.max_payload",
        "pgdf.turn_timeout", "pgdf.sql_activity_timeout", "pgdf.orchestrator_languages", "pgdf.lease", "pgdf.notify"]');
    RETURN (SELECT jsonb_agg(coalesce(result #>> '{}', concat_ws(' ', failure ->> 'errorType', failure ->> 'errorMessage')) ORDER BY n)
            FROM df_map_results(task));
END $$;
SELECT FROM df_register_orchestrator('maps');
-- the only setting that a user may change binds nobody
SELECT name, context FROM pg_settings WHERE name LIKE 'pgdf.%' AND context <> 'superuser';
SELECT df_start('maps', 'true', 'inline');
RESET ROLE;
CALL test.run();
-- (versions of PostgreSQL say it in different words that a process may not be ended)
SELECT regexp_replace(r, '^(42501) .* terminate .*process$', '\1') AS r FROM test.instance('inline') i, json_array_elements_text(i.output) r;
-- whatever ran, ran as its owner
SELECT * FROM stolen ORDER BY how;
SELECT name FROM pg_cursors WHERE name = 'c';
SELECT current_user, session_user;

-- the same alone in its transaction
CREATE TABLE inline AS SELECT output::text FROM test.instance('inline');
TRUNCATE stolen;
SET pgdf.inline_sql_budget = 0;
SET ROLE regress_other;
SELECT df_start('maps', 'true', 'slow');
RESET ROLE;
CALL test.run();
SELECT s.r FROM test.instance('slow') i, json_array_elements_text(i.output) WITH ORDINALITY s (r, n)
WHERE s.r <> (SELECT output::jsonb ->> (s.n - 1)::int FROM inline);
SELECT * FROM stolen ORDER BY how;
SELECT status, error FROM test.instance('slow');

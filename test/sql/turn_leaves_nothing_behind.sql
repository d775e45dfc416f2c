-- A turn is rolled back, and what a rollback leaves (session locks, prepared statements, settings) reaches no other
-- owner; its NOTIFY, LISTEN, cursors and large objects go with it.

SELECT FROM df_grant_registrar('regress_other');
SET ROLE regress_user;
CREATE FUNCTION litters() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c refcursor := 'left_open';
BEGIN
    EXECUTE 'PREPARE left_prepared AS SELECT 1';
    EXECUTE 'LISTEN left_listening';
    PERFORM pg_advisory_lock(1, 2), pg_advisory_xact_lock(3, 4), set_config('my.setting', 'left', false),
        set_config('statement_timeout', '1ms', true), pg_notify('left_notify', 'x'), setseed(0.5);
    OPEN c FOR SELECT 1;
    RETURN df_call_activity('echo', '1');
END $$;
SELECT FROM df_register_orchestrator('litters');
SET ROLE regress_other;
CREATE FUNCTION looks() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_build_object('statements', (SELECT count(*) FROM pg_prepared_statements),
        'locks', (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid <= 2 AND pid = pg_backend_pid()),
        'channels', (SELECT count(*) FROM pg_listening_channels()), 'cursors', (SELECT count(*) FROM pg_cursors WHERE name LIKE 'left%'),
        'setting', coalesce(current_setting('my.setting', true), ''), 'timeout', current_setting('statement_timeout'));
END $$;
SELECT FROM df_register_orchestrator('looks');

LISTEN left_notify;
SET ROLE regress_user;
SELECT df_start('litters', NULL, 'litters');
RESET ROLE;
CALL test.run(room => 0);
SELECT status, error FROM test.instance('litters');
-- no NOTIFY has come, no setting and no cursor is left; session locks stay as long as it is the same owner
SHOW my.setting;
SHOW statement_timeout;
SELECT count(*) FROM pg_cursors WHERE name LIKE 'left%';
SELECT pg_listening_channels();

SET ROLE regress_other;
SELECT df_start('looks', NULL, 'looks');
RESET ROLE;
CALL test.run(room => 0);
SELECT jsonb_pretty(output) FROM df_status('looks');
-- another turn of the first owner does not meet its own statement: prepared ones go with the turn
CALL test.run();
SELECT status, output, error FROM test.instance('litters');

-- without another owner's code in between
SET ROLE regress_user;
SELECT df_start('litters', NULL, 'again');
RESET ROLE;
CALL test.run();
SELECT status, output, turns, error FROM test.instance('again');

-- df.doctor is for administrators and whom they let; it shows no payload, and runs one owner's code a call.
SET ROLE regress_user;
SELECT * FROM df.doctor();
RESET ROLE;
GRANT USAGE ON SCHEMA df TO regress_nobody;
GRANT EXECUTE ON FUNCTION df.doctor TO regress_nobody;
SET ROLE regress_nobody;
SELECT * FROM df.doctor();
SELECT * FROM df.doctor(true);
-- not its parts
SELECT * FROM df.doctor_history();
SELECT * FROM df.replay_check('regress_user');
RESET ROLE;

-- code runs as the owner of its instance, read-only as in a turn
-- (a lock of the session is what outlives it)
CREATE FUNCTION ran() RETURNS TABLE (ran_as regrole, is_read_only boolean, is_released boolean) LANGUAGE sql AS $$
    SELECT classid::regrole, objid::int::boolean, pg_advisory_unlock(classid::int, objid::int)
    FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND pid = pg_backend_pid() ORDER BY 1
$$;
CREATE FUNCTION says_who() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock(current_user::regrole::oid::int, current_setting('transaction_read_only')::boolean::int);
    RETURN df_wait_event('go');
END $$;
GRANT EXECUTE ON FUNCTION says_who() TO PUBLIC;
SELECT df_register_orchestrator('says_who');
SET ROLE regress_user;
SELECT df_start('says_who', NULL, 'a');
SET ROLE regress_other;
SELECT df_start('says_who', '"secret"', 'b');
RESET ROLE;
CALL test.run();
SELECT count(*) > 0 AS ran FROM ran();
SELECT * FROM df.doctor(replay => 'regress_user');
SELECT * FROM ran();
SELECT * FROM df.doctor(replay => 'regress_other');
SELECT * FROM ran();
SELECT * FROM df.doctor(replay => 'regress_nobody');
SELECT * FROM ran();
BEGIN;
SELECT * FROM df.doctor(replay => 'regress_user');
SELECT * FROM df.doctor(replay => 'regress_other');
ROLLBACK;
SELECT * FROM ran();

-- the code that an instance is pinned to, not the one that is current
CREATE OR REPLACE FUNCTION says_who() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('echo'); END $$;
SELECT * FROM df.doctor(replay => 'regress_user');
SELECT * FROM ran();
REVOKE EXECUTE ON FUNCTION df.doctor FROM regress_nobody;
REVOKE USAGE ON SCHEMA df FROM regress_nobody;

-- df_deploy_check runs the code of one owner in a transaction: PL/pgSQL remembers for a transaction what an earlier owner was
-- allowed to call.  What the session has is left in it.

CREATE FUNCTION secret() RETURNS text LANGUAGE sql AS $$ SELECT 'secret' $$;
REVOKE EXECUTE ON FUNCTION secret() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION secret() TO regress_user;
CREATE FUNCTION asks() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('hold'); END $$;
GRANT EXECUTE ON FUNCTION asks() TO PUBLIC;
SELECT df_register_orchestrator('asks');
SET ROLE regress_user;
SELECT df_start('asks', NULL, 'u');
SET ROLE regress_other;
SELECT df_start('asks', NULL, 'o');
RESET ROLE;
CALL test.run();
SELECT * FROM df_deploy_check('asks()', 'regress_user');

-- what the next owner's code is allowed is not what the last one's was: the error is in its own name
CREATE OR REPLACE FUNCTION asks() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    found text := 'denied';
BEGIN
    BEGIN
        found := secret();
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END;
    RAISE WARNING '\x1b[31m%', found;
    RETURN df_call_activity(found);
END $$;
CREATE TEMP TABLE own (a int);
SELECT pg_advisory_lock(4711);
SELECT * FROM df_deploy_check('asks()');
SELECT * FROM df_deploy_check('asks()', 'regress_user');
SELECT * FROM df_deploy_check('asks()', 'regress_other');
BEGIN;
SELECT * FROM df_deploy_check('asks()', 'regress_user');
SAVEPOINT s;
SELECT * FROM df_deploy_check('asks()', 'regress_other');
ROLLBACK TO s;
SELECT * FROM df.replay_check('regress_other');
ROLLBACK;
SELECT * FROM df_deploy_check('asks()', 'regress_nobody');
SELECT * FROM df_deploy_check(NULL);
SELECT count(*) AS tables FROM own;
SELECT pg_advisory_unlock(4711);

-- a role sees its own, without naming it; somebody else's are like none
SET ROLE regress_other;
SELECT * FROM df_deploy_check('asks()');
SELECT * FROM df_deploy_check('asks()', 'regress_user');
RESET ROLE;
GRANT regress_user TO regress_other;
SET ROLE regress_other;
SELECT * FROM df_deploy_check('asks()');
SELECT * FROM df_deploy_check('asks()', 'regress_user');
RESET ROLE;
REVOKE regress_user FROM regress_other;

/* What a session has seen of a registration is forgotten when it, its function or a right changes. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f') IS NOT NULL AS started;

-- the function goes, and comes back
DROP FUNCTION f();
SELECT df_start('f');
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT df_start('f') IS NOT NULL AS started;

-- a rolled back registration leaves nothing in the session
BEGIN;
SELECT FROM df_register_orchestrator('g', 'f');
SELECT df_start('g') IS NOT NULL AS started;
ROLLBACK;
SELECT df_start('g');
BEGIN;
SELECT df_unregister('f');
SELECT df_start('f');
ROLLBACK;
SELECT df_start('f') IS NOT NULL AS started;

-- the newest version is what no version means
SELECT FROM df_register_orchestrator('f', 'f', 'v2');
SELECT df_start('f', instance_id => 'newest');
SELECT FROM df_register_orchestrator('f', 'f');
SELECT df_start('f', instance_id => 'newest again'), df_start('f', instance_id => 'v2', version => 'v2'),
    df_start('f', instance_id => 'none', version => '');
SELECT instance_id, version FROM df.instances WHERE instance_id IN ('newest', 'newest again', 'v2', 'none')
ORDER BY created_time;
SELECT df_start('f', version => 'v3');

-- rights are looked at every time
GRANT EXECUTE ON FUNCTION f() TO regress_other;
SET ROLE regress_other;
SELECT df_start('f') IS NOT NULL AS started;
SET ROLE regress_user;
REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC, regress_other;
SET ROLE regress_other;
SELECT df_start('f');
\echo :LAST_ERROR_SQLSTATE

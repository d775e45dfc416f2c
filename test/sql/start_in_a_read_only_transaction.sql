/* Read-only transactions start nothing. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
BEGIN READ ONLY;
SELECT df_start('f');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
BEGIN READ ONLY;
SELECT count(*) FROM df_status('x');
SELECT df_terminate('x');
ROLLBACK;

/* df_run commits: it is refused inside a transaction block, before anything is started. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');

BEGIN;
CALL df_run('f');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
CREATE FUNCTION run_in_function() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    output jsonb;
BEGIN
    CALL df_run('f', NULL, output);
END
$$;
SELECT run_in_function();

-- what cannot be started fails at once
CALL df_run('unknown');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM df.instances;

-- outside of one it commits the start, then waits
SET statement_timeout = '200 ms';
CALL df_run('f', '{"a": 1}');
\echo :LAST_ERROR_SQLSTATE
RESET statement_timeout;
SELECT runtime_status, input, owner FROM df.instances;

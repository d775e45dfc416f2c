/* df_wait returns the row of df_status: at once for a final instance, at the time-out for a live one. */
\set SHOW_CONTEXT never
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f', '1', 'live'), df_start('f', '1', 'final');
RESET ROLE;
UPDATE df.instance_state SET status = 1, output = '[1, 2]' WHERE instance_id = 'final';
SET ROLE regress_user;

SELECT instance_id, runtime_status, output FROM df_wait('final');
SELECT instance_id, runtime_status, output FROM df_wait('live', '20 ms');
SELECT instance_id, runtime_status, output FROM df_wait('live', '0 s');
SELECT instance_id, runtime_status, output FROM df_wait('live', '-1 s');
SELECT count(*) FROM df_wait('unknown');
SELECT count(*) FROM df_wait(NULL);

-- it takes the time it is given, and can be cancelled
SELECT clock_timestamp() AS before \gset
SELECT FROM df_wait('live', '120 ms');
SELECT clock_timestamp() - :'before' >= '120 ms' AS waited;
SET statement_timeout = '100 ms';
SELECT FROM df_wait('live', NULL);
\echo :LAST_ERROR_SQLSTATE
RESET statement_timeout;

-- nothing runs before the commit: waiting for what one has started oneself would never end
BEGIN;
SELECT df_start('f', instance_id => 'own');
SAVEPOINT s;
SELECT FROM df_wait('own');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO s;
SELECT df_result('own');
ROLLBACK;

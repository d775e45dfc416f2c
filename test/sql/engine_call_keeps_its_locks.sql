-- The reset between owners releases the session's locks, and not those that protect the call itself.

CALL test.orchestrator('locks', $$ BEGIN PERFORM pg_advisory_lock(4711); RETURN '1'; END $$);
CREATE VIEW locks AS
SELECT classid, objid, objsubid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objsubid IN (1, 10);

SELECT test.attach() AS worker \gset
ALTER FUNCTION locks OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('locks', instance_id => 'a');
RESET ROLE;
SELECT FROM test.work() LIMIT 1;
SELECT objid, objsubid FROM locks;
SET ROLE regress_other;
SELECT df_start('locks', instance_id => 'b');
RESET ROLE;
BEGIN;
SELECT FROM test.work() LIMIT 1;
SELECT objid = :worker AS "the call's", objid = 4711 AS "the function's" FROM locks ORDER BY objsubid;
COMMIT;
SELECT pg_advisory_unlock_all();

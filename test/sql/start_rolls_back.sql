/* df_start is part of the caller's transaction: what rolls back leaves nothing. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');

BEGIN;
SELECT df_start('f', instance_id => 'rolled back');
SELECT df_start('f', instance_id => 'rolled back later', start_at => 'tomorrow');
SELECT instance_id, runtime_status FROM df_status('rolled back');
ROLLBACK;
SELECT count(*) FROM df_status('rolled back');

BEGIN;
SELECT df_start('f', instance_id => 'kept');
SAVEPOINT s;
SELECT df_start('f', instance_id => 'dropped');
ROLLBACK TO s;
SELECT df_start('f', instance_id => 'kept too');
COMMIT;

-- one bad start of many: none of them
SELECT df_start('f', instance_id => CASE n WHEN 3 THEN 'kept' ELSE 'of many ' || n END)
FROM generate_series(1, 5) AS n;

RESET ROLE;
SELECT i.instance_id, b.event_type, df.event_type_name(b.event_type), b.name, b.payload
FROM df.instance_state i FULL JOIN df.inbox b USING (instance_key)
ORDER BY i.instance_key;
SELECT count(*) AS timers FROM df.timers;

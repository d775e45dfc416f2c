/* df_terminate leaves a request in the inbox of a live instance, within the caller's transaction. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f', instance_id => 'live'), df_start('f', instance_id => 'final'),
    df_start('f', instance_id => 'later', start_at => 'tomorrow');
RESET ROLE;
DELETE FROM df.inbox;
UPDATE df.instance_state SET status = 5 WHERE instance_id = 'final';
SET ROLE regress_user;

SELECT df_terminate('live');
SELECT df_terminate('live', 'said "no"', false);
SELECT df_terminate('later', recursive => NULL);
BEGIN;
SELECT df_terminate('live', 'rolled back');
ROLLBACK;
SELECT df_terminate('final');
SELECT df_terminate('unknown');
\echo :LAST_ERROR_SQLSTATE
SELECT df_terminate(NULL);

-- many at once
SELECT count(*) FILTER (WHERE df_terminate(instance_id, 'all')) FROM df.instances;

RESET ROLE;
SELECT i.instance_id, df.event_type_name(b.event_type), b.execution, b.name, b.payload
FROM df.inbox b JOIN df.instance_state i USING (instance_key)
ORDER BY b.inbox_id;

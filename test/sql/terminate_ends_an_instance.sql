-- needs: worker
/* A terminated instance is final: its reason is its output, its tasks are gone, and it can be purged. */
SET ROLE regress_user;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('nobody offers this'); END $$;
CREATE FUNCTION ends() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM unnest('{waits,ends}'::text[]) AS f, df_register_orchestrator(f);

SELECT df_start('waits', instance_id => 'running');
SELECT df_start('waits', instance_id => 'scheduled', start_at => 'tomorrow');
SELECT df_terminate('running', 'enough'), df_terminate('scheduled');
SELECT instance_id, runtime_status, output, failure_details, completed_time IS NOT NULL AS has_ended
FROM unnest('{running,scheduled}'::text[]) AS id, df_wait(id, '20 s');
SELECT df_result('running');
SELECT df_terminate('running');

-- in the transaction that starts it
BEGIN;
SELECT df_start('ends', instance_id => 'at once');
SELECT df_terminate('at once', 'never mind');
COMMIT;
SELECT runtime_status, output FROM df_wait('at once', '20 s');

SELECT sum(df_purge(instance_id)) FROM df.instances;
RESET ROLE;
SELECT (SELECT count(*) FROM df.instance_state) AS instances, (SELECT count(*) FROM df.tasks) AS tasks,
    (SELECT count(*) FROM df.timers) AS timers, (SELECT count(*) FROM df.history) AS events;

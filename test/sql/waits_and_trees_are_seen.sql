-- df_waits: what an instance waits for, since when, due when, who serves it, and where in its code; df_tree: its family.

SET ROLE regress_user;
CREATE FUNCTION looks() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    done df_task := df_activity('echo');
    left_alone df_task := df_timer('2 hours');
BEGIN
    PERFORM df_await(done);

    RETURN df_await(df_any(ARRAY[df_timer('1 hour'), df_all(ARRAY[done, df_activity('hold'), df_activity('nobody offers this'), df_event('Approved'),
        df_sub_orchestrator('child', NULL, 'the child')])]));
END $$;
CREATE FUNCTION child() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_sub_orchestrator('grandchild', NULL, 'the grandchild');
    RETURN NULL;
END $$;
CREATE FUNCTION grandchild() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_wait_event('call', '1 day');
END $$;
SELECT FROM unnest('{looks,child,grandchild}'::text[]) AS f, df_register_orchestrator(f);
SELECT df_start('looks', NULL, 'looks');
SELECT * FROM df_waits('looks');
RESET ROLE;
CALL test.run();
SET ROLE regress_user;
SELECT task_id, kind, name, since <= now() AND since > now() - interval '1 minute' AS since, date_trunc('hour', due - since + interval '1 minute') AS due_after,
    served, progress, function, line FROM df_waits('looks');
SELECT instance_id, task_id, kind, name, date_trunc('hour', due - since + interval '1 minute') AS due_after, function, line FROM df_waits() WHERE instance_id <> 'looks';
SELECT * FROM df_tree('the child');
SELECT count(*) FROM df_tree('looks') UNION ALL SELECT count(*) FROM df_tree('the grandchild');

-- a member that is done is not waited for any more
RESET ROLE;
CALL test.answer('looks', 4);
CALL test.run();
SET ROLE regress_user;
SELECT task_id, kind FROM df_waits('looks');
SELECT df_raise_event('looks', 'approved'), df_raise_event('the grandchild', 'call');
RESET ROLE;
CALL test.run();
SET ROLE regress_user;
SELECT instance_id, task_id, kind, name, served FROM df_waits();

-- others see nothing of it; a parent that is purged ends the tree
SET ROLE regress_other;
SELECT * FROM df_waits();
SELECT * FROM df_waits('looks');
SELECT * FROM df_tree('looks');
RESET ROLE;
SELECT df_terminate('looks', recursive => false);
CALL test.run();
SELECT * FROM df_waits('looks');
SELECT count(*) FROM df_waits();
SELECT depth, instance_id, runtime_status FROM df_tree('the grandchild');
SELECT df_purge('looks');
SELECT depth, instance_id FROM df_tree('the grandchild');
SELECT * FROM df_tree('looks');

-- a sub-orchestration that has failed is due when its next attempt begins
CALL test.orchestrator('broken', $$ BEGIN RETURN df_call_activity('hold'); END $$);
CALL test.orchestrator('patient', $$ BEGIN RETURN df_call_sub_orchestrator('broken', NULL, 'the broken', df_retry(3, '1 hour')); END $$);
SELECT df_start('patient', NULL, 'patient');
CALL test.run();
SELECT kind, name, due FROM df_waits('patient');
CALL test.answer('the broken', 1, 'f', '{"type": "Broken"}');
CALL test.run();
SELECT kind, name, due > since AS is_later, due = (SELECT fire_at FROM df.timers) AS is_its_timer FROM df_waits('patient');

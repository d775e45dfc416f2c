/* df_purge deletes a final instance with its final children and everything they have; live ones stay. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f', instance_id => id)
FROM unnest('{parent,final child,live child,grandchild,child of live,bystander}'::text[]) AS id;

RESET ROLE;
INSERT INTO df.history (instance_key, execution, event_id, event_type, event_time)
SELECT instance_key, 0, 1, 0, now() FROM df.instance_state;
INSERT INTO df.tasks (instance_key, task_id, execution, scheduled_event, lane, name, queue, state, scheduled_at)
SELECT instance_key, 1, 0, 1, 'a', 'a', 'default', 3, now() FROM df.instance_state;
INSERT INTO df.timers (instance_key, task_id, execution, fire_at)
SELECT instance_key, 2, 0, now() FROM df.instance_state;
UPDATE df.instance_state SET status = CASE WHEN instance_id IN ('live child', 'bystander') THEN 0 ELSE 1 END;
UPDATE df.instance_state c SET parent_instance_key = p.instance_key
FROM df.instance_state p,
    (VALUES ('final child', 'parent'), ('live child', 'parent'), ('grandchild', 'final child'),
        ('child of live', 'live child')) AS v(child, parent)
WHERE c.instance_id = v.child AND p.instance_id = v.parent;
SET ROLE regress_user;

SELECT df_purge('live child');
\echo :LAST_ERROR_SQLSTATE
SELECT df_purge('unknown');
\echo :LAST_ERROR_SQLSTATE
SELECT df_purge(NULL);

BEGIN;
SELECT df_purge('parent');
ROLLBACK;
SELECT count(*) FROM df.instances;

SELECT df_purge('parent');
SELECT df_purge('parent');
SELECT instance_id, runtime_status, parent_instance_id FROM df.instances ORDER BY instance_id;

RESET ROLE;
SELECT instance_id, count(h) AS events, count(t) AS tasks, count(b) AS deliveries, count(m) AS timers
FROM df.instance_state i
LEFT JOIN df.history h USING (instance_key)
LEFT JOIN df.tasks t USING (instance_key)
LEFT JOIN df.inbox b USING (instance_key)
LEFT JOIN df.timers m USING (instance_key)
GROUP BY instance_id ORDER BY instance_id;
SELECT (SELECT count(*) FROM df.history) AS events, (SELECT count(*) FROM df.tasks) AS tasks,
    (SELECT count(*) FROM df.inbox) AS deliveries, (SELECT count(*) FROM df.timers) AS timers;

-- the id is free again
SET ROLE regress_user;
SELECT df_start('f', instance_id => 'parent');

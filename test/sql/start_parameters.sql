/* What df_start is given is what the instance has. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('F', 'f', 'v1');

SELECT df_start('f', '{"b": 1, "a": [1.50, "ü", null]}', 'all', tags => '{"team": "a"}', version => 'v1',
    priority => -3, queue => 'batch');
SELECT df_start('f', instance_id => 'none');
SELECT df_start('f', 'null', 'json null');
SELECT df_start('f', instance_id => 'later', start_at => '2100-01-01 00:00:00+00');
SELECT df_start('f', instance_id => 'past', start_at => '2000-01-01 00:00:00+00');
SELECT instance_id, name, version, runtime_status, input, tags, priority, queue,
    scheduled_start_time AT TIME ZONE 'UTC' AS scheduled, owner
FROM df.instances ORDER BY created_time;

-- a start in the future waits for its timer, any other for a worker
RESET ROLE;
SELECT i.instance_id, b.inbox_id IS NOT NULL AS in_inbox, t.task_id, t.execution, t.fire_at AT TIME ZONE 'UTC' AS fire_at
FROM df.instance_state i
LEFT JOIN df.inbox b USING (instance_key)
LEFT JOIN df.timers t USING (instance_key)
ORDER BY i.instance_key;
SELECT bool_and(root_instance_key = instance_key AND parent_instance_key IS NULL) AS roots FROM df.instance_state;
SET ROLE regress_user;

SELECT df_start(NULL);
SELECT df_start('f', tags => '["a"]');
SELECT df_start('f', queue => '');
SELECT df_start('f', start_at => 'infinity');
SELECT df_start('f', version => 'v2');
\echo :LAST_ERROR_SQLSTATE
SELECT df_start('no such orchestrator');
\echo :LAST_ERROR_SQLSTATE
SELECT FROM df_register_activity('an activity', 'f');
SELECT df_start('an activity');

-- too large, too deep
RESET ROLE;
SET pgdf.max_payload = '1kB';
SET ROLE regress_user;
SELECT df_start('f', to_jsonb(repeat('x', 2000)));
\echo :LAST_ERROR_SQLSTATE
SELECT df_start('f', (repeat('[', 129) || repeat(']', 129))::jsonb);

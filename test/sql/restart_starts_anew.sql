-- df_restart: a new instance with what the old one was started with, under another id or in its place.

CALL test.orchestrator('gives', 'BEGIN IF input = ''"fail"'' THEN PERFORM df_fail(''Bad'', ''told so''); END IF; RETURN df_call_activity(''echo'', input); END');
CALL test.orchestrator('waits', 'BEGIN RETURN df_wait_event(''go''); END');
SELECT df_start('gives', '{"a": 1.50}', 'a', tags => '{"t": 1}', priority => 3, queue => 'default'), df_start('gives', '"fail"', 'f'), df_start('waits', NULL, 'live');
CALL test.run();
SELECT instance_id, run_id AS run FROM df.instance_state WHERE instance_id = 'a' \gset

-- another id
SELECT df_restart('a', 'copy');
SELECT df_restart('a') AS copy \gset
SELECT df_restart('live', 'live copy');
CALL test.run();
SELECT CASE instance_id WHEN :'copy' THEN 'generated' ELSE instance_id END AS id, runtime_status, input, output, tags, priority, queue, owner = 'postgres'::regrole AS mine
FROM df.instances ORDER BY created_time, 1;

-- its own place: new run, no history, no ids of events
SELECT df_restart('a', 'a'), df_restart('f', 'f');
SELECT status, turns, tasks FROM test.instance('a');
CALL test.run();
SELECT id, i.status, i.output, i.error, i.turns FROM unnest('{a,f}'::text[]) AS id, test.instance(id) i;
SELECT run_id = :'run' AS same_run FROM df.instance_state WHERE instance_id = 'a';
SELECT test.history('a');

-- rolled back: nothing happened
BEGIN;
SELECT df_restart('a', 'a'), df_restart('a', 'never');
ROLLBACK;
SELECT status FROM test.instance('a');
SELECT * FROM df_status('never');

-- a terminated one too; a child becomes nobody's, and its children go when it is replaced
CALL test.orchestrator('clan', 'BEGIN RETURN df_call_sub_orchestrator(''gives'', input, ''child''); END');
SELECT df_start('clan', '1', 'clan'), df_terminate('live');
CALL test.run();
SELECT df_restart('live', 'live'), df_restart('child', 'child');
CALL test.run();
SELECT instance_id, runtime_status, parent_instance_id FROM df.instances WHERE instance_id IN ('live', 'clan', 'child') ORDER BY 1;

-- refused
SELECT df_restart('live', 'live');
SELECT df_restart('a', 'live');
SELECT df_restart('a', 'b/c');
SELECT df_restart('nobody');
SELECT df_restart(NULL);
SELECT FROM df_unregister('gives');
SELECT df_restart('a', 'a');
SELECT runtime_status FROM df_status('a');
BEGIN READ ONLY;
SELECT df_restart('a');
ROLLBACK;

-- Items of a map that were handed out too often are dead letters of the map's task: df_redrive queues them again.

CALL test.orchestrator('maps', $$ BEGIN RETURN df_call_map('hold', '[1, 2, 3]'); END $$);
SET pgdf.max_deliveries = 1;
SET pgdf.reconnect_grace = 0;
SELECT df_start('maps', NULL, 'm');
CALL test.run();
UPDATE df.worker_sessions SET lease_until = now() - interval '1 second' WHERE name = 'w';
SELECT taken > 0 AS taken FROM df.sweep(test.attach('v', '{none}', '{none}'));
DELETE FROM test.workers WHERE name = 'w';
DELETE FROM test.claimed;
SELECT instance_id, task_id, name, item FROM df.dead_letters ORDER BY item;
SELECT blocked_reason FROM df_status('m');
SELECT df_redrive('m', 2), df_redrive('m', 1) > 0 AS redriven, df_redrive('m');
SELECT count(*) FROM df.dead_letters;
CALL test.run();
UPDATE test.claimed SET outcome = 'c', payload = input;
CALL test.run();
SELECT status, output FROM test.instance('m');

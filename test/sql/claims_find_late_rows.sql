-- A session skips what it has claimed below; a row that came late with a smaller number, or with a priority not seen
-- before, is found all the same: by a claim that gets less than it asked for, and by a scan.

CALL test.orchestrator('tasks', $$
BEGIN
    PERFORM df_activity('hold', to_jsonb(i), priority => (input ->> 'priority')::int)
    FROM generate_series((input ->> 'from')::int, (input ->> 'to')::int) AS i;
    RETURN df_call_activity('never');
END $$);
SELECT df_start('tasks', '{"from": 1, "to": 10}', 'a');
SELECT what, input FROM test.work(room => 6) WHERE what = 'T';

-- two rows with smaller numbers than any, as a transaction leaves them that commits late
SELECT df_start('tasks', '{"from": 11, "to": 12}', 'b');
SELECT FROM test.work(room => 0);
UPDATE df.tasks t SET seq = -task_id FROM df.instance_state i WHERE i.instance_key = t.instance_key AND instance_id = 'b';
SELECT count(*) FROM test.work(room => 100) WHERE what = 'T';
SELECT count(*), count(DISTINCT (instance_id, task_id)) FROM test.claimed;

-- with more room than there is, none is left; by a scan, too
SELECT df_start('tasks', '{"from": 21, "to": 23}', 'c');
SELECT FROM test.work(room => 0);
UPDATE df.tasks t SET seq = -10 - task_id FROM df.instance_state i WHERE i.instance_key = t.instance_key AND instance_id = 'c';
SELECT what, input FROM test.work(room => 2, mode => 'scan') WHERE what = 'T';
SELECT what, input FROM test.work(room => 2) WHERE what = 'T';

-- more priorities than are remembered
SELECT count(df_start('tasks', jsonb_build_object('from', i, 'to', i, 'priority', i), 'p' || i)) FROM generate_series(1, 20) AS i;
CALL test.run(room => 0);
SELECT string_agg(input, ' ') FROM test.work(room => 15) WHERE what = 'T';
SELECT df_start('tasks', '{"from": 100, "to": 101, "priority": 100}', 'top');
SELECT count(*) FROM test.work(room => 100) WHERE what = 'T';
SELECT count(*) FROM df.tasks WHERE state = 0 AND lane = 'hold';

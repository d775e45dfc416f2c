-- A report of progress (outcome h) is kept with its task, and changes nothing else; a void fence is answered F, and not counted.

CALL test.orchestrator('waits', $$ BEGIN RETURN df_call_activity('hold', NULL, df_retry(2, '0')); END $$);
CREATE VIEW seen AS SELECT w.kind, w.name, w.progress FROM df_waits('p') w;
CREATE VIEW task AS
SELECT i.instance_id, t.state, t.attempts, t.is_started, t.progress FROM df.tasks t JOIN df.instance_state i USING (instance_key);
SELECT df_start('waits', NULL, 'p');
SELECT what, task_id FROM test.work() WHERE what <> 'S';
SELECT what, task_id FROM test.work() WHERE what <> 'S';
SELECT * FROM seen;

-- the newest is seen; it counts neither as an attempt nor as something recorded
CALL test.answer('p', 1, 'h', '{"done": 1}');
SELECT input::json ->> 'recorded' AS recorded, input::json ->> 'fenced' AS fenced FROM test.work(room => 0) WHERE what = 'S';
SELECT * FROM seen;
CALL test.answer('p', 1, 'h', '{"done":  2}');
SELECT count(*) FROM test.work(room => 0);
SELECT * FROM seen;
SELECT * FROM task;

-- what is not JSON, or nothing, leaves what there is
CALL test.answer('p', 1, 'h', '{"done":');
SELECT count(*) FROM test.work(room => 0);
CALL test.answer('p', 1, 'h');
SELECT count(*) FROM test.work(room => 0);
SELECT * FROM seen;

-- a void fence
UPDATE test.claimed SET fence = fence + 1;
CALL test.answer('p', 1, 'h', '3');
SELECT what, task_id FROM test.work(room => 0) WHERE what <> 'S';
UPDATE test.claimed SET fence = fence - 1;
SELECT * FROM seen;
SELECT fenced FROM df.workers;

-- before and after the outcome in one call: the attempt fails, the next one begins with what was last said
INSERT INTO test.claimed (worker, what, instance_key, task_id, fence, instance_id, outcome, payload)
SELECT worker, what, instance_key, task_id, fence, instance_id, d.outcome, d.payload
FROM test.claimed, (VALUES ('h', '4'), ('f', NULL), ('h', '5')) AS d (outcome, payload);
DELETE FROM test.claimed WHERE outcome IS NULL;
SELECT what, task_id FROM test.work(room => 0) WHERE what <> 'S';
SELECT instance_id, attempts, progress FROM task;
DELETE FROM test.claimed;
UPDATE df.tasks SET visible_at = now();
SELECT what, task_id FROM test.work(mode => 'scan') WHERE what <> 'S';
SELECT what, task_id FROM test.work(mode => 'scan') WHERE what <> 'S';

-- with the result in one call: the result counts, whichever comes first
INSERT INTO test.claimed (worker, what, instance_key, task_id, fence, instance_id, outcome, payload)
SELECT worker, what, instance_key, task_id, fence, instance_id, d.outcome, d.payload
FROM test.claimed, (VALUES ('h', '6'), ('c', '"done"'), ('h', '7')) AS d (outcome, payload);
DELETE FROM test.claimed WHERE outcome IS NULL;
SELECT what, task_id FROM test.work(room => 0) WHERE what <> 'S';
SELECT status, output FROM test.instance('p');
SELECT count(*) FROM task;

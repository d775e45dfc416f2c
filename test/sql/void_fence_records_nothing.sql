-- The fence is the only right to record an outcome: wrong, used and repeated ones are answered F and change nothing.

CALL test.orchestrator('two', $$ BEGIN RETURN to_jsonb(df_when_all(df_activity('hold', '1'), df_activity('hold', '2'))); END $$);
SELECT df_start('two', NULL, 't');
SELECT what, task_id FROM test.work() WHERE what <> 'S';
CREATE TABLE held AS SELECT * FROM test.claimed;

-- a wrong fence
UPDATE test.claimed SET fence = fence + 1;
CALL test.answer('t', 1, 'c', '"stolen"');
CALL test.answer('t', 2, 'f');
SELECT * FROM test.work(room => 0);
SELECT tasks FROM test.instance('t');

-- the right one, twice in a call: the first counts
INSERT INTO test.claimed SELECT * FROM held WHERE task_id = 1;
INSERT INTO test.claimed (worker, what, instance_key, task_id, fence, name, instance_id, outcome, payload)
SELECT worker, what, instance_key, task_id, fence, name, instance_id, 'f', '{}' FROM held WHERE task_id = 1;
UPDATE test.claimed SET outcome = 'c', payload = '"first"' WHERE outcome IS NULL;
SELECT * FROM test.work(room => 0);
SELECT event_type, task_id, payload, failure_details FROM df_history('t') WHERE event_id > 4;

-- and once more, as after a lost connection
INSERT INTO test.claimed SELECT * FROM held WHERE task_id = 1;
CALL test.answer('t', 1, 'c', '"again"');
SELECT * FROM test.work(room => 0);
SELECT event_type, task_id, payload FROM df_history('t') WHERE event_id > 4;

-- started, given back and failed with a void fence; tasks and instances that are not there
INSERT INTO test.claimed (worker, what, instance_key, task_id, fence, instance_id, outcome)
SELECT worker, what, instance_key + d.instance, task_id + d.task, h.fence + d.fence, instance_id, d.outcome
FROM held h, (VALUES (0, 0, 1, 's'), (0, 0, 1, 'r'), (0, 0, 1, 'f'), (0, 7, 0, 'c'), (999, 0, 0, 'c')) AS d (instance, task, fence, outcome)
WHERE task_id = 2;
SELECT what, count(*) FROM test.work(room => 0) WHERE what <> 'S' GROUP BY 1;
DELETE FROM test.claimed;

-- the rightful holder of the second is not disturbed by any of it
INSERT INTO test.claimed SELECT * FROM held WHERE task_id = 2;
CALL test.answer('t', 2, 'c', '"second"');
SELECT * FROM test.work(room => 0);
SELECT status, output, tasks, turns FROM test.instance('t');
-- those that were dropped are counted (r is none: nothing was lost)
SELECT fenced FROM df.workers;

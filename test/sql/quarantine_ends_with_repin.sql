-- df_repin lets a quarantined instance go on with the code as it is now, also when that has not changed since.

CALL test.orchestrator('reads', $$ BEGIN RETURN df_call_activity('hold', to_jsonb(n)) FROM kept; END $$);
CREATE TABLE kept (n int);
INSERT INTO kept VALUES (1);
SELECT df_start('reads', NULL, 'a'), df_start('reads', NULL, 'fine');
CALL test.run();

-- what it reads has changed: it diverges, and new code would not help; the table is put right
UPDATE kept SET n = 2;
CALL test.answer('a', 1, 'c', '5');
CALL test.run();
SELECT status, blocked FROM test.instance('a');
UPDATE kept SET n = 1;
CALL test.run();
SELECT status, blocked IS NOT NULL AS blocked FROM test.instance('a');
SELECT df_repin('a'), df_repin('fine');
CALL test.run();
SELECT status, output, blocked FROM test.instance('a');
SELECT df_repin('a');
SELECT df_repin('nobody');

-- turns that could not be finished; nothing of theirs is forgotten
CALL test.orchestrator('endless', $$ BEGIN PERFORM df_wait_event('go'); IF (SELECT count(*) FROM kept) > 0 THEN LOOP NULL; END LOOP; END IF; RETURN '1'; END $$);
SET pgdf.turn_timeout = '50ms';
SELECT df_start('endless', NULL, 'b');
CALL test.run();
SELECT df_raise_event('b', 'go');
CALL test.run();
UPDATE df.timers SET fire_at = now();
CALL test.run();
UPDATE df.timers SET fire_at = now();
CALL test.run();
SELECT turn_failures, blocked_reason FROM df.instance_state WHERE instance_id = 'b';
DELETE FROM kept;
SELECT df_repin('b');
CALL test.run();
SELECT status, output FROM test.instance('b');

-- a backend that had to be terminated counts; the third time is enough, whatever is in the inbox
CALL test.orchestrator('waits', $$ BEGIN PERFORM df_wait_event('go'); RETURN '1'; END $$);
SELECT df_start('waits', NULL, 'c'), df_start('waits', NULL, 'd');
CALL test.run();
INSERT INTO df.inbox (instance_key, event_type, event_time, name)
SELECT instance_key, 12, now(), '*runaway' FROM df.instance_state, generate_series(1, CASE instance_id WHEN 'c' THEN 3 ELSE 2 END) WHERE instance_id IN ('c', 'd');
SELECT df_raise_event('c', 'go'), df_raise_event('d', 'go');
CALL test.run();
SELECT id, i.status, i.blocked, turn_failures FROM unnest('{c,d}'::text[]) AS id, test.instance(id) i, df.instance_state s WHERE s.instance_id = id ORDER BY 1;
SELECT df_repin('c');
CALL test.run();
SELECT status, output FROM test.instance('c');

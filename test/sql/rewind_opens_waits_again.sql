-- After a rewind: timers that had not fired are there again, events that were taken later are taken again, in their order.

CREATE TABLE broken (task text PRIMARY KEY);
CREATE FUNCTION does(task text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF task IN (SELECT b.task FROM broken b) THEN
        PERFORM df_fail('Broken', task || ' is broken');
    END IF;
    RETURN task;
END $$;
SELECT FROM df_register_activity('does', 'does');
CREATE VIEW timers AS SELECT instance_id, task_id, fire_at > now() + interval '50 minutes' AS later
FROM df.timers JOIN df.instance_state USING (instance_key) ORDER BY 1, 2;

CALL test.orchestrator('waits', $$
DECLARE
    deadline df_task := df_timer('1 hour');
    fired df_task := df_timer('0');
    got jsonb;
BEGIN
    PERFORM df_await(fired);
    got := jsonb_build_array(df_wait_event('e'));
    PERFORM df_call_activity('does', '"first"');
    got := got || df_wait_event('e') || df_wait_event('e');
    PERFORM df_sleep('0');
    PERFORM df_sleep('1 hour');
    PERFORM df_call_activity('does', '"second"');
    RETURN got || to_jsonb(df_is_completed(deadline));
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    got := got || df_wait_event('e') || jsonb_build_array(df_wait_event('e', '1 hour') IS NULL);
    PERFORM df_record(got);
    RAISE;
END $$);
INSERT INTO broken VALUES ('first'), ('second');
SELECT df_start('waits', NULL, 'w');
SELECT count(*) FROM generate_series(1, 3) AS i, df_raise_event('w', 'e', to_jsonb(i));
CALL test.run();
SELECT status FROM test.instance('w');
SELECT count(*) FROM timers;
SELECT payload FROM df_history('w') WHERE event_type = 'GenericEvent';
DELETE FROM broken WHERE task = 'first';
SELECT df_rewind('w');
SELECT df_raise_event('w', 'e', '"behind"');     -- behind what the rewind gives back
CALL test.run(room => 0);
-- 2 and 3 are for the waits behind the repaired activity
CALL test.run();
SELECT task_id, payload FROM df_history('w') WHERE event_type = 'EventRaised' ORDER BY event_id;
SELECT * FROM timers;
UPDATE df.timers SET fire_at = now() WHERE task_id > 2;
CALL test.run();

-- fails again, further on; nobody raises for the handler: its wait is open
SELECT status FROM test.instance('w');
SELECT df_raise_event('w', 'e', '4');
CALL test.run();
UPDATE df.timers SET fire_at = now() WHERE task_id > 2;
CALL test.run();
SELECT status, error FROM test.instance('w');
DELETE FROM broken;
SELECT df_rewind('w');
CALL test.run();
SELECT status, output, blocked FROM test.instance('w');
SELECT payload FROM df.buffered_events ORDER BY event_seq;
SELECT * FROM timers;

-- order: the event that had been taken comes before those that wait behind it
CALL test.orchestrator('order', $$
DECLARE
    got jsonb;
BEGIN
    BEGIN
        PERFORM df_call_activity('does', '"first"');
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        PERFORM df_wait_event('e');
        RAISE;
    END;
    RETURN jsonb_build_array(df_wait_event('e'), df_wait_event('e'), df_wait_event('e'));
END $$);
INSERT INTO broken VALUES ('first');
SELECT df_start('order', NULL, 'o');
SELECT count(*) FROM generate_series(1, 3) AS i, df_raise_event('o', 'e', to_jsonb(i));
CALL test.run();
SELECT status FROM test.instance('o');
-- twice, so that one is taken back twice
SELECT df_rewind('o');
CALL test.run();
DELETE FROM broken;
SELECT df_rewind('o');
CALL test.run();
SELECT status, output FROM test.instance('o');

-- the number of a timer that was taken back, and had fired, is that of another now
CALL test.orchestrator('numbers', $$
DECLARE
    side df_task := df_activity('hold');
    late df_task;
BEGIN
    PERFORM df_call_activity('does', '"first"');
    late := df_timer('1 hour');
    PERFORM df_await(side), df_await(late);
    RETURN '"through"';
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    PERFORM df_sleep('0');
    RAISE;
END $$);
INSERT INTO broken VALUES ('first');
SELECT df_start('numbers', NULL, 'n');
CALL test.run();
DELETE FROM broken;
SELECT df_rewind('n');
CALL test.run();
SELECT * FROM timers WHERE instance_id = 'n';
CALL test.answer('n', 1, 'f', '{}');
CALL test.run();
SELECT status, error FROM test.instance('n');
SELECT df_rewind('n');
CALL test.run();
SELECT * FROM timers WHERE instance_id = 'n';
CALL test.answer('n', 1);
UPDATE df.timers SET fire_at = now();
CALL test.run();
SELECT status, output, blocked FROM test.instance('n');

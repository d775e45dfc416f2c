-- A waiter that lost its df_when_any or timed out takes no event; awaited again, it takes the next one.

CALL test.orchestrator('approval', $$
DECLARE
    approved df_task := df_event('approved');
    rejected df_task := df_event('rejected');
    winner df_task := df_when_any(approved, rejected);
    log jsonb := jsonb_build_array(CASE WHEN winner = approved THEN 'approved' ELSE 'rejected' END, df_await(winner));
BEGIN
    PERFORM df_call_activity('hold');           -- what is raised meanwhile is nobody's
    log := log || jsonb_build_array(df_wait_event('approved'));     -- not the loser's
    IF input = '"again"' THEN
        log := log || jsonb_build_array(df_await(approved));        -- the old waiter takes the next one
    END IF;
    RETURN log;
END $$);
SELECT df_start('approval', '"once"', 'a'), df_start('approval', '"again"', 'b');
CALL test.run();
SELECT df_raise_event(id, 'rejected', '"no"') FROM unnest('{a,b}'::text[]) AS id;
CALL test.run();
SELECT df_raise_event(id, 'approved', '"yes 1"'), df_raise_event(id, 'approved', '"yes 2"') FROM unnest('{a,b}'::text[]) AS id;
CALL test.run();
SELECT i.instance_id, b.name, payload FROM df.buffered_events b JOIN df.instance_state i USING (instance_key) ORDER BY event_seq;
CALL test.answer('a', 3);
CALL test.answer('b', 3);
CALL test.run();
SELECT id, i.status, i.output, i.blocked FROM unnest('{a,b}'::text[]) AS id, test.instance(id) i;
SELECT task_id, name, payload FROM df_history('b') WHERE event_type = 'EventRaised' ORDER BY event_id;

-- timed out: SQL NULL; the event that comes later is there for the next wait
CALL test.orchestrator('patient', $$
DECLARE
    first jsonb := df_wait_event('e', '1 hour');
    second jsonb;
BEGIN
    PERFORM df_call_activity('hold');
    second := df_wait_event('e', '1 hour');
    RETURN jsonb_build_object('timed out', first IS NULL, 'second', second);
END $$);
SELECT df_start('patient', NULL, 'p');
CALL test.run();
UPDATE df.timers SET fire_at = now();
CALL test.run();
SELECT df_raise_event('p', 'E', '"late"');
CALL test.run();
CALL test.answer('p', 3);
CALL test.run();
SELECT status, output, blocked FROM test.instance('p');
-- the winner has taken the timer with it
SELECT count(*) FROM df.timers;

-- event and time-out arrive in one engine call: whoever comes first in history has won, in every replay
CALL test.orchestrator('close', $$
DECLARE
    got jsonb := df_wait_event('e', '1 hour');
BEGIN
    PERFORM df_call_activity('echo', got);
    RETURN jsonb_build_object('got', got);
END $$);
SELECT df_start('close', NULL, 'c1'), df_start('close', NULL, 'c2');
CALL test.run();
-- c1: the event is in the inbox before the timer; c2: the other way round
SELECT df_raise_event('c1', 'e', '"in time"');
UPDATE df.timers SET fire_at = now();
INSERT INTO df.inbox (instance_key, execution, event_type, task_id, event_time)
SELECT instance_key, 0, 11, 2, now() FROM df.instance_state WHERE instance_id = 'c2';
DELETE FROM df.timers t USING df.instance_state i WHERE i.instance_key = t.instance_key AND i.instance_id = 'c2';
SELECT df_raise_event('c2', 'e', '"too late"');
CALL test.run();
SELECT id, i.status, i.output, i.turns, i.blocked FROM unnest('{c1,c2}'::text[]) AS id, test.instance(id) i;

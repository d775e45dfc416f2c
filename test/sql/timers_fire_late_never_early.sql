-- Timers: late after an outage, never early; zero, negative and far delays; times follow df_now().

CALL test.orchestrator('sleeper', $$
DECLARE
    begun timestamptz := df_now();
BEGIN
    PERFORM df_sleep((input ->> 'delay')::interval);
    RETURN jsonb_build_object('early', df_now() < begun + (input ->> 'delay')::interval);
END $$);

-- one that is not due leaves the instance alone, however often the engine looks
SELECT df_start('sleeper', '{"delay": "1 hour"}', 'hour');
CALL test.run();
SELECT status, turns, blocked FROM test.instance('hour');
SELECT event_type, task_id, (payload #>> '{}')::timestamptz - (SELECT min(event_time) FROM df_history('hour')
        WHERE event_type = 'OrchestratorStarted') AS due_after
FROM df_history('hour') WHERE event_type LIKE 'Timer%';
-- a worker is told when to look again
SELECT (input::jsonb ->> 'next_due_ms')::int BETWEEN 3500000 AND 3600000 AS in_an_hour
FROM df.work(test.attach(), '{default}', '{}', 0, 60, 'scan', '{}', '{}', '{}', '', '{}') WHERE what = 'S';

-- nobody looked while it became due: it fires late, and once
UPDATE df.timers SET fire_at = fire_at - interval '3 hours';
CALL test.run();
CALL test.run();
SELECT status, turns FROM test.instance('hour');
SELECT test.history('hour');
SELECT count(*) FROM df.timers;

-- no delay, a negative one, a moment in the past: due at once
CALL test.orchestrator('past', $$
BEGIN
    PERFORM df_sleep('0'), df_sleep('-1 day'), df_sleep_until('2000-01-01'), df_sleep_until('0044-03-15 BC');
    RETURN to_jsonb(df_await(df_timer('-100 years')) = 'null');
END $$);
SELECT df_start('past', NULL, 'past');
CALL test.run();
SELECT status, output, turns FROM test.instance('past');

-- far away, and what is no time
CALL test.orchestrator('far', $$
BEGIN
    PERFORM df_sleep_until('9999-12-31 23:59:59.999999');
END $$);
CALL test.orchestrator('wrong', 'BEGIN PERFORM df_timer_at((input #>> ''{}'')::timestamptz); RETURN ''"made"''; END');
CALL test.orchestrator('wrong_delay', 'BEGIN PERFORM df_timer((input #>> ''{}'')::interval); RETURN ''"made"''; END');
SELECT df_start('far', NULL, 'far'), df_start('wrong', '"infinity"', 'w1'), df_start('wrong', '"-infinity"', 'w2'),
    df_start('wrong_delay', '"300000 years"', 'w3'), df_start('wrong', NULL, 'null is no timer');
CALL test.run();
SELECT id, i.status, i.error_type, i.error, i.output
FROM unnest('{far,w1,w2,w3,null is no timer}'::text[]) AS id, test.instance(id) i;
SELECT fire_at FROM df.timers ORDER BY fire_at;
SELECT (input::jsonb ->> 'next_due_ms')::bigint > 250000000000000 AS very_late
FROM df.work(test.attach(), '{default}', '{}', 0, 60, 'scan', '{}', '{}', '{}', '', '{}') WHERE what = 'S';

-- a chain of delays adds up: each begins at the recorded time of the turn before
CALL test.orchestrator('chain', $$
DECLARE
    a timestamptz := df_now();
    b timestamptz;
BEGIN
    PERFORM df_sleep('1 day');
    b := df_now();
    PERFORM df_sleep('1 month');
    RETURN jsonb_build_object('first', b >= a + interval '1 day', 'second', df_now() >= b + interval '1 month');
END $$);
SELECT df_start('chain', NULL, 'chain');
CALL test.run();
UPDATE df.timers SET fire_at = now() WHERE fire_at < '9000-01-01';
CALL test.run();
SELECT task_id, payload = to_jsonb((SELECT max(event_time) FROM df_history('chain') s
        WHERE s.event_type = 'OrchestratorStarted' AND s.event_id < h.event_id) + (ARRAY['1 day', '1 month']::interval[])[task_id]) AS follows_its_turn
FROM df_history('chain') h WHERE event_type = 'TimerCreated';

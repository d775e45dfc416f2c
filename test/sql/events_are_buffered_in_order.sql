-- Events: a buffer for each name (any case), first in, first out; an event goes to the lowest-numbered open waiter.

-- raised before anybody waits, before the first turn even
CALL test.orchestrator('takes', $$
DECLARE
    got jsonb := '[]';
BEGIN
    FOR i IN 1..3 LOOP
        got := got || jsonb_build_array(df_wait_event('Go'), df_wait_event('stop'));
    END LOOP;
    RETURN got;
END $$);
BEGIN;
SELECT df_start('takes', NULL, 't');
SELECT df_raise_event('t', 'GO', '1'), df_raise_event('t', 'go', '2'), df_raise_event('t', 'Stop', '"a"');
COMMIT;
CALL test.run();
SELECT status FROM test.instance('t');
SELECT name, payload FROM df.buffered_events ORDER BY event_seq;
SELECT df_raise_event('t', 'other', '0'), df_raise_event('t', 'STOP', '"b"'), df_raise_event('t', 'gO', '3'), df_raise_event('t', 'stop', '"c"');
CALL test.run();
SELECT status, output FROM test.instance('t');
SELECT task_id, name, payload FROM df_history('t') WHERE event_type = 'EventRaised' ORDER BY event_id;
-- nobody has asked for it
SELECT name FROM df.buffered_events;

-- several waiters of a name in one combination: lowest number first, whatever order they stand in
CALL test.orchestrator('three', $$
DECLARE
    a df_task := df_event('x');
    b df_task := df_event('X');
    c df_task := df_event('y');
BEGIN
    RETURN to_jsonb(df_when_all(c, b, a));
END $$);
SELECT df_start('three', NULL, 'th');
SELECT df_raise_event('th', 'x', '"first"'), df_raise_event('th', 'y', '"y"'), df_raise_event('th', 'x', '"second"'), df_raise_event('th', 'x', '"third"');
CALL test.run();
SELECT output, turns FROM test.instance('th');

-- the same waiter in several combinations takes one event
CALL test.orchestrator('shared', $$
DECLARE
    e df_task := df_event('x');
    other df_task := df_event('y');
    got jsonb;
BEGIN
    got := df_await(df_all(ARRAY[df_all(ARRAY[e, e, other]), df_all(ARRAY[e, other])]));
    RETURN jsonb_build_array(got, df_wait_event('x'));
END $$);
SELECT df_start('shared', NULL, 's');
CALL test.run();
SELECT df_raise_event('s', 'x', '1'), df_raise_event('s', 'x', '2'), df_raise_event('s', 'y', '3');
CALL test.run();
SELECT status, output FROM test.instance('s');

-- payloads: none and JSON null are JSON null, SQL NULL is only for the time-out
CALL test.orchestrator('nulls', $$
BEGIN
    RETURN jsonb_build_array(df_wait_event('e') IS NULL, df_wait_event('e'), df_await(df_event('e')), df_wait_event('e', '0') IS NULL);
END $$);
SELECT df_start('nulls', NULL, 'n');
SELECT df_raise_event('n', 'e'), df_raise_event('n', 'e', NULL), df_raise_event('n', 'e', 'null');
CALL test.run();
SELECT status, output FROM test.instance('n');

-- many at once, one turn for each wait
CALL test.orchestrator('adds', $$
DECLARE
    total int := 0;
BEGIN
    FOR i IN 1..200 LOOP
        total := total * 7 % 1000003 + df_wait_event('n')::int;
    END LOOP;
    RETURN to_jsonb(total);
END $$);
SELECT df_start('adds', NULL, 'adds');
SELECT count(*) FROM generate_series(1, 200) AS i, df_raise_event('adds', 'N', to_jsonb(i));
CALL test.run();
WITH RECURSIVE r AS (SELECT 0 AS i, 0 AS total UNION ALL SELECT i + 1, total * 7 % 1000003 + i + 1 FROM r WHERE i < 200)
SELECT status, output::text::int = (SELECT total FROM r WHERE i = 200) AS in_order FROM test.instance('adds');

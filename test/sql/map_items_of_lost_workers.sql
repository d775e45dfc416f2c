-- A worker dies in the middle of a chunk: only items without an outcome are done again, and one that ends every worker is a dead letter alone.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('large', $$
DECLARE
    items df_task;
BEGIN
    SELECT df_map_agg('hold', to_jsonb(g) ORDER BY g) INTO items FROM generate_series(1, 640) g;
    RETURN (SELECT jsonb_build_object('count', count(*), 'sum', sum(result::int)) FROM df_map_results(items));
END $$);
CREATE PROCEDURE lose(worker text) LANGUAGE sql AS $$
    UPDATE df.worker_sessions SET lease_until = now() - interval '1 s', absent_since = now() - interval '1 hour' WHERE name = worker;
    DELETE FROM test.claimed c WHERE c.worker = lose.worker;
    UPDATE test.workers w SET worker_key = NULL WHERE w.name = worker;
$$;
\set QUIET off
\set ECHO all
SELECT df_start('large', NULL, 'large');
CALL test.run(room => 0);
SELECT count(*), min(bit_count(open_items::bit(64))), max(bit_count(open_items::bit(64))) FROM df.tasks;
-- it takes two chunks and a half, finishes some and starts one more
SELECT test.attach('first') > 0, test.attach('second') > 0;
SELECT count(*) FROM test.work('first', room => 25) WHERE what = 'T';
SELECT state, count(*), sum(bit_count(open_items::bit(64))) FROM df.tasks GROUP BY state ORDER BY state;
UPDATE test.claimed SET outcome = 'c', payload = input WHERE input::int <= 7;
UPDATE test.claimed SET outcome = 's' WHERE input = '8';
SELECT what FROM test.work('first', room => 0) WHERE what <> 'S';
SELECT tasks FROM test.instance('large');
CALL lose('first');
SELECT taken FROM df.sweep(test.attach('second'));
SELECT state, count(*), sum(bit_count(open_items::bit(64))) FROM df.tasks GROUP BY state ORDER BY state;
SELECT count(*) FROM test.work('second', room => 1000) WHERE what = 'T';
SELECT attempt, count(*), min(input::int), max(input::int) FROM test.claimed GROUP BY attempt ORDER BY attempt;
-- all but one are answered; that one ends its worker again and again
UPDATE test.claimed SET outcome = 'c', payload = input WHERE input <> '10';
SELECT what FROM test.work('second', room => 0) WHERE what <> 'S';
SELECT tasks FROM test.instance('large');
SELECT deliveries, bit_count(open_items::bit(64)) FROM df.tasks;
CALL lose('second');
\o /dev/null
SELECT taken FROM df.sweep(test.attach('w3'));
SELECT count(*) FROM test.work('w3') WHERE what = 'T';
CALL lose('w3');
SELECT taken FROM df.sweep(test.attach('w4'));
SELECT count(*) FROM test.work('w4') WHERE what = 'T';
CALL lose('w4');
SELECT taken FROM df.sweep(test.attach('w5'));
SELECT count(*) FROM test.work('w5') WHERE what = 'T';
CALL lose('w5');
SELECT taken FROM df.sweep(test.attach('w6'));
\o
SELECT task_id, item, name, deliveries FROM df.dead_letters;
SELECT state FROM df.tasks;
SELECT tasks FROM test.instance('large');
SELECT finding, task_id FROM df.doctor() WHERE severity = 'violation';

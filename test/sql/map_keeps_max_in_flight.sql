-- max_in_flight: so many items are out at a time, whoever claims, and the next one follows each that ends.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('narrow', $$
BEGIN
    RETURN df_call_map('hold', (SELECT jsonb_agg(g ORDER BY g) FROM generate_series(1, 7) g), max_in_flight => 2);
END $$);
CALL test.orchestrator('wide', $$
DECLARE
    task df_task;
BEGIN
    SELECT df_map_agg('echo', to_jsonb(g), 130, NULL, NULL, NULL ORDER BY g) INTO task FROM generate_series(1, 5000) g;
    RETURN (SELECT to_jsonb(sum(result::bigint)) FROM df_map_results(task));
END $$);
CREATE FUNCTION in_flight() RETURNS bigint LANGUAGE sql AS $$ SELECT sum(bit_count(open_items::bit(64))) FROM df.tasks $$;
\set QUIET off
\set ECHO all
SELECT df_start('narrow', NULL, 'narrow');
CALL test.run();
SELECT input FROM test.claimed ORDER BY n;
-- another worker finds nothing
SELECT what, input FROM test.work('other') WHERE what = 'T';
CALL test.answer_item('narrow', 1, 2, 'c', '20');
CALL test.run();
SELECT input FROM test.claimed ORDER BY n;
-- a failed item is no longer in flight; one that waits for its next attempt would be
CALL test.answer_item('narrow', 1, 1, 'c', '10');
CALL test.answer_item('narrow', 1, 3, 'c', '30');
CALL test.run();
SELECT input FROM test.claimed ORDER BY n;
SELECT tasks FROM test.instance('narrow');
SELECT kind, name, served, progress FROM df_waits('narrow');
CALL test.answer_item('narrow', 1, 4, 'c', '40');
CALL test.answer_item('narrow', 1, 5, 'c', '50');
CALL test.run();
CALL test.answer_item('narrow', 1, 6, 'c', '60');
CALL test.answer_item('narrow', 1, 7, 'c', '70');
CALL test.run();
SELECT status, output FROM test.instance('narrow');

SELECT df_start('wide', NULL, 'wide');
CALL test.run(room => 0);
SELECT in_flight();
SELECT count(*) FROM test.work(room => 500) WHERE what = 'T';
SELECT in_flight();
CALL test.run();
SELECT status, tasks, output FROM test.instance('wide');

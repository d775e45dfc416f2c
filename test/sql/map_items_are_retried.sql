-- Retries of a map are of its items: only what failed is tried again, and with max_attempts => 1 nothing is.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CALL test.orchestrator('stubborn', $$
BEGIN
    RETURN (SELECT jsonb_agg(coalesce(result, failure -> 'errorMessage') ORDER BY n)
            FROM df_map_results(df_map('hold', '["a", "b", "c"]', retry => df_retry(max_attempts => 3, first_delay => '1 hour', max_delay => '1 hour'), timeout => '5 s')));
END $$);
CALL test.orchestrator('once', $$
BEGIN
    RETURN (SELECT jsonb_agg(coalesce(result, failure -> 'errorType') ORDER BY n)
            FROM df_map_results(df_map('hold', '["a", "b", "c"]', retry => df_retry(max_attempts => 1))));
END $$);
\set QUIET off
\set ECHO all
SELECT df_start('stubborn', NULL, 'stubborn');
CALL test.run();
SELECT what, name, attempt, input, timeout_ms, split_part(idempotency_key, '-', 6) || '-' || split_part(idempotency_key, '-', 7) || '-' || split_part(idempotency_key, '-', 8) AS key FROM test.claimed ORDER BY input;
CALL test.answer_item('stubborn', 1, 1, 'c', '"A"');
CALL test.answer_item('stubborn', 1, 2, 'f', '{"message": "once"}');
CALL test.answer_item('stubborn', 1, 3, 'f', '{"message": "never", "final": true}');
CALL test.run();
SELECT tasks FROM test.instance('stubborn');
SELECT state, attempts, first_item, open_items, visible_at > now() + interval '50 minutes' AS later FROM df.tasks;
UPDATE df.tasks SET visible_at = now() WHERE state = 2;
CALL test.run();
SELECT attempt, input FROM test.claimed;
CALL test.answer_item('stubborn', 1, 2, 'f', '{"message": "twice"}');
CALL test.run();
UPDATE df.tasks SET visible_at = now() WHERE state = 2;
CALL test.run();
SELECT attempt, input FROM test.claimed;
CALL test.answer_item('stubborn', 1, 2, 'f', '{"message": "thrice"}');
CALL test.run();
SELECT status, tasks, output FROM test.instance('stubborn');

-- once: the claim is the attempt; what is given back unstarted was none; a worker that is lost has used it up
SELECT df_start('once', NULL, 'once');
CALL test.run();
SELECT attempts, at_most_once FROM df.tasks;
CALL test.answer_item('once', 1, 2, 'r');
CALL test.answer_item('once', 1, 3, 'f', '{"type": "Broken"}');
CALL test.run();
SELECT attempt, input FROM test.claimed WHERE input = '"b"';
SELECT state, attempts, first_item, open_items FROM df.tasks ORDER BY open_items;
SELECT df.detach(test.attach('w')) AS items_held;
DELETE FROM test.claimed;
UPDATE test.workers SET worker_key = NULL;
CALL test.run();
SELECT status, tasks, output FROM test.instance('once');

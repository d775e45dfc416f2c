-- Items whose activity is a function of this database: effects commit with outcomes, and what is slow goes on alone.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE TABLE effects (n int, at xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION note(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO effects (n) VALUES (note.n);
    IF note.n % 10 = 7 THEN
        RAISE 'seven';
    END IF;
    RETURN -note.n;
END $$;
CREATE FUNCTION crawl(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO effects (n) VALUES (crawl.n);
    PERFORM pg_sleep(CASE WHEN crawl.n = 2 THEN 0.2 ELSE 0 END);
    RETURN crawl.n;
END $$;
SELECT df_register_activity('note', 'note(int)'), df_register_activity('crawl', 'crawl(int)');
CALL test.orchestrator('notes', $$
DECLARE
    task df_task;
BEGIN
    SELECT df_map_agg('note', to_jsonb(g) ORDER BY g) INTO task FROM generate_series(1, input::int) g;
    RETURN (SELECT jsonb_build_object('done', count(result), 'failed', count(failure), 'sum', sum(result::int),
                'type', min(failure ->> 'errorType'), 'first', min(n) FILTER (WHERE failure IS NOT NULL))
            FROM df_map_results(task));
END $$);
CALL test.orchestrator('crawls', $$BEGIN RETURN df_call_map('crawl', '[1, 2, 3]'); END$$);
\set QUIET off
\set ECHO all
-- two hundred that write: more than one transaction may have subtransactions
SELECT df_start('notes', '200', 'notes');
CALL test.run();
SELECT status, tasks, output FROM test.instance('notes');
SELECT count(*), count(DISTINCT n), count(DISTINCT at) > 1 AS several_transactions FROM effects;

-- the second does not fit into an engine call
SET pgdf.inline_sql_budget = '100ms';
TRUNCATE effects;
SELECT df_start('crawls', NULL, 'crawls');
CALL test.run(room => 0);
SELECT lane, open_items FROM df.tasks WHERE first_item = 2;
CALL test.run();
SELECT status, tasks, output FROM test.instance('crawls');
SELECT n FROM effects ORDER BY n;
RESET pgdf.inline_sql_budget;

-- with a budget of 0, all of them go there
SET pgdf.inline_sql_budget = 0;
TRUNCATE effects;
SELECT df_start('notes', '100', 'slow notes');
CALL test.run(room => 0);
SELECT lane, count(*) FROM df.tasks GROUP BY lane;
CALL test.run();
SELECT status, tasks, output FROM test.instance('slow notes');
SELECT count(*), count(DISTINCT at) FROM effects;
RESET pgdf.inline_sql_budget;

-- one that is stopped while it runs leaves nothing
SELECT df_start('crawls', NULL, 'stopped');
TRUNCATE effects;
SET pgdf.inline_sql_budget = 0;
CALL test.run(room => 0);
SELECT what, input FROM test.work(room => 2) WHERE what = 'Q' ORDER BY input;
SELECT df_terminate('stopped');
CALL test.run(room => 0);
SELECT df.run_sql(test.attach('w'), instance_key, task_id, fence) FROM test.claimed;
SELECT count(*) FROM effects;
-- with a limit, as many run at a time
DELETE FROM test.claimed;
RESET pgdf.inline_sql_budget;
SELECT df_limit('note', max_running => 3);
SELECT df_start('notes', '6', 'limited');
CALL test.run(room => 0);
SELECT lane, count(*) FROM df.tasks GROUP BY lane;
SELECT what, input FROM test.work(room => 100) WHERE what = 'Q' ORDER BY input;
SELECT what, input FROM test.work(room => 100) WHERE what = 'Q' ORDER BY input;
CALL test.run();
SELECT status, tasks, output FROM test.instance('limited');
SELECT df_limit('note');
-- another kind of activity takes the name over
SELECT df_start('notes', '3', 'moved');
SET pgdf.inline_sql_budget = 0;
CALL test.run(room => 0);
SELECT df_register_activity('note', kind => 'worker');
CALL test.run(room => 0);
CALL test.run(10);
SELECT lane, count(*) FROM df.tasks GROUP BY lane;

-- Control of many instances in one statement, joined to the user's own table; in the select list each row is asked once.

CREATE TABLE orders (id text PRIMARY KEY, paid boolean, note text);
INSERT INTO orders SELECT 'order ' || n, n % 2 = 0, 'why ' || n FROM generate_series(1, 6) n;
CALL test.orchestrator('order', $$
BEGIN
    IF df_text(df_wait_event('go')) = 'fail' THEN
        PERFORM df_fail('Told', 'to fail');
    END IF;
    RETURN df_call_activity('echo', input);
END $$);
CREATE VIEW states AS SELECT instance_id, runtime_status FROM df.instances ORDER BY 1;
SELECT count(df_start('order', to_jsonb(note), id)) FROM orders;
CALL test.run();

-- those that are not paid stand still, with a reason each
SELECT count(*) FILTER (WHERE df_suspend(id, note)) FROM orders WHERE NOT paid;
CALL test.run();
TABLE states;
SELECT payload FROM df_history('order 3') WHERE event_type = 'ExecutionSuspended';
SELECT count(*) FILTER (WHERE df_suspend(i.instance_id)) AS suspended, count(*) AS asked FROM df.instances i JOIN orders o ON o.id = i.instance_id;
SELECT count(*) FILTER (WHERE df_resume(id)) FROM orders;
CALL test.run();

-- events, rewind, restart
SELECT count(*) FILTER (WHERE df_raise_event(id, 'go', CASE WHEN paid THEN '"on"' ELSE '"fail"' END::jsonb)) FROM orders;
CALL test.run();
TABLE states;
SELECT count(*) FILTER (WHERE df_rewind(id)) FROM orders;
CALL test.run();
TABLE states;
SELECT bool_and(df_restart(id, id) = id) FROM orders;
CALL test.run();
TABLE states;

-- in the user's transaction, or not at all
BEGIN;
DELETE FROM orders WHERE id = 'order 1' RETURNING df_terminate(id, note);
ROLLBACK;
CALL test.run();
SELECT runtime_status FROM df_status('order 1');
WITH gone AS (DELETE FROM orders WHERE NOT paid RETURNING id, note)
SELECT count(*) FILTER (WHERE df_terminate(id, note)) FROM gone;
CALL test.run();
TABLE states;
SELECT sum(df_purge(instance_id)) FROM df.instances WHERE runtime_status = 'Terminated';
TABLE states;
-- one of them is live: an error, and all is as it was
SELECT sum(df_purge(id)) FROM orders;
TABLE states;

-- A SQL activity with a limit does not run inside engine calls: it has a lane of its own, and no more of it run at once than the limit says.

CREATE TABLE ran (n int, pid int DEFAULT pg_backend_pid());
CREATE FUNCTION notes(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ran VALUES (n); RETURN n; END $$;
SELECT df_register_activity('Notes', 'notes');
CALL test.orchestrator('many', $$
BEGIN
    RETURN to_jsonb(df_when_all(ARRAY(SELECT df_activity('notes', to_jsonb(i)) FROM generate_series(1, input::int) i)));
END $$);
CREATE FUNCTION claims(room int DEFAULT 100) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(what::text || ' ' || name, ', ' ORDER BY task_id), 'none') FROM test.work('w', room) WHERE what IN ('T', 'Q')
$$;
/* what the slow pool does with what it holds */
CREATE FUNCTION run_one() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    task test.claimed;
BEGIN
    DELETE FROM test.claimed WHERE n = (SELECT min(n) FROM test.claimed) RETURNING * INTO task;
    RETURN df.run_sql(test.attach(), task.instance_key, task.task_id, task.fence);
END $$;

-- without a limit they run with the turn
SELECT df_start('many', '2', 'a');
CALL test.run();
SELECT output FROM df_status('a');

-- with one, they are claimed
SELECT df_limit('notes', 2);
SELECT df_start('many', '4', 'b');
SELECT claims(0);
SELECT lane, count(*) FROM df.tasks GROUP BY 1;
SELECT claims();
SELECT claims();
SELECT served FROM df_waits('b');
SELECT run_one();
SELECT claims();
CALL test.run();
SELECT output FROM df_status('b');
SELECT count(*) FROM ran;

-- a limit that comes later takes those that wait in the lanes of all SQL activities
SET pgdf.inline_sql_budget = 0;
SELECT df_limit('notes');
DELETE FROM df.limits;
ALTER TABLE df.limits SET (autovacuum_enabled = off);    -- sends an invalidation
SELECT df_start('many', '3', 'c');
SELECT claims(0);
SELECT lane, count(*) FROM df.tasks GROUP BY 1;
SELECT df_limit('notes', 1);
SELECT claims(), claims();
SELECT lane, count(*) FROM df.tasks GROUP BY 1;
CALL test.run();
SELECT output FROM df_status('c');

-- what has waited in its lane when the limit is taken away runs too
SELECT df_limit('notes', 0);
SELECT df_start('many', '3', 'd');
CALL test.run();
SELECT runtime_status FROM df_status('d');
SELECT df_limit('notes');
CALL test.run();
SELECT output FROM df_status('d');

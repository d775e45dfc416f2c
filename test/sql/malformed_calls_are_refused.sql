-- df.work refuses what makes no sense, as a whole and with a clean error.

SELECT FROM test.attach();
CREATE FUNCTION try(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE 'SELECT FROM ' || replace(call, 'KEY', (SELECT worker_key FROM test.workers)::text);
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(hint, ''));
END $$;
SELECT n, regexp_replace(try(format('df.work(%s)', args)), '\d{10,}', 'N') AS answer FROM (VALUES
    (1, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{}', '{}', '{}', '', '{}'$$),
    (2, $$KEY, '{}', '{}', 0, 0, 'idle', '{}', '{}', '{}', '', '{}'$$),
    (3, $$KEY, '{default}', '{echo}', -5, -5, 'scan', '{}', '{}', '{}', '', '{}'$$),
    (4, $$999999999999, '{default}', '{echo}', 1, 1, 'work', '{}', '{}', '{}', '', '{}'$$),
    (5, $$KEY, '{default}', '{echo}', 1, 1, 'sleep', '{}', '{}', '{}', '', '{}'$$),
    (6, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{1}', '{}', '{}', '', '{}'$$),
    (7, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{1}', '{1}', '{1}', 'cc', '{null}'$$),
    (8, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{1}', '{1}', '{1}', 'c', '{}'$$),
    (9, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{null}', '{1}', '{1}', 'c', '{null}'$$),
    (10, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{1}', '{1}', '{1}', 'x', '{null}'$$),
    (11, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{1}', '{1}', '{1}', 'ü', '{null}'$$),
    (12, $$KEY, '{default,null}', '{echo}', 1, 1, 'work', '{}', '{}', '{}', '', '{}'$$),
    (13, $$KEY, '{default}', '{null}', 1, 1, 'work', '{}', '{}', '{}', '', '{}'$$),
    (14, $$KEY, NULL, '{echo}', 1, 1, 'work', '{}', '{}', '{}', '', '{}'$$),
    (15, $$KEY, '{default}', '{echo}', 1, 1, NULL, '{}', '{}', '{}', '', '{}'$$),
    (16, $$KEY, '{default}', '{echo}', 1, 1, 'work', '{{1,2}}', '{{1,2}}', '{{1,2}}', 'cc', '{a,b}'$$),
    (17, $$KEY, '{{default}}', '{{*sql,*slow}}', 1, 1, 'scan', '{}', '{}', '{}', '', '{}'$$)
) AS calls (n, args) ORDER BY n;

-- isolation: a snapshot that stands still would miss what it is told of
\set SHOW_CONTEXT never
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT FROM test.work();
ROLLBACK;
SELECT FROM test.work();

-- the session and its functions
SELECT try($$df.attach(NULL, 'x', '{}', '{}', 1)$$), try($$df.attach(gen_random_uuid(), 'x', NULL, '{}', 1)$$);
SELECT * FROM df.sweep(999999);
SELECT df.detach(999999), df.run_sql(1, 1, 1, 1);

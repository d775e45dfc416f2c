/* df_task behaves as a value: printed, read, compared, sorted, hashed, kept in arrays and tables. */
SET ROLE regress_other;
SELECT 'task:00000000000000ff'::df_task, 'task:FFFFFFFFFFFFFFFF'::df_task;
SELECT 'task:ff'::df_task;
SELECT 'task:00000000000000fg'::df_task;
SELECT 'task:00000000000000ff0'::df_task;
SELECT '255'::df_task;
\echo :LAST_ERROR_SQLSTATE

CREATE TEMP TABLE t (task df_task PRIMARY KEY);
INSERT INTO t VALUES ('task:0000000000000002'), ('task:0000000000000001'), ('task:0000000000000003');
INSERT INTO t VALUES ('task:0000000000000001');
SELECT array_agg(task ORDER BY task DESC) FROM t;
SELECT count(DISTINCT task) FROM (SELECT task FROM t UNION ALL SELECT task FROM t) AS twice;
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM t AS a JOIN t AS b USING (task);
SELECT a, b, a = b AS eq, a <> b AS ne, a < b AS lt, a >= b AS ge
FROM (VALUES ('task:0000000000000001'::df_task, 'task:0000000000000002'::df_task)) AS v(a, b);

DO $$
DECLARE
    tasks df_task[] := '{}';
BEGIN
    tasks := tasks || 'task:0000000000000007'::df_task;
    RAISE NOTICE '% %', tasks, tasks[1] = 'task:0000000000000007';
END
$$;

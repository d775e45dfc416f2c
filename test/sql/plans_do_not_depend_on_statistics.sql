-- Plans made when the queue was empty read no more rows when it is full: each call touches what it works on.
CREATE FUNCTION fan_out(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN cardinality(df_when_all(ARRAY(SELECT df_activity('echo', to_jsonb(i)) FROM generate_series(1, n) AS i)));
END $$;
SELECT df_register_orchestrator('fan_out');

ALTER TABLE df.tasks SET (autovacuum_enabled = off);
ALTER TABLE df.instance_state SET (autovacuum_enabled = off);
ALTER TABLE df.history SET (autovacuum_enabled = off);

-- every plan of this session is made anew, with statistics of tables that have many pages and no rows
SELECT df_start('fan_out', '3000', 'first');
CALL test.run();
SELECT df_terminate('first') AS "is still live", df_purge('first') AS purged;
VACUUM (ANALYZE, TRUNCATE off) df.tasks, df.instance_state, df.history, df.inbox, df.timers;
SELECT df_start('fan_out', '1', 'small');
CALL test.run();
SELECT output FROM df_status('small');

SELECT df_start('fan_out', '3000', 'large');
CALL test.run(room => 0);
SELECT test.attach() AS worker \gset

-- rows and index entries of a table that this session has read, as far as it has not yet been reported
CREATE FUNCTION rows_read(table_name regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_tuples_returned(table_name) + pg_stat_get_xact_tuples_fetched(table_name)
        + (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index WHERE indrelid = table_name)
$$;

-- claim 100 of 3,000
BEGIN;
SELECT rows_read('df.tasks') AS tasks, rows_read('df.history') AS history, rows_read('df.instance_state') AS instances \gset
SELECT count(*) FILTER (WHERE what = 'T') AS claimed
FROM df.work(:worker, '{default}', '{echo}', 100, 60, 'work', '{}', '{}', '{}', '', '{}');
SELECT rows_read('df.tasks') - :tasks < 1000 AS "few tasks", rows_read('df.history') - :history < 1000 AS "few events",
    rows_read('df.instance_state') - :instances < 1000 AS "few instances";
COMMIT;

-- record them
SELECT array_agg(instance_key ORDER BY task_id) AS keys, array_agg(task_id ORDER BY task_id) AS ids,
    array_agg(fence ORDER BY task_id) AS fences, repeat('c', count(*)::int) AS outcomes,
    array_agg('1'::text ORDER BY task_id) AS results
FROM df.tasks WHERE state = 1 \gset
BEGIN;
SELECT rows_read('df.tasks') AS tasks, rows_read('df.history') AS history, rows_read('df.instance_state') AS instances \gset
SELECT input::json ->> 'recorded' AS recorded
FROM df.work(:worker, '{default}', '{echo}', 0, 60, 'work', :'keys', :'ids', :'fences', :'outcomes', :'results')
WHERE what = 'S';
SELECT rows_read('df.tasks') - :tasks < 1000 AS "few tasks", rows_read('df.history') - :history < 1000 AS "few events",
    rows_read('df.instance_state') - :instances < 1000 AS "few instances";
COMMIT;
SELECT tasks_completed, tasks_total FROM df_status('large');

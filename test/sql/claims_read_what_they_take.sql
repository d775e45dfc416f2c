-- A claim reads the rows that it takes, and no more of the lane, also when the queue was empty at its last vacuum.

CALL test.orchestrator('many', $$ BEGIN RETURN to_jsonb(array_length(df_when_all(ARRAY(
    SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, 2000) i)), 1)); END $$);
CREATE FUNCTION rows_read() RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(sum(seq_tup_read), 0) + coalesce(sum(idx_tup_fetch), 0) FROM pg_stat_xact_user_tables WHERE relid = 'df.tasks'::regclass $$;

-- statistics of a full queue, and the size of an empty one
SELECT df_start('many', NULL, 'first');
CALL test.run(room => 0);
ANALYZE df.tasks;
SELECT df_terminate('first');
CALL test.run(room => 0);
VACUUM (TRUNCATE false) df.tasks;
SELECT reltuples, relpages > 0 AS pages FROM pg_class WHERE oid = 'df.tasks'::regclass;

SELECT df_start('many', NULL, 'second');
CALL test.run(room => 0);
SELECT state, count(*) FROM df.tasks GROUP BY 1;
BEGIN;
SELECT rows_read() AS before \gset
SELECT count(*) FROM test.work(room => 5, mode => 'scan') WHERE what = 'T';
SELECT rows_read() - :before < 100 AS few;
COMMIT;
BEGIN;
SELECT rows_read() AS before \gset
SELECT count(*) FROM test.work(room => 5) WHERE what = 'T';
SELECT rows_read() - :before < 100 AS few;
COMMIT;

/* df_status has one row for an instance, none for an unknown id; df.instances has the same columns and more. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('F', 'f');
SELECT df_start('f', '{"a": 1}', 'one');

SELECT instance_id, name, runtime_status, input, custom_status, output, created_time = last_updated_time AS fresh,
    completed_time, failure_details, tasks_completed, tasks_total, blocked_reason
FROM df_status('one');
SELECT count(*) FROM df_status('unknown');
SELECT count(*) FROM df_status('');
SELECT count(*) FROM df_status(NULL);

-- every status has a name
SELECT n, df.status_name(n::smallint) FROM generate_series(0, 7) AS n;
SELECT df.status_name(8::smallint);

-- a failed one
RESET ROLE;
UPDATE df.instance_state SET status = 3, completed_at = now(), custom_status = '{"step": 2}',
    failure = '{"errorType": "P0001", "errorMessage": "no"}', tasks_total = 3, tasks_completed = 2
WHERE instance_id = 'one';
SET ROLE regress_user;
SELECT runtime_status, custom_status, completed_time IS NOT NULL AS has_ended, failure_details, tasks_completed, tasks_total
FROM df_status('one');

-- the view begins with the columns of df_status
SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'df.instances'::regclass;
SELECT string_agg(name, ' ' ORDER BY n)
FROM pg_proc, unnest(proargnames[2:]) WITH ORDINALITY AS a(name, n) WHERE oid = 'df_status(text)'::regprocedure;
SELECT w.proargnames[3:] = s.proargnames[2:] AS wait_has_the_same
FROM pg_proc s, pg_proc w
WHERE s.oid = 'df_status(text)'::regprocedure AND w.oid = 'df_wait(text, interval)'::regprocedure;

-- what it is now, also where the transaction's snapshot is older
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM pg_class WHERE false;
SELECT df_start('f', instance_id => 'two');
SELECT runtime_status FROM df_status('two');
COMMIT;

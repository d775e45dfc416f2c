/* df_result: the output, or the failure as an error that an orchestrator's handlers know. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f', instance_id => id) FROM unnest('{completed,void,failed,terminated,terminated without a reason,live}'::text[]) AS id;
RESET ROLE;
UPDATE df.instance_state SET status = 1, output = '{"b": 1,  "a": 2}' WHERE instance_id = 'completed';
UPDATE df.instance_state SET status = 1 WHERE instance_id = 'void';
UPDATE df.instance_state SET status = 3, failure = '{"errorType": "OutOfStock", "errorMessage": "no more chairs", "isNonRetriable": true}'
WHERE instance_id = 'failed';
UPDATE df.instance_state SET status = 5, output = '"enough"' WHERE instance_id = 'terminated';
UPDATE df.instance_state SET status = 5 WHERE instance_id = 'terminated without a reason';
SET ROLE regress_user;

SELECT df_result('completed');
SELECT df_result('void') AS json_null;
SELECT df_result('failed');
\echo :LAST_ERROR_SQLSTATE
SELECT df_result('terminated');
\echo :LAST_ERROR_SQLSTATE
SELECT df_result('terminated without a reason');
SELECT df_result('live', '10 ms');
\echo :LAST_ERROR_SQLSTATE
SELECT df_result('unknown');
\echo :LAST_ERROR_SQLSTATE
SELECT df_result(NULL);

-- the class is caught as one
DO $$
DECLARE
    details text;
BEGIN
    PERFORM df_result('failed');
EXCEPTION WHEN SQLSTATE 'DF000' THEN
    GET STACKED DIAGNOSTICS details = PG_EXCEPTION_DETAIL;
    RAISE NOTICE 'caught %', details::jsonb ->> 'errorType';
END
$$;

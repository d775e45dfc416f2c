-- A failed activity is an error of class DF in the orchestrator: caught, it is where compensation goes; uncaught,
-- the instance fails with the activity's own error type.

CALL test.orchestrator('saga', $$
DECLARE
    done text[] := '{}';
    why jsonb;
BEGIN
    PERFORM df_call_activity('echo', '"reserve"');
    done := done || 'reserve'::text;
    PERFORM df_call_activity('fail', '{"type": "CardRefused", "message": "no money", "properties": {"code": 51}}');
    RETURN '"booked"';
EXCEPTION
    WHEN SQLSTATE 'DF001' THEN
        why := df_failure();
        FOR i IN REVERSE cardinality(done)..1 LOOP
            PERFORM df_call_activity('echo', to_jsonb('undo ' || done[i]));
        END LOOP;
        RETURN jsonb_build_object('undone', done, 'message', SQLERRM, 'state', SQLSTATE, 'why', why);
END $$);
SELECT df_start('saga', NULL, 's');
CALL test.run();
SELECT status, turns, tasks FROM test.instance('s');
SELECT jsonb_pretty(output) FROM df_status('s');
SELECT test.history('s');

-- the class, OTHERS, and a condition that does not match
CALL test.orchestrator('by_class', $$ BEGIN RETURN df_call_activity('fail', '{}');
    EXCEPTION WHEN SQLSTATE 'DF000' THEN RETURN '"class"'; END $$);
CALL test.orchestrator('by_others', $$ BEGIN RETURN df_call_activity('fail', '{}');
    EXCEPTION WHEN OTHERS THEN RETURN '"others"'; END $$);
CALL test.orchestrator('by_another', $$ BEGIN RETURN df_call_activity('fail', '{}');
    EXCEPTION WHEN SQLSTATE 'DF003' OR division_by_zero THEN RETURN '"another"'; END $$);
CALL test.orchestrator('by_timeout', $$ BEGIN RETURN df_call_activity('fail', '{"type": "Timeout"}');
    EXCEPTION WHEN SQLSTATE 'DF003' THEN RETURN '"timed out"'; END $$);
CALL test.orchestrator('by_cancel', $$ BEGIN RETURN df_call_activity('fail', '{"type": "Canceled"}');
    EXCEPTION WHEN SQLSTATE 'DF004' THEN RETURN '"canceled"'; END $$);
CALL test.orchestrator('another_error', $$ BEGIN RETURN df_call_activity('fail', '{}');
    EXCEPTION WHEN OTHERS THEN RAISE 'could not book: %', SQLERRM USING ERRCODE = 'U0002'; END $$);
CALL test.orchestrator('none_yet', $$ BEGIN RETURN jsonb_build_object('is null', df_failure() IS NULL); END $$);
SELECT df_start(name, NULL, name) FROM df.orchestrators
WHERE name ~ '^(by|another|none)' ORDER BY 1;
CALL test.run();
SELECT instance_id, i.status, i.output, i.error_type, i.error FROM df.instances, test.instance(instance_id) i WHERE instance_id <> 's' ORDER BY 1;

-- uncaught: its own type, and the activity's failure within
SELECT jsonb_pretty(failure_details) FROM df_status('by_another');

-- a scheduled action in a block that failed stays scheduled
CALL test.orchestrator('scheduled', $$
DECLARE
    t df_task;
BEGIN
    BEGIN
        t := df_activity('echo', '"kept"');
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        NULL;
    END;
    RETURN df_await(t);
END $$);
SELECT df_start('scheduled', NULL, 'scheduled');
CALL test.run();
SELECT status, output, tasks FROM test.instance('scheduled');

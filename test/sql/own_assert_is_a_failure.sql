-- An orchestrator's own failing ASSERT has the SQLSTATE of a suspension, and is a failure all the same.

CALL test.orchestrator('asserts', $$
BEGIN
    PERFORM df_call_activity('echo', '1');
    ASSERT input = '1', 'input is not one';
    RETURN input;
END $$);
SELECT df_start('asserts', '1', 'holds'), df_start('asserts', '2', 'fails');
CALL test.run();
SELECT id, i.status, i.output, i.error_type, i.error, i.turns FROM unnest('{holds,fails}'::text[]) AS id, test.instance(id) i;

-- one that is caught, too
CALL test.orchestrator('catches', $$
BEGIN
    BEGIN
        ASSERT false, 'no';
    EXCEPTION WHEN assert_failure THEN
        PERFORM df_call_activity('echo', '1');
    END;
    RETURN '"went on"';
END $$);
SELECT df_start('catches', NULL, 'catches');
CALL test.run();
SELECT status, output, turns FROM test.instance('catches');

-- an ASSERT in a SQL activity
CREATE FUNCTION asserting_activity() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ASSERT 1 = 2, 'never equal'; END $$;
SELECT df_register_activity('asserting_activity');
CALL test.orchestrator('calls', $$ BEGIN RETURN df_call_activity('asserting_activity'); END $$);
SELECT df_start('calls', NULL, 'calls');
CALL test.run();
SELECT status, error_type, error FROM test.instance('calls');

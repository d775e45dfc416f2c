-- Arrays of tasks: empty, NULL, with a NULL in it, with one task twice; df_when_any of nothing; foreign handles.

CALL test.orchestrator('odd', $$
DECLARE
    a df_task := df_activity('echo', '1');
    result jsonb := '{}';
BEGIN
    result := result || jsonb_build_object('empty', df_when_all('{}'::df_task[]), 'null', df_when_all(NULL::df_task[]),
        'empty all', df_await(df_all('{}')), 'twice', df_when_all(a, a),
        'settled of nothing', (SELECT count(*) FROM df_when_all_settled('{}')));
    BEGIN
        PERFORM df_when_all(ARRAY[a, NULL]);
    EXCEPTION WHEN null_value_not_allowed THEN
        result := result || jsonb_build_object('with null', SQLERRM);
    END;
    BEGIN
        PERFORM df_when_all(a, NULL);
    EXCEPTION WHEN null_value_not_allowed THEN
        result := result || jsonb_build_object('null task', SQLERRM);
    END;
    BEGIN
        PERFORM df_when_any('{}'::df_task[]);
    EXCEPTION WHEN invalid_parameter_value THEN
        result := result || jsonb_build_object('any of nothing', SQLERRM);
    END;
    BEGIN
        PERFORM df_any('{}');
    EXCEPTION WHEN invalid_parameter_value THEN
        result := result || jsonb_build_object('df_any of nothing', SQLERRM);
    END;
    RETURN result || jsonb_build_object('two dimensions', df_when_all(ARRAY[[a, a], [a, a]]),
        'null await', df_await(NULL));
END $$);
SELECT df_start('odd', NULL, 'odd');
CALL test.run();
SELECT status, error FROM test.instance('odd');
SELECT jsonb_pretty(output) FROM df_status('odd');

-- a handle of another execution, one out of range, one that is made up
CREATE TABLE handles (task df_task);
CALL test.orchestrator('foreign_handle', $$ BEGIN RETURN df_await((input #>> '{}')::df_task); END $$);
CALL test.orchestrator('handle', $$
BEGIN
    RETURN to_jsonb(df_activity('echo', '1')::text);
END $$);
SELECT df_start('handle', NULL, 'theirs');
CALL test.run();
SELECT df_start('foreign_handle', output, 'f1'), df_start('foreign_handle', '"task:0000000000000001"', 'f2')
FROM df_status('theirs');
CALL test.run();
SELECT i.status, i.error_type, i.error FROM unnest('{f1,f2}'::text[]) AS id, test.instance(id) i;

-- What df_map and its like refuse, and with which SQLSTATE.
\set ECHO none
\set QUIET on
SET client_min_messages = warning;
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE = 'P0004' THEN
        RAISE;
    END IF;
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, hint);
END $$;
CALL test.orchestrator('misuses', $$
BEGIN
    RETURN (SELECT jsonb_agg(attempt(statement) ORDER BY n) FROM unnest(ARRAY[
        'SELECT df_map(NULL, ''[1]'')',
        'SELECT df_map('''', ''[1]'')',
        'SELECT df_map(''*x'', ''[1]'')',
        'SELECT df_map(''x'', NULL)',
        'SELECT df_map(''x'', ''1'')',
        'SELECT df_map(''x'', ''{"a": [1]}'')',
        'SELECT df_map(''x'', ''[1]'', max_in_flight => 0)',
        'SELECT df_map(''x'', ''[1]'', retry => ''{"max_attempts": 0}'')',
        'SELECT df_map(''x'', ''[1]'', timeout => ''0 s'')',
        'SELECT df_map(''x'', ''[1]'', queue => '''')',
        'SELECT df_map_agg(NULL, to_jsonb(g)) FROM generate_series(1, 2) g',
        'SELECT df_map_agg(CASE g WHEN 1 THEN ''a'' ELSE ''b'' END, to_jsonb(g)) FROM generate_series(1, 2) g',
        'SELECT df_map_agg(''a'', to_jsonb(g)) OVER () FROM generate_series(1, 2) g',
        'SELECT df_map_agg(''a'', to_jsonb(g), -1, NULL, NULL, NULL) FROM generate_series(1, 2) g',
        'SELECT df_map_results(df_timer(''1 s''))',
        'SELECT df_map_results(df_all(''{}''))'
    ]) WITH ORDINALITY AS s(statement, n));
END $$);
CALL test.orchestrator('waits_inside', $$
DECLARE
    items df_task;
BEGIN
    SELECT df_map_agg('echo', df_call_activity('echo', to_jsonb(g))) INTO items FROM generate_series(1, 3) g;
    RETURN df_await(items);
END $$);
CALL test.orchestrator('groups', $$
DECLARE
    tasks df_task[];
BEGIN
    tasks := ARRAY(SELECT df_map_agg('double', to_jsonb(g) ORDER BY g) FROM generate_series(1, 6) g GROUP BY g % 2 ORDER BY g % 2);
    RETURN to_jsonb(df_when_all(tasks || df_map('echo', '[null, {"deep": [1]}, "text", [], {}]')));
END $$);
\set QUIET off
\set ECHO all
SELECT df_map('x', '[]');
SELECT df_call_map('x', '[]');
SELECT df_map_agg('x', '1');
SELECT df_start('misuses', NULL, 'misuses');
CALL test.run();
SELECT statement FROM test.instance('misuses'), json_array_elements_text(output) AS statement;
SELECT df_start('waits_inside', NULL, 'waits');
CALL test.run();
SELECT status, error FROM test.instance('waits');
SELECT df_start('groups', NULL, 'groups');
CALL test.run();
SELECT status, output FROM test.instance('groups');

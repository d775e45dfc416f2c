-- df_heartbeat in a SQL activity is a message to the worker, whatever the settings are; elsewhere it is refused.

\set VERBOSITY terse
CREATE FUNCTION counts(n int) RETURNS int LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
    FOR i IN 1 .. n LOOP
        PERFORM df_heartbeat(to_jsonb(i));
    END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION says(what jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_heartbeat(what);
    RETURN '"said"';
END $$;
CREATE FUNCTION says_much(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_heartbeat(to_jsonb(repeat('x', n)));
    RETURN 'said';
EXCEPTION WHEN program_limit_exceeded THEN
    RETURN 'too much';
END $$;
SELECT df_register_activity('counts');
SELECT df_register_activity('says');
SELECT df_register_activity('says_much');
CALL test.orchestrator('calls', $$ BEGIN RETURN df_call_activity(input ->> 'name', input -> 'input'); END $$);
SET pgdf.inline_sql_budget = '10s';

SELECT df_start('calls', '{"name": "counts", "input": 3}', 'counts');
CALL test.run();
SELECT status, output FROM test.instance('counts');
SELECT df_start('calls', '{"name": "says", "input": {"a":   [1, "é"]}}', 'says');
CALL test.run();
\set VERBOSITY sqlstate
SELECT df_start('calls', '{"name": "says"}', 'null');
CALL test.run();
SELECT status, output FROM test.instance('null');

-- its size: 16384 bytes with the quotes
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT df_start('calls', '{"name": "says_much", "input": 16383}', 'much');
CALL test.run();
SELECT status, output FROM test.instance('much');

-- elsewhere
SELECT df_heartbeat('1');
CALL test.orchestrator('beats', $$ BEGIN PERFORM df_heartbeat('1'); RETURN NULL; END $$);
SELECT df_start('beats', NULL, 'turn');
CALL test.run();
SELECT status, error_type, error FROM test.instance('turn');
SELECT has_function_privilege('regress_other', 'df_heartbeat(jsonb)', 'EXECUTE') AS users,
    has_function_privilege('regress_nobody', 'df_heartbeat(jsonb)', 'EXECUTE') AS others;

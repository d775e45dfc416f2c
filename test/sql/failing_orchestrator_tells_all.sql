-- An orchestrator that raises is Failed, with everything that is known of the error in its failure details.

CREATE TABLE stock (item text PRIMARY KEY, n int CONSTRAINT not_negative CHECK (n >= 0));
CALL test.orchestrator('raises', $$
BEGIN
    PERFORM df_call_activity('echo', '1');
    RAISE SQLSTATE 'U0001' USING MESSAGE = 'no such item', DETAIL = 'It is gone.', HINT = 'Order another.',
        TABLE = 'stock', COLUMN = 'item', CONSTRAINT = 'stock_pkey';
END $$);
SELECT df_start('raises', NULL, 'r');
CALL test.run();
SELECT status, output, turns, tasks FROM test.instance('r');
SELECT jsonb_pretty(failure_details) FROM df_status('r');
SELECT event_type, failure_details = (SELECT failure_details FROM df_status('r')) AS same
FROM df_history('r') ORDER BY event_id DESC LIMIT 1;

-- an error of the server's own
CALL test.orchestrator('divides', $$ BEGIN RETURN to_jsonb(1 / (input::int - 1)); END $$);
SELECT df_start('divides', '1', 'd');
CALL test.run();
SELECT status, error_type, error FROM test.instance('d');

-- df_fail: an error type of one's own
CALL test.orchestrator('df_fails', $$ BEGIN RETURN df_fail('OutOfStock', 'none left', properties => '{"item": "nut"}'); END $$);
SELECT df_start('df_fails', NULL, 'f');
CALL test.run();
SELECT jsonb_pretty(failure_details - 'stackTrace') FROM df_status('f');

-- caught and raised again, it is the same
CALL test.orchestrator('again', $$
BEGIN
    PERFORM df_fail('OutOfStock', 'none left');
EXCEPTION WHEN OTHERS THEN
    PERFORM df_call_activity('echo', '1');
    RAISE;
END $$);
SELECT df_start('again', NULL, 'a');
CALL test.run();
SELECT status, error_type, error, turns FROM test.instance('a');

-- what another function said with df_fail does not stick to an error with the same message
CALL test.orchestrator('same_words', $$ BEGIN RAISE 'none left'; END $$);
SELECT df_start('same_words', NULL, 's');
CALL test.run();
SELECT failure_details - 'stackTrace' AS failure FROM df_status('s');

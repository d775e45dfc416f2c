-- A result that cannot be stored is a failure of type InvalidResult, which is not retried; NULL is JSON null.

CALL test.orchestrator('one', $$ BEGIN RETURN df_call_activity('hold', retry => df_retry(5, '0')); END $$);
SET pgdf.max_payload = '10kB';
CREATE TABLE results (n serial, outcome text, payload text);
INSERT INTO results (outcome, payload) VALUES ('c', NULL), ('c', ''), ('c', '{'), ('c', '1 2'), ('c', 'NaN'), ('c', '"\u0000"'),
    ('c', '"\ud800"'), ('c', '{"a": "\\u0000"}'), ('c', '1e999999'), ('c', repeat('[', 200) || repeat(']', 200)),
    ('c', to_json(repeat('x', 11000))::text), ('c', ' {"b": 1,  "a": 2, "b": 3} ');
SELECT count(df_start('one', NULL, 'i' || n)) FROM results;
CALL test.run();
UPDATE test.claimed c SET outcome = r.outcome, payload = r.payload FROM results r WHERE c.instance_id = 'i' || r.n;
CALL test.run();
SELECT n, left(payload, 30) AS payload, i.status, i.output, i.error_type, i.error FROM results, test.instance('i' || n) i ORDER BY n;
-- between worker and storage every byte is kept
SELECT h.payload::text FROM df.history h JOIN df.instance_state USING (instance_key) WHERE instance_id = 'i12' AND event_type = 5;

-- failures without proper details
TRUNCATE results RESTART IDENTITY;
INSERT INTO results (outcome, payload) VALUES ('f', NULL), ('f', ''), ('f', '{'), ('f', '5'), ('f', '{}'), ('f', '"text"'), ('f', '[1]'),
    ('f', '{"errorType": 5, "errorMessage": {}, "isNonRetriable": "yes", "properties": []}'),
    ('f', '{"errorType": "T", "properties": {"x": 1e999999}}'), ('f', '{"errorType": "T", "errorMessage": "\u0000"}'),
    ('f', '{"errorType": "T", "errorMessage": "m", "isNonRetriable": true, "innerFailure": {"errorType": "I"}}');
CALL test.orchestrator('failing', $$ BEGIN RETURN df_call_activity('hold'); END $$);
SELECT count(df_start('failing', NULL, 'f' || n)) FROM results;
CALL test.run();
UPDATE test.claimed c SET outcome = r.outcome, payload = r.payload FROM results r WHERE c.instance_id = 'f' || r.n;
CALL test.run();
SELECT n, payload, i.status, i.error_type, i.error, failure_details -> 'innerFailure' -> 'isNonRetriable' AS final
FROM results, test.instance('f' || n) i, df_status('f' || n) ORDER BY n;

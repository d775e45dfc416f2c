-- What is asked for after df_rewind reaches the instance when it is live again, though the engine has not looked yet.

CALL test.orchestrator('fails_once', 'BEGIN PERFORM df_call_activity(''hold''); RETURN df_wait_event(''go''); END');
SELECT df_start('fails_once', NULL, i) FROM unnest('{raise,terminate,suspend,http,purge,apart}'::text[]) AS i;
CALL test.run();
UPDATE test.claimed SET outcome = 'f', payload = test.failure('{}')::text;
CALL test.run();
SELECT instance_id, runtime_status FROM df.instances ORDER BY 1;

-- nobody has asked to rewind it
SELECT df_raise_event('raise', 'go', '1', 'once');
SELECT df_terminate('terminate'), df_suspend('suspend');
SELECT code FROM df.api_raise_event(NULL, 'http', 'go', true, 'null');

-- in one transaction, or after another
BEGIN;
SELECT df_rewind('raise');
SELECT df_raise_event('raise', 'go', '1', 'once');
SELECT df_raise_event('raise', 'go', '2', 'once');
COMMIT;
SELECT df_rewind(i) FROM unnest('{terminate,suspend,http,purge}'::text[]) AS i;
SELECT df_terminate('terminate', 'enough'), df_suspend('suspend'), df_resume('suspend'), df_suspend('suspend');
SELECT code FROM df.api_raise_event(NULL, 'http', 'go', true, '"by http"');
SELECT code FROM df.api_control(NULL, 'suspend', 'http');
SELECT code FROM df.api_control(NULL, 'resume', 'http');
SELECT df_purge('purge');
-- rolled back: it stays as it was
BEGIN;
SELECT df_rewind('apart');
ROLLBACK;
SELECT df_raise_event('apart', 'go', '1');

CALL test.run();
SELECT i, s.status, s.output FROM unnest('{raise,terminate,suspend,http,apart}'::text[]) AS i, test.instance(i) s;
UPDATE test.claimed SET outcome = 'c', payload = '"done"';
CALL test.run();
SELECT i, s.status, s.output FROM unnest('{raise,terminate,suspend,http,apart}'::text[]) AS i, test.instance(i) s;
SELECT severity, finding, instance_id, detail FROM df.doctor(true, settle => '0');

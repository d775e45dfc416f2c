-- pgdf.sql_activity_timeout ends an attempt of a slow SQL activity that has no time-out of its own.

CREATE FUNCTION sleeps(seconds float8) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(seconds); RETURN 'slept'; END $$;
SELECT df_register_activity('sleeps', 'sleeps');
SELECT df_register_activity('has one', 'sleeps', timeout => '1 hour');
CALL test.orchestrator('calls', $$ BEGIN RETURN df_call_activity(input ->> 'name', input -> 'for'); END $$);
SHOW pgdf.sql_activity_timeout;
SET pgdf.inline_sql_budget = 0;
SET pgdf.sql_activity_timeout = '50ms';
SELECT df_start('calls', '{"name": "sleeps", "for": 10}', 'a'), df_start('calls', '{"name": "has one", "for": 0.2}', 'b'), df_start('calls', '{"name": "sleeps", "for": 0}', 'c');
SELECT FROM test.work();
SELECT FROM test.work();
SELECT name, min(timeout_ms) FROM test.claimed GROUP BY 1 ORDER BY 1;
CALL test.run();
SELECT id, status, output, error_type, error FROM unnest('{a,b,c}'::text[]) AS id, test.instance(id) ORDER BY id;
SET pgdf.sql_activity_timeout = 0;
SELECT df_start('calls', '{"name": "sleeps", "for": 0.2}', 'd');
CALL test.run();
SELECT status, output FROM test.instance('d');

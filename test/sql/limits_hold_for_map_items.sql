-- df_limit bounds items of a map as it bounds single tasks, and both together; a registered HTTP activity with a limit has a lane of its own.

CALL test.orchestrator('maps', $$
DECLARE
    one df_task := df_activity('hold', '0');
BEGIN
    RETURN to_jsonb(df_when_all(one, df_map('hold', (SELECT jsonb_agg(i) FROM generate_series(1, 10) i))));
END $$);
CREATE FUNCTION claims(room int DEFAULT 100) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM test.work('w', room) WHERE what IN ('T', 'Q')
$$;
SELECT df_limit('hold', 4);
SELECT df_start('maps', NULL, 'a');
SELECT claims(0);
SELECT claims(3);
SELECT claims();
SELECT claims();
UPDATE test.claimed SET outcome = 'c', payload = input;
SELECT claims();
UPDATE test.claimed SET outcome = 'c', payload = input;
SELECT claims();
SELECT df_limit('hold');
UPDATE test.claimed SET outcome = 'c', payload = input;
CALL test.run();
SELECT status, output FROM test.instance('a');

-- HTTP: the limit is that of the registered name, the worker is told to run df_http
SELECT df_register_activity('Bank', kind => 'http', settings => '{"url": "http://127.0.0.1/"}');
SELECT df_register_activity('Shop', kind => 'http', settings => '{"url": "http://127.0.0.1/"}');
CALL test.orchestrator('http', $$ BEGIN RETURN to_jsonb(df_when_all(ARRAY(SELECT df_activity(CASE WHEN i < 4 THEN 'Bank' ELSE 'Shop' END, '{}') FROM generate_series(1, 5) i))); END $$);
UPDATE test.workers SET activities = '{df_http}';
SELECT df_start('http', NULL, 'before');
SELECT claims(0);
SELECT lane, count(*) FROM df.tasks GROUP BY 1 ORDER BY 1;
SELECT df_limit('bank', 1);
SELECT df_start('http', NULL, 'after');
SELECT claims(0);
SELECT lane, count(*) FROM df.tasks GROUP BY 1 ORDER BY 1;
SELECT what, name, count(*) FROM test.work('w', 100) WHERE what IN ('T', 'Q') GROUP BY 1, 2;
SELECT claims();
SELECT lane, state, count(*) FROM df.tasks GROUP BY 1, 2 ORDER BY 1, 2;

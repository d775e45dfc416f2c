-- Of many requests to replace an instance that wait together only the last one is carried out: they are no more work than one.

CALL test.orchestrator('waits', 'BEGIN RETURN jsonb_build_array(input, df_wait_event(''go'')); END');
CALL test.orchestrator('clan', 'BEGIN RETURN df_call_sub_orchestrator(''waits'', ''0'', ''child''); END');
SELECT df_start('waits', '0', 'x'), df_start('waits', '0', 'other'), df_start('clan', NULL, 'clan');
CALL test.run();

-- what comes between two of them is for a run that has no turn, what comes before and after for the old and the new one
SELECT df_raise_event('x', 'early', '1');
SELECT count(df_start('waits', to_jsonb(n), 'x', if_exists => 'replace')) FROM generate_series(1, 500) AS n;
SELECT df_raise_event('x', 'go', '"between"'), df_terminate('x');
SELECT df_start('waits', '501', 'x', if_exists => 'replace');
SELECT df_raise_event('x', 'go', '"after"');
SELECT df_raise_event('other', 'go', '"to the other"');
CALL test.run(calls_max => 2);
SELECT execution, input FROM df.instance_state WHERE instance_id = 'x';
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{x,other}'::text[]) AS id, test.instance(id) i;
SELECT test.history('x');

-- children are spared by whoever has said so before
SELECT df_terminate('clan', recursive => false);
SELECT df_start('waits', '1', 'clan', if_exists => 'replace');
SELECT df_start('waits', '2', 'clan', if_exists => 'replace');
CALL test.run();
SELECT id, i.status FROM unnest('{clan,child}'::text[]) AS id, test.instance(id) i;

-- the last one can no longer be done: the instance says why
SELECT df_start('waits', '3', 'clan', if_exists => 'replace');
SELECT df_start('clan', '4', 'clan', if_exists => 'replace');
SELECT df_unregister('clan');
CALL test.run();
SELECT status, error FROM test.instance('clan');
SELECT severity, finding, instance_id, detail FROM df.doctor(true, settle => '0');

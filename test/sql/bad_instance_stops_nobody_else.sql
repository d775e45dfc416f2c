-- An instance that makes the engine call fail stands still after the third time; the others go on.
CREATE FUNCTION waits_for_go() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_wait_event('go');
END $$;
SELECT df_register_orchestrator('waits_for_go');
SELECT df_start('waits_for_go', NULL, 'bad'), df_start('waits_for_go', NULL, 'good');
CALL test.run();

-- what no code of ours writes
UPDATE df.instance_state SET awaited = '\x00' WHERE instance_id = 'bad';
SELECT df_raise_event('bad', 'go', '1'), df_raise_event('good', 'go', '2');

-- a call that may advance many has no effect, and says so
SELECT test.attach() AS worker \gset
SELECT * FROM df.work(:worker, '{default}', '{echo}', 0, 60, 'work', '{}', '{}', '{}', '', '{}');
SELECT count(*) AS "in the inbox" FROM df.inbox;

-- one instance a call, as a worker does then
SELECT count(*) AS calls FROM generate_series(1, 1) AS call,
    df.work(:worker, '{default}', '{echo}', 0, 1, 'work', '{}', '{}', '{}', '', '{}') WHERE what = 'S';
SELECT count(*) AS calls FROM generate_series(1, 1) AS call,
    df.work(:worker, '{default}', '{echo}', 0, 1, 'work', '{}', '{}', '{}', '', '{}') WHERE what = 'S';
SELECT runtime_status, blocked_reason FROM df_status('bad');
SELECT count(*) AS calls FROM generate_series(1, 1) AS call,
    df.work(:worker, '{default}', '{echo}', 0, 1, 'work', '{}', '{}', '{}', '', '{}') WHERE what = 'S';
SELECT runtime_status, blocked_reason FROM df_status('bad');

-- now calls work again
CALL test.run();
SELECT runtime_status, output FROM df_status('good');

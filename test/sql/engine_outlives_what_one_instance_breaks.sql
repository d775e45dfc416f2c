-- What one instance asks for and cannot get ends that instance, and nobody else's waits for it.

CALL test.orchestrator('sleeps', $$ BEGIN RETURN df_call_activity('hold'); END $$);
CALL test.orchestrator('other', $$ BEGIN RETURN df_call_activity('echo', input); END $$);
ALTER FUNCTION sleeps OWNER TO regress_user;
ALTER FUNCTION other OWNER TO regress_other;

-- a replacement whose orchestrator is gone when its turn comes
SET ROLE regress_user;
SELECT df_register_orchestrator('gone', 'sleeps');
SELECT df_start('gone', instance_id => 'a');
RESET ROLE;
CALL test.run() \gset
BEGIN;
SET LOCAL ROLE regress_user;
SELECT df_start('gone', instance_id => 'a', if_exists => 'replace');
SELECT df_unregister('gone');
COMMIT;
SET ROLE regress_other;
SELECT df_start('other', '1', 'b');
RESET ROLE;
CALL test.run() \gset
SELECT status, output, error_type, error FROM test.instance('a');
SELECT status, output, error_type, error FROM test.instance('b');

-- an error with a message that is no text for people any more
CALL test.orchestrator('shouts', $$ BEGIN RAISE 'a%', repeat(E'\x01', 20 * 1024 * 1024)
    USING DETAIL = repeat('b', 100000), HINT = repeat('ü', 10000); END $$);
ALTER FUNCTION shouts OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('shouts', instance_id => 'c');
SET ROLE regress_other;
SELECT df_start('other', '2', 'd');
RESET ROLE;
CALL test.run() \gset
SELECT t.status, error_type, length(error), length(failure #>> '{properties,detail}') AS detail,
    right(failure #>> '{properties,hint}', 8) AS hint
FROM test.instance('c') t, df.instance_state WHERE instance_id = 'c';
SELECT status, output FROM test.instance('d');

-- an event id that no index takes
CALL test.orchestrator('raises', $$ BEGIN
    PERFORM df_raise_event('e', 'tick', NULL, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1000) i));
    RETURN '1';
END $$);
ALTER FUNCTION raises OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('raises', instance_id => 'e');
SET ROLE regress_other;
SELECT df_start('other', '3', 'f');
RESET ROLE;
CALL test.run() \gset
SELECT status, error_type, error FROM test.instance('e');
SELECT status, output FROM test.instance('f');

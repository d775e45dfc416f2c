-- A backend that has kept the history of an instance does not show it to another: not under the same id after a purge,
-- not with the same number too, as after TRUNCATE, and not after a restart.

SELECT FROM df_grant_registrar('regress_other');
CREATE FUNCTION long(input text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    results jsonb[];
BEGIN
    results := df_when_all(ARRAY(SELECT df_activity('echo', to_jsonb(input || ' ' || i)) FROM generate_series(1, 20) i));
    PERFORM df_call_activity('hold'), df_call_activity('hold');
    RETURN jsonb_build_array(input, results[1], results[20], df_record(to_jsonb(input)));
END $$;
SELECT FROM df_register_orchestrator('long');
SET ROLE regress_user;
SELECT df_start('long', '"secret"', 'same');
RESET ROLE;
CALL test.run();
CALL test.answer('same', 21, 'c', '1');
CALL test.run();
-- a turn of this backend has read a long history
SELECT status, tasks FROM test.instance('same');
SELECT count(*) > 32 AS is_long FROM df_history('same');
SELECT instance_key AS key, run_id FROM df.instance_state WHERE instance_id = 'same' \gset
SELECT df_terminate('same');
CALL test.run();
SET ROLE regress_user;
SELECT df_purge('same');
RESET ROLE;

-- the id, the number of the instance, and as many events when it is read first: only the run differs
SELECT setval('df.instance_key_seq', :key, false) IS NOT NULL AS is_set;
SET ROLE regress_other;
SELECT df_start('long', '"other"', 'same');
RESET ROLE;
CALL test.run();
SELECT instance_key = :key AS same_key, run_id = :'run_id' AS same_run, owner
FROM df.instance_state WHERE instance_id = 'same';
CALL test.answer('same', 21, 'c', '1');
CALL test.run();
CALL test.answer('same', 22, 'c', '1');
CALL test.run();
SELECT status, output, error, blocked FROM test.instance('same');

-- nor does one that is restarted meet its own past
SET ROLE regress_other;
SELECT df_restart('same', 'same');
RESET ROLE;
CALL test.run();
CALL test.answer('same', 21, 'c', '1');
CALL test.run();
CALL test.answer('same', 22, 'c', '1');
CALL test.run();
SELECT status, output, error, blocked FROM test.instance('same');

-- A registrar cannot put a function where others expect a worker's activity: it would run with their rights.

SET ROLE regress_user;
CREATE FUNCTION steal(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(current_user) $$;
\set VERBOSITY terse
SELECT df_register_activity('E2_GetFileList', 'steal');
SELECT df_register_activity('e2_copyfiletoblob', 'steal');
RESET ROLE;
SELECT FROM df.attach(gen_random_uuid(), 'w', '{default}', '{charge}', 1);
SET ROLE regress_user;
SELECT df_register_activity('Charge', 'steal');
SELECT df_register_activity('Charge', kind => 'worker', queue => 'slow');
RESET ROLE;
CALL test.orchestrator('f', $$ BEGIN RETURN df_call_activity('Charge'); END $$);
SELECT df_unregister('charge');
SELECT df_register_activity('Charge', 'steal');
SELECT name, kind, function FROM df.activities ORDER BY name COLLATE "C";

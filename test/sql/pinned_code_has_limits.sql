-- What is not pinned: SECURITY DEFINER functions, helpers, rights, dropped functions; and a rewind after an error of its own.

CALL test.orchestrator('definer', 'BEGIN PERFORM df_call_activity(''hold''); RETURN ''"old"''; END');
ALTER FUNCTION definer(jsonb) SECURITY DEFINER;
CREATE FUNCTION helper() RETURNS jsonb LANGUAGE sql AS $$ SELECT '"old helper"'::jsonb $$;
CALL test.orchestrator('helped', 'BEGIN PERFORM df_call_activity(''hold''); RETURN helper(); END');
CALL test.orchestrator('dropped', 'BEGIN PERFORM df_call_activity(''hold''); RETURN ''"old"''; END');
SELECT df_start('definer', NULL, 'definer'), df_start('helped', NULL, 'helped'), df_start('dropped', NULL, 'dropped');
CALL test.run();
CREATE OR REPLACE FUNCTION definer(input jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN PERFORM df_call_activity(''hold''); RETURN ''"new"''; END';
CREATE OR REPLACE FUNCTION helper() RETURNS jsonb LANGUAGE sql AS $$ SELECT '"new helper"'::jsonb $$;
DROP FUNCTION dropped(jsonb);
CALL test.answer('definer', 1);
CALL test.answer('helped', 1);
CALL test.answer('dropped', 1);
CALL test.run();
SELECT id, i.status, i.output, i.error_type, i.error FROM unnest('{definer,helped,dropped}'::text[]) AS id, test.instance(id) i;

-- made again, a rewind brings it back
CALL test.orchestrator('dropped', 'BEGIN PERFORM df_call_activity(''hold''); RETURN ''"made again"''; END');
SELECT df_rewind('dropped');
CALL test.run();
SELECT status, output FROM test.instance('dropped');

-- an error of its own is repaired by a new definition and a rewind; after a task's failure the old code goes on
CALL test.orchestrator('divides', 'BEGIN PERFORM df_call_activity(''echo''); RETURN to_jsonb(1 / 0); END');
CALL test.orchestrator('fails', 'BEGIN RETURN jsonb_build_array(''old'', df_call_activity(''fail_or_not'')); END');
CREATE TABLE works (yes boolean);
CREATE FUNCTION fail_or_not() RETURNS text LANGUAGE plpgsql AS $$ BEGIN IF NOT EXISTS (SELECT FROM works) THEN PERFORM df_fail('Not', 'not yet'); END IF; RETURN 'yes'; END $$;
SELECT FROM df_register_activity('fail_or_not');
SELECT df_start('divides', NULL, 'd'), df_start('fails', NULL, 'f');
CALL test.run();
SELECT df_rewind('d');
CALL test.run();
SELECT id, i.status, i.error, i.turns FROM unnest('{d,f}'::text[]) AS id, test.instance(id) i;
CALL test.orchestrator('divides', 'BEGIN PERFORM df_call_activity(''echo''); RETURN to_jsonb(1 / 1); END');
CALL test.orchestrator('fails', 'BEGIN RETURN jsonb_build_array(''new'', df_call_activity(''fail_or_not''), df_call_activity(''another'')); END');
INSERT INTO works VALUES (true);
SELECT df_rewind(id) FROM unnest('{d,f}'::text[]) AS id;
CALL test.run();
SELECT id, i.status, i.output, i.error, i.blocked FROM unnest('{d,f}'::text[]) AS id, test.instance(id) i;

-- the right to run the function is looked at on the function that is registered
SET ROLE regress_user;
CREATE FUNCTION withdrawn() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('hold'); END $$;
SELECT FROM df_register_orchestrator('withdrawn');
SET ROLE regress_other;
SELECT df_start('withdrawn', NULL, 'w');
RESET ROLE;
CALL test.run();
CREATE OR REPLACE FUNCTION withdrawn() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '"new"'; END $$;
REVOKE EXECUTE ON FUNCTION withdrawn() FROM PUBLIC;
CALL test.answer('w', 1);
CALL test.run();
SELECT status, output, error_type, error FROM test.instance('w');

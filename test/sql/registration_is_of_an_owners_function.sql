-- A function that somebody else puts where the registered one was is not run.

SET ROLE regress_user;
CREATE FUNCTION pays(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"paid"'::jsonb $$;
SELECT df_register_activity('pays', 'pays');
DROP FUNCTION pays;
SET ROLE regress_other;
CREATE FUNCTION pays(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(current_user) $$;
RESET ROLE;

CALL test.orchestrator('shop', $$ BEGIN RETURN df_call_activity('pays'); END $$);
ALTER FUNCTION shop OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('shop', instance_id => 'a');
RESET ROLE;
CALL test.run() \gset
SELECT status, error_type, error FROM test.instance('a');

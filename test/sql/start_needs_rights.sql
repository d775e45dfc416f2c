/* Who starts must be allowed to run the function; a superuser's instances run superusers' functions only. */
CREATE SCHEMA hidden AUTHORIZATION regress_user;
SET ROLE regress_user;
CREATE FUNCTION hidden.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('hidden', 'hidden.f');
SELECT FROM df_register_orchestrator('f');

SET ROLE regress_other;
SELECT df_start('f') IS NOT NULL AS started;
SELECT df_start('hidden');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT USAGE ON SCHEMA hidden TO regress_other;
SET ROLE regress_other;
SELECT df_start('hidden') IS NOT NULL AS started;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION hidden.f() FROM PUBLIC;
SET ROLE regress_other;
SELECT df_start('hidden');

-- no rights at all
SET ROLE regress_nobody;
SELECT df_start('f');
\echo :LAST_ERROR_SQLSTATE

-- a superuser
RESET ROLE;
SELECT df_start('f');
\echo :LAST_ERROR_SQLSTATE
SET pgdf.superuser_instances = on;
SELECT df_start('f') IS NOT NULL AS started;
RESET pgdf.superuser_instances;
CREATE FUNCTION of_superuser() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('of_superuser');
SELECT df_start('of_superuser') IS NOT NULL AS started;

-- the owner is whose rights were in force, not who logged in
SET ROLE regress_other;
SELECT df_start('of_superuser', instance_id => 'as other');
SET ROLE regress_user;
CREATE FUNCTION start_as_definer() RETURNS text LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$ SELECT df_start('f', instance_id => 'as definer') $$;
SET ROLE regress_other;
SELECT start_as_definer();
RESET ROLE;
SELECT instance_id, owner FROM df.instances WHERE instance_id LIKE 'as %' ORDER BY 1;

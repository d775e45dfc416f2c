/* The registrar's search_path is kept: without temporary schemas, with the extension's schema, pg_temp last. */
CREATE SCHEMA app AUTHORIZATION regress_user;
CREATE SCHEMA "Odd, Name" AUTHORIZATION regress_user;
SET ROLE regress_user;
CREATE TEMP TABLE makes_the_temporary_schema ();

CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;

SET search_path = app, "Odd, Name", public;
SELECT FROM df_register_orchestrator('one', 'f');
SET search_path = pg_temp, public, app;
SELECT FROM df_register_orchestrator('two', 'f');
SET search_path = '"$user"', no_such_schema, app;
SELECT FROM public.df_register_orchestrator('three', 'f');
SET search_path = '';
SELECT FROM public.df_register_orchestrator('four', 'app.f()');

RESET search_path;
RESET ROLE;
SELECT name, function, search_path FROM df.registrations WHERE registrar = 'regress_user'::regrole ORDER BY registration_seq;

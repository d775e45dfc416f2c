-- Turns and SQL activities run as the owner of the instance, with the search path of their registration and fixed
-- settings; a function's own SET wins; what they set themselves is gone afterwards.

SELECT FROM df_grant_registrar('regress_other');
SET pgdf.inline_sql_budget = '10s';
CREATE SCHEMA theirs AUTHORIZATION regress_other;
GRANT USAGE ON SCHEMA theirs TO regress_user;

SET ROLE regress_other;
SET search_path = theirs, public;
CREATE FUNCTION helper() RETURNS text LANGUAGE sql AS $$ SELECT 'theirs.helper'::text $$;
CREATE FUNCTION shows() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_build_object('user', current_user, 'helper', helper(), 'path', current_setting('search_path'),
        'zone', current_setting('TimeZone'), 'dates', current_setting('DateStyle'), 'intervals', current_setting('IntervalStyle'),
        'floats', current_setting('extra_float_digits'), 'time', '2026-11-23 01:02:03+09'::timestamptz::text, 'pi', pi()::text,
        'schemas', current_schemas(true));
END $$;
CREATE FUNCTION own_set() RETURNS jsonb LANGUAGE plpgsql SET TimeZone = 'Asia/Tokyo' SET search_path = pg_catalog AS $$
BEGIN
    RETURN jsonb_build_object('zone', current_setting('TimeZone'), 'path', current_setting('search_path'));
END $$;
CREATE FUNCTION turn_shows() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('TimeZone', 'Asia/Tokyo', false), set_config('my.setting', 'leaks', false);
    RETURN jsonb_build_object('turn', shows() - 'time' - 'zone', 'activity', df_call_activity('shows'), 'own', df_call_activity('own_set'));
END $$;
SELECT FROM df_register_activity('shows');
SELECT FROM df_register_activity('own_set');
SELECT FROM df_register_orchestrator('turn_shows');

-- started by somebody else, in a session with other settings
SET ROLE regress_user;
SET search_path = public;
SET TimeZone = 'America/New_York';
SET DateStyle = 'German';
SET extra_float_digits = -3;
SELECT df_start('turn_shows', NULL, 'as user');
RESET ROLE;
CALL test.run();
SELECT status, error FROM test.instance('as user');
SELECT jsonb_pretty(output - 'turn') FROM df_status('as user');
SELECT (output -> 'turn') = ((output -> 'activity') - 'time' - 'zone') AS turn_is_the_same FROM df_status('as user');
SHOW TimeZone;
SHOW DateStyle;
SHOW my.setting;
SELECT current_user, current_setting('search_path');

-- a temporary object of the session does not get in the way of a name
CREATE TEMP TABLE pg_class (oid oid);
CREATE FUNCTION pg_temp.helper() RETURNS text LANGUAGE sql AS $$ SELECT 'trojan'::text $$;
SET ROLE regress_other;
SELECT df_start('turn_shows', NULL, 'as other');
RESET ROLE;
CALL test.run();
SELECT runtime_status, output #> '{activity,user}' AS "user", output #> '{activity,helper}' AS helper FROM df_status('as other');

-- nothing is called without the right to
SET ROLE regress_other;
REVOKE EXECUTE ON FUNCTION theirs.shows FROM PUBLIC;
SET ROLE regress_user;
SELECT df_start('turn_shows', NULL, 'revoked');
RESET ROLE;
CALL test.run();
SELECT status, error_type, error FROM test.instance('revoked');

-- What an orchestrator returns is its output as to_jsonb has it.

CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN percent AS int CHECK (VALUE <= 100);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE FUNCTION r_void() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION r_null() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION r_json() RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN '{"b":  1, "a": 2, "b": 3}'; END $$;
CREATE FUNCTION r_jsonb() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '{"b":  1, "a": 2, "b": 3}'; END $$;
CREATE FUNCTION r_text() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN E'a "b"\n'; END $$;
CREATE FUNCTION r_numeric() RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RETURN 12345678901234567890.10; END $$;
CREATE FUNCTION r_float() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RETURN 0.1::float8 + 0.2::float8; END $$;
CREATE FUNCTION r_nan() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RETURN 'NaN'; END $$;
CREATE FUNCTION r_time() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN '2026-11-23 01:02:03+09'; END $$;
CREATE FUNCTION r_interval() RETURNS interval LANGUAGE plpgsql AS $$ BEGIN RETURN '1 day 2 hours'; END $$;
CREATE FUNCTION r_bytea() RETURNS bytea LANGUAGE plpgsql AS $$ BEGIN RETURN '\x00ff'; END $$;
CREATE FUNCTION r_domain() RETURNS percent LANGUAGE plpgsql AS $$ BEGIN RETURN 50; END $$;
CREATE FUNCTION r_enum() RETURNS mood LANGUAGE plpgsql AS $$ BEGIN RETURN 'happy'; END $$;
CREATE FUNCTION r_array() RETURNS int[] LANGUAGE plpgsql AS $$ BEGIN RETURN '{{1,2},{3,NULL}}'; END $$;
CREATE FUNCTION r_composite() RETURNS pair LANGUAGE plpgsql AS $$ BEGIN RETURN (1, 'x'::text); END $$;
CREATE FUNCTION r_composites() RETURNS pair[] LANGUAGE sql AS $$ SELECT ARRAY[(1, 'x'), (2, NULL)]::pair[] $$;
CREATE FUNCTION r_record() RETURNS record LANGUAGE plpgsql AS $$ BEGIN RETURN ROW(1, 'x'::text); END $$;
CREATE FUNCTION r_out(OUT a int, OUT b text) LANGUAGE plpgsql AS $$ BEGIN a := 1; b := 'x'; END $$;
CREATE FUNCTION r_fails() RETURNS percent LANGUAGE plpgsql AS $$ BEGIN RETURN 101; END $$;
CREATE FUNCTION r_deep() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN (repeat('[', 200) || repeat(']', 200))::jsonb; END $$;
CREATE FUNCTION r_large() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN repeat('x', 20000); END $$;
SELECT count(df_register_orchestrator(proname, oid::regprocedure)) FROM pg_proc WHERE proname ~ '^r_';
SELECT count(df_start(proname, NULL, proname)) FROM pg_proc WHERE proname ~ '^r_';
SET pgdf.max_payload = '10kB';
CALL test.run();
SELECT p.proname, i.output, i.error_type, i.error FROM pg_proc p, test.instance(p.proname) i WHERE p.proname ~ '^r_' ORDER BY p.oid;

-- the same as the result of a SQL activity
CREATE FUNCTION a_record() RETURNS record LANGUAGE plpgsql AS $$ BEGIN RETURN ROW(1, ARRAY['x', NULL]); END $$;
CREATE FUNCTION a_void() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT count(df_register_activity(proname, oid::regprocedure)) FROM pg_proc WHERE proname ~ '^a_(record|void)$';
CALL test.orchestrator('calls', $$ BEGIN RETURN to_jsonb(df_when_all(df_activity('a_record'), df_activity('a_void'))); END $$);
SELECT df_start('calls', NULL, 'calls');
CALL test.run();
SELECT status, output FROM test.instance('calls');

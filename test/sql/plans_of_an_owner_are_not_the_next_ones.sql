-- What the server has planned, or evaluated beforehand, while code ran as one owner is not used when the same code runs as
-- another one, who may not call what is in it: functions that are immutable, and those that are put into the caller's plan.

SELECT FROM df_grant_registrar('regress_other');
CREATE TABLE keys (key text);
INSERT INTO keys VALUES ('the key');
CREATE FUNCTION folded() RETURNS text LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN RETURN (SELECT key FROM keys); END $$;
CREATE FUNCTION inlined() RETURNS text LANGUAGE sql AS $$ SELECT 'the key'::text $$;
REVOKE EXECUTE ON FUNCTION folded(), inlined() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION folded(), inlined() TO regress_user;

CREATE FUNCTION asks() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found text[] := '{}';
    one text;
BEGIN
    BEGIN found[1] := folded(); EXCEPTION WHEN insufficient_privilege THEN found[1] := 'denied'; END;
    BEGIN found[2] := inlined(); EXCEPTION WHEN insufficient_privilege THEN found[2] := 'denied'; END;
    BEGIN SELECT folded() INTO one; EXCEPTION WHEN insufficient_privilege THEN one := 'denied'; END;
    RETURN found || one;
END $$;
GRANT EXECUTE ON FUNCTION asks() TO PUBLIC;
SELECT df_register_orchestrator('asks');
SELECT df_register_activity('asking', 'asks');
CREATE FUNCTION calls() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('asking'); END $$;
GRANT EXECUTE ON FUNCTION calls() TO PUBLIC;
SELECT df_register_orchestrator('calls');

CREATE PROCEDURE run_as(role text, n int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET ROLE %I', role);
    PERFORM df_start('asks', NULL, role || n), df_start('calls', NULL, role || ' calls ' || n);
    RESET ROLE;
END $$;
CALL run_as('regress_user', 1);
CALL test.run();
CALL run_as('regress_other', 1);
CALL test.run();
CALL run_as('regress_user', 2);
CALL test.run();
CALL run_as('regress_other', 2);
CALL test.run();
SELECT instance_id, i.status, i.output FROM df.instances, test.instance(instance_id) i ORDER BY instance_id;

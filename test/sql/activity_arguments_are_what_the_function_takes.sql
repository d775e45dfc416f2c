-- Input arguments are filled with values of their own types, whatever else a signature has.

SET ROLE regress_user;
CREATE FUNCTION outputs_first(OUT total int, one text, OUT other int, two text) LANGUAGE plpgsql AS
    $$ BEGIN total := length(one || two); other := 1; END $$;
CREATE FUNCTION output_and_one(OUT total bigint, one text) LANGUAGE plpgsql AS
    $$ BEGIN total := length(one); END $$;
CREATE FUNCTION outputs_between(INOUT one int, OUT other text, two int DEFAULT 7) LANGUAGE plpgsql AS
    $$ BEGIN one := one + two; other := 'x'; END $$;
CREATE DOMAIN order_in AS jsonb CHECK (VALUE ? 'amount');
CREATE DOMAIN amount AS int NOT NULL CHECK (VALUE > 0);
CREATE FUNCTION takes_domain(one order_in) RETURNS jsonb LANGUAGE sql AS $$ SELECT one::jsonb $$;
CREATE FUNCTION takes_domains(one order_in, two amount) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(two) $$;
CREATE FUNCTION loses_names(one int, two int) RETURNS int LANGUAGE sql AS $$ SELECT one + two $$;
SELECT df_register_activity(f, f) FROM unnest(ARRAY['outputs_first', 'output_and_one', 'outputs_between',
    'takes_domain', 'takes_domains', 'loses_names']) AS f;
DROP FUNCTION loses_names;
CREATE FUNCTION loses_names(int, int) RETURNS int LANGUAGE sql AS $$ SELECT $1 + $2 $$;
RESET ROLE;

CALL test.orchestrator('calls', $$
DECLARE
    result jsonb := '[]';
    call jsonb;
BEGIN
    FOR call IN SELECT * FROM jsonb_array_elements(input) LOOP
        BEGIN
            result := result || jsonb_build_array(df_call_activity(call ->> 0, call -> 1));
        EXCEPTION WHEN SQLSTATE 'DF001' THEN
            result := result || (df_failure() -> 'errorMessage');
        END;
    END LOOP;
    RETURN result;
END $$);
ALTER FUNCTION calls OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('calls', '[
    ["outputs_first", {"total": 5, "one": "ab", "two": "cd"}],
    ["output_and_one", "abc"],
    ["outputs_between", {"one": 1}],
    ["outputs_between", {"one": 1, "two": 2, "other": 3}],
    ["takes_domain", {"amount": 1}],
    ["takes_domain", {"price": 1}],
    ["takes_domains", {"one": {"amount": 1}, "two": 2}],
    ["takes_domains", {"one": {"amount": 1}, "two": 0}],
    ["takes_domains", {"one": {"amount": 1}, "two": null}],
    ["loses_names", {"one": 1, "two": 2}]]', 'a');
RESET ROLE;
CALL test.run() \gset
SELECT status, error FROM test.instance('a');
SELECT e FROM df_status('a'), jsonb_array_elements(output) e;

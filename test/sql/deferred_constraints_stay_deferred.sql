-- A SQL activity's deferred constraints are checked at its end, whatever ran before it in the same transaction.

SET ROLE regress_user;
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION looks(id int) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM parents $$;
CREATE FUNCTION child_first(id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO children VALUES (id);
    INSERT INTO parents VALUES (id);
END $$;
CREATE FUNCTION child_only(id int) RETURNS void LANGUAGE sql AS $$ INSERT INTO children VALUES (id) $$;
SELECT df_register_activity(f, f) FROM unnest(ARRAY['looks', 'child_first', 'child_only']) f;
RESET ROLE;

CALL test.orchestrator('offspring', $$
DECLARE
    result jsonb := '[]';
    name jsonb;
    i int := 0;
BEGIN
    FOR name IN SELECT * FROM jsonb_array_elements(input) LOOP
        i := i + 1;
        BEGIN
            result := result || df_call_activity(df_text(name), to_jsonb(i));
        EXCEPTION WHEN SQLSTATE 'DF001' THEN
            result := result || (df_failure() -> 'errorType');
        END;
    END LOOP;
    RETURN result;
END $$);
ALTER FUNCTION offspring OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('offspring', '["looks", "child_first", "looks", "child_only", "child_first"]', 'a');
RESET ROLE;
CALL test.run() \gset
SELECT status, output, error FROM test.instance('a');
SELECT id FROM children ORDER BY id;

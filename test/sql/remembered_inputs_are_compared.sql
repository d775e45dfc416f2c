-- A backend remembers the inputs that its replays have compared.  A call with another one is found all the same: as
-- long as the one before, in the same call and in a later one, of a long history and after a rewind.

CREATE TABLE mode (m text);
INSERT INTO mode VALUES ('as it was');
CREATE FUNCTION steps() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    m text := (SELECT mode.m FROM mode);
    name text;
    input jsonb;
BEGIN
    FOR i IN 1..20 LOOP
        name := CASE WHEN i = 15 AND m = 'name' THEN 'abcd' ELSE 'echo' END;
        input := jsonb_build_object('step', i, 'amount', 1.5);
        IF i = 15 AND m = 'input' THEN
            input := jsonb_build_object('step', i, 'amount', 1.6);
        ELSIF i = 15 AND m = 'longer' THEN
            input := jsonb_build_object('step', i, 'amount', 1.5, 'more', NULL);
        ELSIF i = 15 AND m = 'none' THEN
            input := NULL;
        ELSIF i IN (15, 16) AND m = 'order' THEN
            input := jsonb_build_object('step', 31 - i, 'amount', 1.5);
        ELSIF i = 15 AND m = 'scale' THEN
            input := jsonb_build_object('step', 15.0, 'amount', 1.50);  -- the same number, in other bytes
        ELSIF i = 15 AND m = 'kind' THEN
            PERFORM df_record(input);
            CONTINUE;
        END IF;
        input := df_call_activity(name, input);
    END LOOP;
    input := df_call_activity('hold', '"first"');
    RETURN df_call_activity('hold', '"second"');
END $$;
SELECT FROM df_register_orchestrator('steps');
CREATE TABLE modes AS
SELECT * FROM unnest('{as it was,name,input,longer,none,order,scale,kind}'::text[]) WITH ORDINALITY AS u(m, n);
SELECT count(df_start('steps', NULL, m)) FROM modes;
CALL test.run();
SELECT i.turns, i.tasks, count(*) FROM modes, test.instance(m) i GROUP BY 1, 2;
SELECT count(*) > 32 AS is_long FROM df_history('input');

-- another replay of all that, as it was; then the next, as it is not any more
CREATE PROCEDURE replay(id text, with_mode text) LANGUAGE plpgsql AS $$
BEGIN
    CALL test.answer(id, 21, 'c', '1');
    PERFORM FROM test.work();
    UPDATE mode SET m = with_mode;
    CALL test.answer(id, 22, 'c', '"done"');
    PERFORM FROM test.work();
    UPDATE mode SET m = 'as it was';
END $$;
DO $$
DECLARE
    id text;
BEGIN
    FOR id IN SELECT m FROM modes ORDER BY n LOOP
        CALL replay(id, id);
    END LOOP;
END $$;
SELECT m, i.status, i.output, split_part(i.blocked, ', at', 1) AS blocked FROM modes, test.instance(m) i ORDER BY n;

-- after a rewind the same number is another call
CREATE FUNCTION saga() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    told jsonb;
BEGIN
    FOR i IN 1..15 LOOP
        told := df_call_activity('echo', to_jsonb(i));
    END LOOP;
    BEGIN
        told := df_call_activity('hold', '"first"');
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
        told := df_call_activity('echo', '"undo 1"');
        told := df_call_activity('echo', '"undo 2"');
        RAISE;
    END;
    told := df_call_activity('echo', '"done 1"');
    told := df_call_activity('hold', '"second"');
    RETURN df_call_activity('hold', '"third"');
END $$;
SELECT FROM df_register_orchestrator('saga');
SELECT df_start('saga', NULL, 'saga');
CALL test.run();
CALL test.answer('saga', 16, 'f', '{"message": "not yet", "retriable": false}');
CALL test.run();
SELECT status, tasks FROM test.instance('saga');
SELECT df_rewind('saga');
CALL test.run();
CALL test.answer('saga', 16, 'c', '1');
CALL test.run();
CALL test.answer('saga', 18, 'c', '2');
CALL test.run();
CALL test.answer('saga', 19, 'c', '3');
CALL test.run();
SELECT status, output, tasks, blocked FROM test.instance('saga');

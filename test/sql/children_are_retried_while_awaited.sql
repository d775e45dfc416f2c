-- Retries of a child and what happens to the family meanwhile: termination, suspension, rewind, a parent that has gone on.

CALL test.orchestrator('child', $$ BEGIN RETURN df_call_activity('hold', input); END $$);
CALL test.orchestrator('parent', $$ BEGIN RETURN df_call_sub_orchestrator('child', input, df_instance_id() || ' child', df_retry(2, '1 hour')); END $$);
CREATE VIEW family AS
SELECT instance_id, df.status_name(status) AS status, execution, attempts,
    EXISTS (SELECT FROM df.timers t WHERE t.instance_key = i.instance_key) AS timer
FROM df.instance_state i ORDER BY instance_id;
CREATE PROCEDURE fail(id text) LANGUAGE plpgsql AS $$
BEGIN
    CALL test.answer(id || ' child', 1, 'f', '{"type": "Broken"}');
    CALL test.run();
END $$;
CREATE PROCEDURE due() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE df.timers SET fire_at = now() - interval '1 second';
    CALL test.run();
END $$;

-- the parent is terminated while its child waits for the next attempt
SELECT df_start('parent', NULL, 'a');
CALL test.run();
CALL fail('a');
SELECT * FROM family;
SELECT df_terminate('a');
CALL test.run();
SELECT * FROM family;

-- a child that is terminated is not tried again
SELECT df_start('parent', NULL, 'b');
CALL test.run();
SELECT df_terminate('b child');
CALL test.run();
SELECT status, error FROM test.instance('b');

-- a suspended parent, a suspended child: the one does not stop the retry, the other does
SELECT df_start('parent', NULL, 'c'), df_start('parent', NULL, 'd');
CALL test.run();
CALL fail('c');
CALL fail('d');
SELECT df_suspend('c'), df_suspend('d child');
CALL test.run();
CALL due();
SELECT * FROM family WHERE instance_id ~ '^[cd]';
SELECT df_resume('d child');
CALL test.run();
SELECT * FROM family WHERE instance_id ~ '^d';
CALL test.answer('c child', 1, 'c', '1');
CALL test.answer('d child', 1, 'c', '2');
CALL test.run();
SELECT df_resume('c');
CALL test.run();
SELECT id, status, output FROM unnest('{c,d}'::text[]) AS id, test.instance(id) ORDER BY 1;

-- rewind gives a child its attempts again, and repeats only what failed
SELECT df_start('parent', NULL, 'e');
CALL test.run();
CALL fail('e');
CALL due();
CALL fail('e');
SELECT status, error_type FROM test.instance('e');
SELECT * FROM family WHERE instance_id ~ '^e';
SELECT df_rewind('e');
CALL test.run();
SELECT * FROM family WHERE instance_id ~ '^e';
CALL fail('e');
SELECT * FROM family WHERE instance_id ~ '^e';
CALL due();
CALL test.answer('e child', 1, 'c', '3');
CALL test.run();
SELECT status, output FROM test.instance('e');

-- nobody waits for it any more: the parent has returned, or begun anew
CALL test.orchestrator('leaves', $$
BEGIN
    IF input::int > 0 THEN
        PERFORM df_sub_orchestrator('child', NULL, df_instance_id() || ' child', df_retry(2, '1 hour'));
        IF input::int > 1 THEN
            PERFORM df_continue_as_new('0');
        END IF;
        RETURN '"left"';
    END IF;
    PERFORM df_wait_event('never');
END $$);
SELECT df_start('leaves', '1', 'f'), df_start('leaves', '2', 'g');
CALL test.run();
CALL fail('f');
CALL fail('g');
SELECT * FROM family WHERE instance_id ~ '^[fg]';

-- the parent's replay does not see it
SELECT df_start('parent', NULL, 'h');
CALL test.run();
CALL fail('h');
CALL due();
CALL test.answer('h child', 1, 'c', '4');
CALL test.run();
SELECT test.history('h');
SELECT status, output, turns FROM test.instance('h');

-- df_raise_event is part of the caller's transaction; an event_id is taken once for an instance, and not by what is rolled back.

CALL test.orchestrator('collect', $$
DECLARE
    got jsonb := '[]';
    next jsonb;
BEGIN
    LOOP
        next := df_wait_event('e');
        EXIT WHEN next = '"end"';
        got := got || next;
    END LOOP;
    RETURN got;
END $$);
SELECT df_start('collect', NULL, 'a'), df_start('collect', NULL, 'b');
CALL test.run();

SELECT df_raise_event('a', 'e', '1', 'id-1'), df_raise_event('a', 'e', '"twice"', 'id-1');
SELECT df_raise_event('a', 'another name', '"twice"', 'id-1');
CALL test.run();
SELECT df_raise_event('a', 'e', '"later"', 'id-1');

-- ids are compared exactly, and belong to an instance; without one nothing is compared
SELECT df_raise_event('a', 'e', '2', 'ID-1'), df_raise_event('b', 'e', '3', 'id-1'), df_raise_event('a', 'e', '4'), df_raise_event('a', 'e', '4');
CALL test.run();

-- rolled back: neither the event nor its id
BEGIN;
SELECT df_raise_event('a', 'e', '"never"', 'id-2'), df_raise_event('a', 'e', '"never"');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT df_raise_event('a', 'e', '"never"', 'id-2');
ROLLBACK TO s;
SELECT df_raise_event('a', 'e', '5', 'id-2');
SAVEPOINT s;
SELECT df_raise_event('a', 'e', '"never"', 'id-2');
ROLLBACK TO s;
COMMIT;
CALL test.run();
SELECT df_raise_event('a', 'e', '"end"'), df_raise_event('b', 'e', '"end"');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{a,b}'::text[]) AS id, test.instance(id) i;

-- by restart the ids are free again, by purge they are gone
SELECT df_start('collect', NULL, 'a');
SELECT df_raise_event('a', 'e', '"anew"', 'id-1'), df_raise_event('a', 'e', '"end"');
CALL test.run();
SELECT status, output FROM test.instance('a');
SELECT df_purge('a'), df_purge('b');
SELECT count(*) FROM df.event_ids;

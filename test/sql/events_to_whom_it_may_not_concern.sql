-- df_raise_event: unknown and foreign instances 42704, final ones 55000, a late one is recorded, arguments are checked.
\set VERBOSITY verbose
\set SHOW_CONTEXT never

CALL test.orchestrator('waits', 'BEGIN RETURN df_wait_event(''e''); END');
SELECT df_start('waits', NULL, 'done'), df_start('waits', NULL, 'live'), df_start('waits', NULL, 'ends soon');
CALL test.run();
SELECT df_raise_event('done', 'e', '1');
CALL test.run();
\set VERBOSITY default
SELECT df_raise_event('done', 'e');
SELECT df_raise_event('nobody', 'e');
SELECT df_terminate('ends soon');
-- terminated, but the engine does not know yet: taken, recorded as too late
SELECT df_raise_event('ends soon', 'e', '"late"');
CALL test.run();
SELECT df_raise_event('ends soon', 'e');
SELECT event_type, task_id, name, payload FROM df_history('ends soon') WHERE event_type LIKE 'E%d' ORDER BY event_id;
SELECT count(*) FROM df.buffered_events;
\set VERBOSITY sqlstate
SELECT df_raise_event('done', 'e');
SELECT df_raise_event('nobody', 'e');
SET ROLE regress_other;
SELECT df_raise_event('live', 'e');
SELECT df_raise_event('done', 'e');
RESET ROLE;
-- no right to do anything: the function itself is refused
SET ROLE regress_nobody;
SELECT df_raise_event('live', 'e');
RESET ROLE;

SELECT df_raise_event(NULL, 'e');
SELECT df_raise_event('live', NULL);
SELECT df_raise_event('live', '');
SELECT df_raise_event('live', repeat('x', 2000));
SET pgdf.max_payload = '1kB';
SELECT df_raise_event('live', 'e', to_jsonb(repeat('x', 2000)));
RESET pgdf.max_payload;
BEGIN READ ONLY;
SELECT df_raise_event('live', 'e');
ROLLBACK;
SELECT count(*) FROM df.inbox;

-- an owner and members of the owner may
GRANT CREATE ON SCHEMA public TO regress_user;
SET ROLE regress_user;
CREATE FUNCTION mine() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('e'); END $$;
SELECT FROM df_register_orchestrator('mine');
SELECT df_start('mine', NULL, 'mine');
SELECT df_raise_event('mine', 'e', '"own"');
RESET ROLE;
CALL test.run();
SELECT status, output FROM test.instance('mine');

-- A publication of all tables, as for a logical replica, refuses no write of the engine: every table has a replica identity.

SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
RESET client_min_messages;
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r' AND c.relreplident = 'd'
    AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary);

CALL test.orchestrator('all', $$
BEGIN
    PERFORM df_when_any(df_timer('1 hour'), df_event('go'));
    RETURN jsonb_build_array(df_call_activity('echo', '1'), df_call_map('double', '[1, 2]'));
END $$);
SELECT df_start('all', NULL, 'a'), df_start('all', NULL, 'b');
CALL test.run();
SELECT df_raise_event('a', 'go', event_id => '1'), df_terminate('b');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{a,b}'::text[]) id, test.instance(id) i;
SELECT df_purge('a'), df_purge('b');
SELECT df_limit('echo', rate => 10), df_limit('echo');

-- a copy is adopted, and a failover followed
UPDATE df.home SET timeline = timeline - 1;
UPDATE df.home SET system_identifier = 1;
SELECT df_adopt();
SELECT test.attach('v') > 0 AS attached;
DROP PUBLICATION everything;

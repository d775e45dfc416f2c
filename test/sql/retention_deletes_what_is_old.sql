-- pgdf.retention_* delete final instances that have ended long enough ago, with their children, by the worker with the lowest number.

CALL test.orchestrator('ends', $$ BEGIN
    IF input ? 'fail' THEN
        PERFORM df_fail('Told', 'to');
    END IF;
    RETURN df_call_activity(coalesce(input ->> 'name', 'echo'), '1');
END $$);
CALL test.orchestrator('parent', $$
BEGIN
    PERFORM df_call_sub_orchestrator('ends', '{}', df_instance_id() || ' child ' || input);
    IF input::int > 0 THEN
        PERFORM df_continue_as_new(to_jsonb(input::int - 1));
    END IF;
    PERFORM df_wait_event('go');
END $$);
/* a whole round, however many calls the machine needs for it; then the next one is a minute away */
CREATE FUNCTION retire() RETURNS TABLE (purged int, next_ms int) LANGUAGE plpgsql AS $$
DECLARE
    total int := 0;
BEGIN
    LOOP
        SELECT * INTO purged, next_ms FROM df.retire(test.attach());
        total := total + purged;
        EXIT WHEN next_ms <> 250;
    END LOOP;
    purged := total;
    RETURN NEXT;
END $$;
CREATE VIEW kept AS SELECT instance_id, runtime_status FROM df.instances ORDER BY 1;
SELECT df_start('ends', '{}', 'completed'), df_start('ends', '{"fail": 1}', 'failed'), df_start('ends', '{"name": "hold"}', 'live'),
    df_start('ends', '{"name": "hold"}', 'terminated'), df_start('parent', '0', 'p');
CALL test.run();
SELECT df_terminate('terminated');
CALL test.run();
/* time travel: all of it is two hours old */
UPDATE df.instance_state SET created_at = created_at - interval '2 hours', completed_at = completed_at - interval '2 hours';

-- off
SELECT * FROM retire();
SET pgdf.retention_completed = '3h';
SELECT * FROM retire();
-- old enough; a child waits for its parent, which may be rewound
SET pgdf.retention_completed = '1h';
SELECT * FROM retire();
TABLE kept;
SET pgdf.retention_completed = -1;
SET pgdf.retention_terminated = 3600;
SELECT * FROM retire();
SET pgdf.retention_failed = 0;
SELECT * FROM retire();
TABLE kept;
SELECT count(*) FROM df.history h WHERE NOT EXISTS (SELECT FROM df.instance_state s WHERE s.instance_key = h.instance_key);

-- with its parent, and when the parent has begun anew
SET pgdf.retention_completed = '1h';
SELECT df_start('parent', '1', 'anew');
CALL test.run();
UPDATE df.instance_state SET created_at = created_at - interval '2 hours', completed_at = completed_at - interval '2 hours'
WHERE instance_id ~ '^anew';
SELECT instance_id, execution, parent_instance_id FROM df.instances WHERE instance_id ~ '^anew' ORDER BY 1;
SELECT df_raise_event('p', 'go');
CALL test.run();
UPDATE df.instance_state SET completed_at = completed_at - interval '2 hours' WHERE instance_id = 'p';
SELECT * FROM retire();
TABLE kept;

-- another worker leaves it to the first, until that is gone
SET pgdf.retention_completed = 0;
SELECT count(df_start('ends', '{}', 'many ' || n)) FROM generate_series(1, 20) n;
CALL test.run();
SELECT * FROM df.retire(test.attach('v'));
UPDATE df.worker_sessions SET lease_until = now() - interval '1 second' WHERE name = 'w';
SELECT purged > 0 AS purged, next_ms IN (250, 60000) AS next FROM df.retire(test.attach('v'));

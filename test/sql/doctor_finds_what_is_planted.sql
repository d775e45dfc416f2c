-- df.doctor is silent about a sound database, and has a line for each violation that is planted.
CREATE FUNCTION two_waits() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('echo', '1');
    PERFORM df_when_all(ARRAY[df_activity('hold', '2'), df_timer('1 day')]);
    RETURN '"done"';
END $$;
CREATE FUNCTION waits_for_event() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION parent() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_call_sub_orchestrator('waits_for_event', NULL, 'child');
END $$;
CREATE FUNCTION fails() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_call_activity('fail', '{"type": "No"}');
END $$;
SELECT df_register_orchestrator(f) FROM unnest('{two_waits,waits_for_event,parent,fails}'::text[]) f;
SELECT df_start('two_waits', NULL, 'work'), df_start('waits_for_event', NULL, 'event'), df_start('parent', NULL, 'parent'),
    df_start('fails', NULL, 'failed'), df_start('waits_for_event', NULL, 'still'), df_start('waits_for_event', NULL, 'ended');
SELECT df_suspend('still');
CALL test.run();
SELECT df_raise_event('ended', 'go', '1');
CALL test.run();
SELECT instance_id, runtime_status FROM df.instances ORDER BY 1;

-- what doctor says of a database in which a statement has been run, and is then taken back
CREATE FUNCTION planted(VARIADIC statements text[] DEFAULT '{}') RETURNS TABLE (severity text, finding text, instance_id text, task_id int, detail text)
LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    result jsonb;
BEGIN
    BEGIN
        FOREACH statement IN ARRAY statements LOOP
            EXECUTE replace(statement, '@', '(SELECT instance_key FROM df.instance_state WHERE instance_id = ');
        END LOOP;
        result := (SELECT jsonb_agg(to_jsonb(d)) FROM df.doctor(true, 'postgres', '0') d);
        RAISE SQLSTATE 'TAKEN';
    EXCEPTION WHEN SQLSTATE 'TAKEN' THEN
        NULL;
    END;
    RETURN QUERY SELECT r.severity, r.finding, r.instance_id, r.task_id,
            regexp_replace(r.detail, '\d{4}-\d\d-\d\dT[\d:]+Z|(?<=^fence )-?\d+|(?<=^age.datfrozenxid. is )\d+|(?<=^parent )\d+', '...')
        FROM jsonb_to_recordset(result) AS r(severity text, finding text, instance_id text, task_id int, detail text)
        ORDER BY 1, 2, 3, 4, 5;
END $$;

\pset format unaligned
\pset tuples_only on
\echo sound
SELECT * FROM planted();
\echo I1: an awaited task is lost
SELECT * FROM planted($$DELETE FROM df.tasks WHERE instance_key = @'work')$$);
SELECT * FROM planted($$DELETE FROM df.timers WHERE instance_key = @'work')$$);
\echo I2: two outcomes
SELECT * FROM planted(
    $$INSERT INTO df.history (instance_key, execution, event_id, event_type, task_id, event_time)
      SELECT instance_key, 0, next_event_id, 5, 1, now() FROM df.instance_state WHERE instance_id = 'work'$$,
    $$UPDATE df.instance_state SET next_event_id = next_event_id + 1 WHERE instance_id = 'work'$$);
\echo I3: an outcome, and a task, that nobody has scheduled
SELECT * FROM planted(
    $$INSERT INTO df.history (instance_key, execution, event_id, event_type, task_id, event_time)
      SELECT instance_key, 0, next_event_id, 5, 99, now() FROM df.instance_state WHERE instance_id = 'ended'$$,
    $$UPDATE df.instance_state SET next_event_id = next_event_id + 1 WHERE instance_id = 'ended'$$);
SELECT * FROM planted($$UPDATE df.tasks SET scheduled_event = 2 WHERE instance_key = @'work')$$);
\echo I4: gaps in history
SELECT * FROM planted($$DELETE FROM df.history WHERE instance_key = @'event') AND event_id = 1$$);
SELECT * FROM planted($$UPDATE df.instance_state SET next_event_id = next_event_id + 5 WHERE instance_id = 'event'$$);
SELECT * FROM planted($$UPDATE df.history SET execution = 7 WHERE instance_key = @'ended')$$);
SELECT * FROM planted(
    $$INSERT INTO df.history (instance_key, execution, event_id, event_type, event_time) VALUES (-1, 0, 1, 0, now())$$);
\echo I5: open work of what has ended
SELECT * FROM planted($$UPDATE df.instance_state SET status = 5, completed_at = now(), awaited = NULL, await_remaining = NULL WHERE instance_id = 'work'$$);
SELECT * FROM planted($$UPDATE df.instance_state SET status = 3, completed_at = now() WHERE instance_id = 'event'$$);
\echo I6: nothing will wake it
SELECT * FROM planted($$DELETE FROM df.tasks WHERE instance_key = @'work')$$, $$DELETE FROM df.timers WHERE instance_key = @'work')$$);
SELECT * FROM planted($$UPDATE df.instance_state SET awaited = NULL, await_remaining = NULL WHERE instance_id = 'event'$$);
SELECT * FROM planted($$UPDATE df.instance_state SET parent_instance_key = NULL WHERE instance_id = 'child'$$);
\echo I7: claims of workers that are gone
SELECT * FROM planted($$UPDATE df.tasks SET worker_key = 999 WHERE state = 1$$);
SELECT * FROM planted($$UPDATE df.worker_sessions SET lease_until = now() - interval '1 hour'$$);
SELECT * FROM planted($$UPDATE df.worker_sessions SET absent_since = now() - interval '1 hour'$$);
\echo I8: claims and fences
SELECT * FROM planted($$UPDATE df.tasks SET fence = NULL WHERE state = 1$$);
SELECT * FROM planted($$UPDATE df.tasks SET fence = 5 WHERE instance_key = @'failed')$$);
SELECT * FROM planted(
    $$INSERT INTO df.tasks SELECT (x).* FROM (SELECT json_populate_record(t, json_build_object('task_id', 77)) AS x FROM df.tasks t WHERE state = 1) y$$);
\echo I10: what it would do now is not what it did
SELECT * FROM planted($$UPDATE df.history SET name = 'other' WHERE event_type = 4 AND task_id = 1 AND instance_key = @'work')$$);
SELECT * FROM planted($$UPDATE df.history SET input_hash = 1 WHERE event_type = 4 AND task_id = 1 AND instance_key = @'work')$$);
\echo what rows say of themselves
SELECT * FROM planted($$UPDATE df.instance_state SET completed_at = NULL WHERE instance_id = 'ended'$$);
SELECT * FROM planted($$UPDATE df.instance_state SET status = 2 WHERE instance_id = 'event'$$);
SELECT * FROM planted($$UPDATE df.instance_state SET await_remaining = NULL WHERE instance_id = 'event'$$);
SELECT * FROM planted($$DELETE FROM df.instance_state WHERE instance_id = 'parent'$$) WHERE finding = 'parent';
SELECT * FROM planted($$INSERT INTO df.timers VALUES (-1, 1, 0, now())$$, $$INSERT INTO df.buffered_events VALUES (-1, 1, 'x', NULL, now())$$);
SELECT * FROM planted($$UPDATE df.instance_state SET buffered_events = 3 WHERE instance_id = 'event'$$);
\echo warnings
SELECT * FROM planted($$UPDATE df.instance_state SET blocked_reason = 'it stands' WHERE instance_id = 'event'$$);
SELECT * FROM planted($$UPDATE df.instance_state SET last_updated_at = now() + interval '1 hour' WHERE instance_id = 'event'$$);
SELECT * FROM planted($$UPDATE df.tasks SET state = 4, deliveries = 5, fence = NULL, worker_key = NULL WHERE state = 1$$);
SELECT * FROM planted($$UPDATE df.tasks SET state = 0, queue = 'far', fence = NULL, worker_key = NULL WHERE state = 1$$);
SELECT * FROM planted($$UPDATE df.tasks SET state = 0, lane = 'hold2', fence = NULL, worker_key = NULL WHERE state = 1$$);
-- lanes of maps, of limited SQL activities and of HTTP requests: who offers what is in them, or SQL, which everybody does
SELECT lane, planted.*
FROM unnest('{*sql,*slow,*:adds,*map*sql,*map*slow,*map:adds,*map hold,*map hold2,*http:hook,*map df_http,df_http}'::text[]) WITH ORDINALITY AS l (lane, n)
LEFT JOIN LATERAL planted(format($$UPDATE df.tasks SET state = 0, lane = %L, fence = NULL, worker_key = NULL WHERE state = 1$$, lane)) ON true
ORDER BY n;
SELECT * FROM planted($$INSERT INTO df.inbox (instance_key, event_type, event_time) VALUES (@'event'), 12, now() - interval '1 hour')$$);
SELECT * FROM planted($$DELETE FROM df.worker_sessions$$, $$UPDATE df.tasks SET state = 0, fence = NULL, worker_key = NULL WHERE state = 1$$);
SELECT * FROM planted($$UPDATE df.home SET system_identifier = 1$$);
SELECT * FROM planted($$UPDATE pg_database SET datfrozenxid = '3000000000' WHERE datname = current_database()$$);

-- what has been for a moment only is no finding
BEGIN;
UPDATE df.tasks SET worker_key = 999 WHERE state = 1;
SELECT count(*) FROM df.doctor(true);
ROLLBACK;

-- a check has at most so many lines
SELECT finding, count(*) FROM planted($$INSERT INTO df.timers SELECT -1, n, 0, now() FROM generate_series(1, 1000) n$$) GROUP BY 1;
SELECT count(*) FROM df.doctor(true, 'postgres', '0');

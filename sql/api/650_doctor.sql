/*
 * sql/api/650_doctor.sql: df.doctor, the invariants as queries.
 *
 * Every check is one statement, so it sees one state of the database, and returns a row for each violation,
 * at most df.doctor_limit() of them.  What is on its way for a moment only is reported when it has been for
 * longer than settle.  Codes I1 to I10 are explained in docs/operations.md; other findings have a word.
 *
 * For administrators, who may grant it to a role that monitors: it runs as the extension's owner, shows ids
 * and names, and no payload.
 */

CREATE OR REPLACE FUNCTION df.doctor_limit() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS 'SELECT 100';
COMMENT ON FUNCTION df.doctor_limit() IS 'rows that one check of df.doctor returns at most';

CREATE OR REPLACE FUNCTION df.utc_text(at timestamptz) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;
COMMENT ON FUNCTION df.utc_text(timestamptz) IS 'a time as findings of df.doctor show it';

/* Statuses as in Durable Task: 1 Completed, 3 Failed, 4 Canceled, 5 Terminated are final, 7 is Suspended. */
CREATE OR REPLACE FUNCTION df.doctor_instances() RETURNS TABLE (
    severity text, finding text, instance_id text, task_id integer, detail text
)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- one pass over the instances: what a row says of itself
    (SELECT 'violation', f.finding, i.instance_id, NULL::integer, f.detail
     FROM df.instance_state i
     CROSS JOIN LATERAL (
         SELECT 'status', format('status is %s, but %s', df.status_name(i.status),
                CASE WHEN i.completed_at IS NULL THEN 'the instance has not ended' ELSE 'the instance has ended' END)
         WHERE (i.status IN (1, 3, 4, 5)) <> (i.completed_at IS NOT NULL)
         UNION ALL
         SELECT 'status', format('status %s is none that an instance can have', i.status)
         WHERE i.status NOT IN (0, 1, 3, 5, 6, 7)
         UNION ALL
         SELECT 'status', 'the awaited expression and its counters do not belong together'
         WHERE (i.awaited IS NULL) <> (i.await_remaining IS NULL)
         UNION ALL
         SELECT 'I5', 'the instance has ended and still awaits something'
         WHERE i.completed_at IS NOT NULL AND i.awaited IS NOT NULL
         UNION ALL
         SELECT 'I4', format('the last event in history is number %s, expected %s', h.last, i.next_event_id - 1)
         FROM (SELECT coalesce(max(e.event_id), 0) AS last FROM df.history e
               WHERE e.instance_key = i.instance_key AND e.execution = i.execution) h
         WHERE i.completed_at IS NULL AND h.last <> i.next_event_id - 1
         UNION ALL
         SELECT 'parent', format('parent %s does not exist', i.parent_instance_key)
         WHERE i.completed_at IS NULL AND i.parent_instance_key IS NOT NULL AND NOT EXISTS (
             SELECT FROM df.instance_state p WHERE p.instance_key = i.parent_instance_key)
         UNION ALL
         -- live, may run, and nothing will ever wake it
         SELECT 'I6', 'nothing will wake it: no delivery, task, timer, child or event'
         WHERE i.completed_at IS NULL AND i.status <> 7 AND i.blocked_reason IS NULL
             AND NOT EXISTS (SELECT FROM df.inbox x WHERE x.instance_key = i.instance_key)
             AND NOT EXISTS (SELECT FROM df.tasks t
                             WHERE t.instance_key = i.instance_key AND t.state IN (0, 1, 2, 4))
             AND NOT EXISTS (SELECT FROM df.timers t WHERE t.instance_key = i.instance_key)
             AND NOT EXISTS (SELECT FROM df.instance_state c
                             WHERE c.parent_instance_key = i.instance_key AND c.completed_at IS NULL)
             AND NOT EXISTS (SELECT FROM df.awaited_tasks(i.awaited, i.await_remaining) a WHERE a.name IS NOT NULL)
     ) AS f (finding, detail)
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'warning', 'quarantined', i.instance_id, NULL, i.blocked_reason
     FROM df.instance_state i
     WHERE i.blocked_reason IS NOT NULL AND i.completed_at IS NULL
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'warning', 'history', i.instance_id, NULL,
            format('its history has %s events with %s kB, more than a tenth of what it may have',
                   i.next_event_id - 1, i.history_bytes / 1024)
     FROM df.instance_state i
     WHERE i.completed_at IS NULL
         AND (i.next_event_id > current_setting('pgdf.max_history_events', true)::bigint / 10
             OR i.history_bytes > pg_size_bytes(current_setting('pgdf.max_history_bytes', true)) / 10)
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'warning', 'clock', i.instance_id, NULL,
            format('it was updated at %s, which is still to come: the clock was set back', df.utc_text(i.last_updated_at))
     FROM df.instance_state i
     WHERE i.last_updated_at > clock_timestamp() + interval '1 minute'
     LIMIT df.doctor_limit())
$$;
COMMENT ON FUNCTION df.doctor_instances() IS 'checks of df.doctor: rows of df.instance_state';

CREATE OR REPLACE FUNCTION df.doctor_work(settle interval) RETURNS TABLE (
    severity text, finding text, instance_id text, task_id integer, detail text
)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- a task that another call held when its instance ended goes when it is claimed
    (SELECT 'violation', 'I5', i.instance_id, coalesce(t.map_task_id, t.task_id),
            format('task "%s" is open, and the instance is %s', t.name, df.status_name(i.status))
     FROM df.tasks t
     JOIN df.instance_state i ON i.instance_key = t.instance_key
     WHERE i.completed_at <= clock_timestamp() - settle
         AND t.state = ANY (CASE WHEN i.status = 3 THEN ARRAY[0, 1, 2] ELSE ARRAY[0, 1, 2, 4, 5] END)
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'I5', i.instance_id, nullif(t.task_id, 0),
            format('a timer is open, and the instance is %s', df.status_name(i.status))
     FROM df.timers t
     JOIN df.instance_state i ON i.instance_key = t.instance_key
     WHERE i.completed_at <= clock_timestamp() - settle
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'orphan', NULL, w.task_id, format('a row of %s belongs to no instance', w.relation)
     FROM (SELECT 'df.tasks' AS relation, t.instance_key, t.task_id FROM df.tasks t
           UNION ALL
           SELECT 'df.timers', t.instance_key, t.task_id FROM df.timers t
           UNION ALL
           SELECT 'df.maps', m.instance_key, m.task_id FROM df.maps m
           UNION ALL
           SELECT 'df.buffered_events', b.instance_key, NULL FROM df.buffered_events b) w
     WHERE NOT EXISTS (SELECT FROM df.instance_state i WHERE i.instance_key = w.instance_key)
     LIMIT df.doctor_limit())
    UNION ALL
    -- a worker takes over from others: this lasts only when there is none
    (SELECT CASE WHEN l.is_live THEN 'violation' ELSE 'warning' END, 'I7', i.instance_id, coalesce(t.map_task_id, t.task_id),
            CASE WHEN w.worker_key IS NULL THEN format('it is claimed by worker session %s, which does not exist', t.worker_key)
                 ELSE format('it is claimed by worker "%s", which was last seen at %s', w.name, df.utc_text(w.last_seen_at)) END
     FROM df.tasks t
     LEFT JOIN df.worker_sessions w ON w.worker_key = t.worker_key
     LEFT JOIN df.instance_state i ON i.instance_key = t.instance_key
     CROSS JOIN (SELECT EXISTS (SELECT FROM df.worker_sessions s
                                WHERE s.lease_until > clock_timestamp() AND s.absent_since IS NULL)) AS l (is_live)
     WHERE t.state = 1
         AND CASE WHEN w.worker_key IS NULL THEN t.claimed_at <= clock_timestamp() - settle
                  ELSE w.lease_until <= clock_timestamp() - settle
                      OR w.absent_since <= clock_timestamp() - settle
                          - coalesce(current_setting('pgdf.reconnect_grace', true), '1s')::interval END
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'I8', i.instance_id, coalesce(t.map_task_id, t.task_id),
            CASE WHEN t.state = 1 THEN 'it is claimed without a fence or a worker'
                 ELSE 'it is not claimed, and has a fence or a worker' END
     FROM df.tasks t
     LEFT JOIN df.instance_state i ON i.instance_key = t.instance_key
     WHERE CASE WHEN t.state = 1 THEN t.fence IS NULL OR t.worker_key IS NULL OR t.claimed_at IS NULL
                ELSE t.fence IS NOT NULL OR t.worker_key IS NOT NULL END
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'warning', 'dead letter', i.instance_id, coalesce(t.map_task_id, t.task_id),
            format('activity "%s" was delivered %s times and never answered', t.name, t.deliveries)
     FROM df.tasks t
     JOIN df.instance_state i ON i.instance_key = t.instance_key
     WHERE t.state = 4 AND i.completed_at IS NULL
     LIMIT df.doctor_limit())
$$;
COMMENT ON FUNCTION df.doctor_work(interval) IS 'checks of df.doctor: open tasks and timers';

CREATE OR REPLACE FUNCTION df.lane_is_served(queue text, lane text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_lane_is_served';
COMMENT ON FUNCTION df.lane_is_served(text, text) IS 'is there a live worker that claims tasks of this lane?';

CREATE OR REPLACE FUNCTION df.doctor_operations(settle interval) RETURNS TABLE (
    severity text, finding text, instance_id text, task_id integer, detail text
)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    (SELECT 'warning', 'no worker', NULL::text, NULL::integer,
            'there are live instances, and no worker is attached to this database'
     WHERE EXISTS (SELECT FROM df.instance_state i WHERE i.completed_at IS NULL)
         AND NOT EXISTS (SELECT FROM df.worker_sessions w
                         WHERE w.lease_until > clock_timestamp() AND w.absent_since IS NULL))
    UNION ALL
    (SELECT 'warning', 'copy', NULL, NULL,
            'this database is a copy of another: no worker runs its instances before df_adopt() is called'
     FROM df.home h, pg_control_system() c, pg_database d
     WHERE d.datname = current_database()
         AND (h.system_identifier <> c.system_identifier OR h.database_oid <> d.oid))
    UNION ALL
    -- lane by lane, by their index: a million tasks of one lane cost nothing
    (WITH RECURSIVE lanes AS (
         (SELECT t.queue, t.lane FROM df.tasks t WHERE t.state = 0 ORDER BY t.queue, t.lane LIMIT 1)
         UNION ALL
         SELECT n.queue, n.lane
         FROM lanes l
         CROSS JOIN LATERAL (
             SELECT t.queue, t.lane FROM df.tasks t
             WHERE t.state = 0 AND (t.queue, t.lane) > (l.queue, l.lane)
             ORDER BY t.queue, t.lane LIMIT 1) n
     )
     SELECT 'warning', 'unserved', i.instance_id, coalesce(first.map_task_id, first.task_id),
            format('no worker offers activity "%s" on queue "%s"', first.name, l.queue)
     FROM lanes l
     CROSS JOIN LATERAL (SELECT t.instance_key, t.task_id, t.map_task_id, t.name, t.scheduled_at FROM df.tasks t
                         WHERE t.state = 0 AND t.queue = l.queue AND t.lane = l.lane
                         ORDER BY t.priority DESC, t.seq LIMIT 1) first
     JOIN df.instance_state i ON i.instance_key = first.instance_key
     WHERE first.scheduled_at <= clock_timestamp() - settle
         AND NOT df.lane_is_served(l.queue, l.lane)
     LIMIT df.doctor_limit())
    UNION ALL
    -- what waits for a quarantined instance waits with it
    (SELECT 'warning', 'backlog', i.instance_id, x.task_id,
            format('a delivery waits since %s', df.utc_text(x.event_time))
     FROM (SELECT b.* FROM df.inbox b
           WHERE b.instance_key <> ALL (ARRAY(SELECT q.instance_key FROM df.instance_state q
                                              WHERE q.blocked_reason IS NOT NULL))
           ORDER BY b.inbox_id LIMIT 1) x
     LEFT JOIN df.instance_state i ON i.instance_key = x.instance_key
     WHERE x.event_time <= clock_timestamp() - settle)
    UNION ALL
    (SELECT 'warning', 'old snapshot', NULL, NULL,
            format('%s keeps dead rows since %s', s.who, df.utc_text(s.since))
     FROM (SELECT format('process %s of user "%s"', a.pid, a.usename), a.xact_start
           FROM pg_stat_activity a
           WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
               AND a.backend_type <> 'walsender'
           UNION ALL
           SELECT format('prepared transaction "%s"', p.gid), p.prepared FROM pg_prepared_xacts p
          ) AS s (who, since)
     WHERE s.since < clock_timestamp() - interval '10 minutes'
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'warning', 'old snapshot', NULL, NULL,
            format('replication slot "%s" keeps dead rows of %s transactions', s.slot_name,
                   greatest(age(s.xmin), age(s.catalog_xmin)))
     FROM pg_replication_slots s
     WHERE greatest(age(s.xmin), age(s.catalog_xmin)) > 10000000
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'warning', 'freeze', NULL, NULL,
            format('age(datfrozenxid) is %s: VACUUM has not kept up', age(d.datfrozenxid))
     FROM pg_database d
     WHERE d.datname = current_database() AND age(d.datfrozenxid) > 1000000000)
    UNION ALL
    (SELECT 'warning', 'notify queue', NULL, NULL,
            format('the queue of NOTIFY is %s %% full: a listener is idle in a transaction',
                   round((100 * pg_notification_queue_usage())::numeric, 1))
     WHERE pg_notification_queue_usage() > 0.1)
$$;
COMMENT ON FUNCTION df.doctor_operations(interval) IS 'checks of df.doctor: workers and server';

CREATE OR REPLACE FUNCTION df.doctor_history() RETURNS TABLE (
    severity text, finding text, instance_id text, task_id integer, detail text
)
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- what an instance awaits, and nothing will bring
    (SELECT 'violation', 'I1', i.instance_id, a.task_id,
            'it is awaited, has no outcome, and nothing will bring one'
     FROM df.instance_state i
     CROSS JOIN LATERAL df.awaited_tasks(i.awaited, i.await_remaining) a
     WHERE i.completed_at IS NULL AND i.blocked_reason IS NULL AND a.name IS NULL
         AND NOT EXISTS (SELECT FROM df.tasks t
                         WHERE t.instance_key = i.instance_key AND coalesce(t.map_task_id, t.task_id) = a.task_id
                             AND t.state IN (0, 1, 2, 4))
         AND NOT EXISTS (SELECT FROM df.timers t WHERE t.instance_key = i.instance_key AND t.task_id = a.task_id)
         AND NOT EXISTS (SELECT FROM df.inbox x WHERE x.instance_key = i.instance_key AND x.task_id = a.task_id)
         AND NOT EXISTS (SELECT FROM df.instance_state c
                         WHERE c.parent_instance_key = i.instance_key AND c.parent_execution = i.execution
                             AND c.parent_task_id = a.task_id AND c.completed_at IS NULL)
         AND NOT EXISTS (SELECT FROM df.history o
                         WHERE o.instance_key = i.instance_key AND o.execution = i.execution
                             AND o.task_id = a.task_id AND o.event_type IN (5, 6, 8, 9, 11, 14, 15, 17)
                             AND NOT EXISTS (SELECT FROM df.history r
                                             WHERE r.instance_key = o.instance_key AND r.execution = o.execution
                                                 AND r.event_type = 21 AND r.event_id > o.event_id
                                                 AND (r.payload::jsonb -> 'failedTasks') @> to_jsonb(o.task_id)))
     LIMIT df.doctor_limit())
    UNION ALL
    -- a rewind takes a failure back: then another outcome may come
    (SELECT 'violation', 'I2', i.instance_id, o.task_id,
            format('events %s and %s are both its outcome', o.before, o.event_id)
     FROM (SELECT h.instance_key, h.execution, h.event_id, h.task_id, h.event_type,
                  lag(h.event_id) OVER (PARTITION BY h.instance_key, h.execution, h.task_id ORDER BY h.event_id) AS before
           FROM df.history h
           WHERE h.event_type IN (5, 6, 8, 9, 11, 15) AND h.task_id IS NOT NULL) o
     LEFT JOIN df.instance_state i ON i.instance_key = o.instance_key
     WHERE o.before IS NOT NULL
         AND NOT EXISTS (SELECT FROM df.history r
                         WHERE r.instance_key = o.instance_key AND r.execution = o.execution AND r.event_type = 21
                             AND r.event_id BETWEEN o.before AND o.event_id)
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'I3', i.instance_id, o.task_id,
            format('event %s, %s, is the outcome of what was not scheduled', o.event_id, df.event_type_name(o.event_type))
     FROM df.history o
     LEFT JOIN df.instance_state i ON i.instance_key = o.instance_key
     WHERE o.event_type IN (5, 6, 8, 9, 11)
         AND NOT EXISTS (SELECT FROM df.history c
                         WHERE c.instance_key = o.instance_key AND c.execution = o.execution
                             AND c.task_id IS NOT DISTINCT FROM o.task_id AND c.event_id < o.event_id
                             AND c.event_type = ANY (CASE WHEN o.event_type IN (5, 6) THEN '{4, 50}'::integer[]
                                                          WHEN o.event_type = 11 THEN '{10}' ELSE '{7}' END))
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'I3', i.instance_id, coalesce(t.map_task_id, t.task_id), format('task "%s" is not in history', t.name)
     FROM df.tasks t
     JOIN df.instance_state i ON i.instance_key = t.instance_key
     WHERE i.completed_at IS NULL AND t.execution = i.execution
         AND NOT EXISTS (SELECT FROM df.history h
                         WHERE h.instance_key = t.instance_key AND h.execution = t.execution
                             AND h.event_id = t.scheduled_event AND h.event_type IN (4, 50)
                             AND h.task_id = coalesce(t.map_task_id, t.task_id))
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'I4', i.instance_id, NULL,
            CASE WHEN i.instance_key IS NULL THEN format('history of instance %s, which does not exist', h.instance_key)
                 WHEN i.execution <> h.execution THEN format('history of execution %s, and the current one is %s', h.execution, i.execution)
                 ELSE format('history has %s events from %s to %s, expected %s from 1', h.events, h.first, h.last, i.next_event_id - 1) END
     FROM (SELECT e.instance_key, e.execution, count(*) AS events, min(e.event_id) AS first, max(e.event_id) AS last
           FROM df.history e GROUP BY e.instance_key, e.execution) h
     LEFT JOIN df.instance_state i ON i.instance_key = h.instance_key
     -- of a child that is retried, the failed attempts stay
     WHERE i.instance_key IS NULL OR h.first <> 1 OR h.events <> h.last
         OR CASE WHEN h.execution = i.execution THEN h.last <> i.next_event_id - 1
                 ELSE i.retry IS NULL OR h.execution > i.execution END
     LIMIT df.doctor_limit())
    UNION ALL
    -- an item of a map is in one chunk, or has its outcome, or is not yet released
    (SELECT 'violation', 'map', i.instance_id, m.task_id,
            format('of %s items, %s are counted as done, %s have an outcome, %s are in chunks, %s are to be released',
                   m.items, m.completed, d.done, c.open, m.items - m.released)
     FROM df.maps m
     JOIN df.instance_state i ON i.instance_key = m.instance_key
     CROSS JOIN LATERAL (SELECT count(*) AS done FROM df.map_results r
                         WHERE r.instance_key = m.instance_key AND r.map_key = m.map_key) d
     CROSS JOIN LATERAL (SELECT coalesce(sum(bit_count(t.open_items::bit(64))), 0) AS open FROM df.tasks t
                         WHERE t.instance_key = m.instance_key AND t.map_key = m.map_key) c
     WHERE i.completed_at IS NULL AND NOT m.is_closed AND m.execution = i.execution
         AND (d.done + c.open + m.items - m.released <> m.items
              OR (m.completed <> d.done AND NOT EXISTS (SELECT FROM df.inbox x
                                                        WHERE x.instance_key = m.instance_key AND x.task_id = m.task_id)))
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'I8', NULL, NULL, format('fence %s is that of %s tasks', t.fence, count(*))
     FROM df.tasks t
     WHERE t.state = 1
     GROUP BY t.fence
     HAVING count(*) > 1
     LIMIT df.doctor_limit())
    UNION ALL
    (SELECT 'violation', 'events', i.instance_id, NULL,
            format('it has %s buffered events and counts %s', b.events, i.buffered_events)
     FROM df.instance_state i
     CROSS JOIN LATERAL (SELECT count(*) AS events FROM df.buffered_events e WHERE e.instance_key = i.instance_key) b
     WHERE i.completed_at IS NULL AND b.events <> i.buffered_events
     LIMIT df.doctor_limit())
$$;
COMMENT ON FUNCTION df.doctor_history() IS 'checks of df.doctor that read all of history';

CREATE OR REPLACE FUNCTION df.replay_check(owner regrole) RETURNS TABLE (
    instance_id text,
    event_id integer,
    expected text,
    actual text,
    line integer
)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_replay_check';
COMMENT ON FUNCTION df.replay_check(regrole)
    IS 'live instances of a role whose history the code that they run does not match; one role a transaction';

CREATE OR REPLACE FUNCTION df.doctor(
    "full" boolean DEFAULT false,
    replay regrole DEFAULT NULL,
    settle interval DEFAULT '1 minute'
) RETURNS TABLE (
    severity text,
    finding text,
    instance_id text,
    task_id integer,
    detail text
)
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM df.doctor_instances();
    RETURN QUERY SELECT * FROM df.doctor_work(coalesce(settle, interval '1 minute'));
    RETURN QUERY SELECT * FROM df.doctor_operations(coalesce(settle, interval '1 minute'));
    IF "full" THEN
        RETURN QUERY SELECT * FROM df.doctor_history();
    END IF;
    IF replay IS NOT NULL THEN
        RETURN QUERY
        SELECT 'violation', 'I10', r.instance_id, NULL::integer,
            format('its code does not repeat its history: expected %s, got %s', r.expected, r.actual)
        FROM df.replay_check(replay) r
        LIMIT df.doctor_limit();
    END IF;
END
$$;
COMMENT ON FUNCTION df.doctor(boolean, regrole, interval)
    IS 'what is wrong in this database: a row for each violation of an invariant, or warning';

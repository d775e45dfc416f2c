/*
 * sql/api/710_metrics.sql: what the database knows for GET /metrics.
 *
 * It is asked every few seconds, so everything is read from an index and counted
 * no further than COUNTED; a number that is as high as that is "so many or more".
 * Instances are counted while the table is small, and estimated by what ANALYZE
 * has seen when it is not.
 */

CREATE OR REPLACE FUNCTION df.api_metrics()
    RETURNS TABLE (name text, labels json, kind text, help text, value double precision)
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE limits (counted, exact_pages) AS (
        VALUES (10000, 4000)
    ), lane AS (
        -- a skip scan over the index of queued tasks
        (SELECT t.queue, t.lane, t.priority FROM df.tasks t WHERE t.state = 0
         ORDER BY t.queue, t.lane, t.priority DESC LIMIT 1)
        UNION ALL
        SELECT n.queue, n.lane, n.priority
        FROM lane l
        CROSS JOIN LATERAL (
            (SELECT t.queue, t.lane, t.priority FROM df.tasks t
             WHERE t.state = 0 AND t.queue = l.queue AND t.lane = l.lane AND t.priority < l.priority
             ORDER BY t.priority DESC LIMIT 1)
            UNION ALL
            (SELECT t.queue, t.lane, t.priority FROM df.tasks t
             WHERE t.state = 0 AND (t.queue, t.lane) > (l.queue, l.lane)
             ORDER BY t.queue, t.lane, t.priority DESC LIMIT 1)
            LIMIT 1
        ) n
    ), lanes AS (
        SELECT l.*, json_build_object('queue', l.queue, 'activity', l.lane, 'priority', l.priority::text) AS labels
        FROM lane l
        LIMIT 1000
    ), table_size AS (
        SELECT c.reltuples, pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages
        FROM pg_class c
        WHERE c.oid = 'df.instance_state'::regclass
    ), statuses AS (
        SELECT s.status::smallint FROM generate_series(0, 7) AS s (status) WHERE s.status NOT IN (2, 4)
    ), instances AS (
        SELECT s.status, coalesce(c.n, 0)::double precision AS n
        FROM statuses s
        LEFT JOIN (
            SELECT i.status, count(*) AS n
            FROM df.instance_state i
            WHERE (SELECT z.pages <= l.exact_pages FROM table_size z, limits l)
            GROUP BY i.status
        ) c ON c.status = s.status
        WHERE (SELECT z.pages <= l.exact_pages FROM table_size z, limits l)
        UNION ALL
        SELECT s.status, round(coalesce(f.frequency, 0)::numeric * z.reltuples::numeric)::double precision
        FROM statuses s
        CROSS JOIN table_size z
        CROSS JOIN limits l
        LEFT JOIN (
            SELECT v.value::smallint AS status, v.frequency
            FROM pg_stats p
            CROSS JOIN LATERAL unnest(p.most_common_vals::text::text[], p.most_common_freqs) AS v (value, frequency)
            WHERE p.schemaname = 'df' AND p.tablename = 'instance_state' AND p.attname = 'status'
        ) f ON f.status = s.status
        WHERE z.pages > l.exact_pages
    )
    SELECT 'pgdf_queue_tasks', l.labels, 'gauge', 'Activities that wait for a worker.',
        (SELECT count(*) FROM (
            SELECT FROM df.tasks t
            WHERE t.state = 0 AND t.queue = l.queue AND t.lane = l.lane AND t.priority = l.priority
            LIMIT (SELECT counted FROM limits)) q)::double precision
    FROM lanes l
    UNION ALL
    SELECT 'pgdf_queue_oldest_seconds', l.labels, 'gauge', 'Age of the first activity in line.',
        (SELECT greatest(0, extract(epoch FROM clock_timestamp() - coalesce(t.visible_at, t.scheduled_at)))
         FROM df.tasks t
         WHERE t.state = 0 AND t.queue = l.queue AND t.lane = l.lane AND t.priority = l.priority
         ORDER BY t.seq LIMIT 1)::double precision
    FROM lanes l
    UNION ALL
    SELECT 'pgdf_tasks_delayed', '{}', 'gauge', 'Activities that wait for their next attempt.',
        (SELECT count(*) FROM (
            SELECT FROM df.tasks t WHERE t.state = 2 LIMIT (SELECT counted FROM limits)) q)::double precision
    UNION ALL
    SELECT 'pgdf_dead_letters', '{}', 'gauge', 'Activities that ended every worker that took them.',
        (SELECT count(*) FROM (
            SELECT FROM df.tasks t WHERE t.state = 4 LIMIT (SELECT counted FROM limits)) q)::double precision
    UNION ALL
    SELECT 'pgdf_inbox_deliveries', '{}', 'gauge', 'Events on their way to their instances.',
        (SELECT count(*) FROM (
            SELECT FROM df.inbox LIMIT (SELECT counted FROM limits)) q)::double precision
    UNION ALL
    SELECT 'pgdf_inbox_oldest_seconds', '{}', 'gauge', 'Age of the first event on its way.',
        coalesce((SELECT greatest(0, extract(epoch FROM clock_timestamp() - i.event_time))
                  FROM df.inbox i ORDER BY i.inbox_id LIMIT 1), 0)::double precision
    UNION ALL
    SELECT 'pgdf_timers_due', '{}', 'gauge', 'Timers whose time has come.',
        (SELECT count(*) FROM (
            SELECT FROM df.timers t WHERE t.fire_at <= clock_timestamp()
            LIMIT (SELECT counted FROM limits)) q)::double precision
    UNION ALL
    SELECT 'pgdf_instances', json_build_object('status', df.status_name(i.status)), 'gauge',
        'Instances by status; an estimate when there are many.', i.n
    FROM instances i
    UNION ALL
    SELECT 'pgdf_instances_blocked', '{}', 'gauge', 'Instances that stand still with a blocked_reason.',
        (SELECT count(*) FROM (
            SELECT FROM df.instance_state s WHERE s.blocked_reason IS NOT NULL
            LIMIT (SELECT counted FROM limits)) q)::double precision
    UNION ALL
    SELECT 'pgdf_workers', json_build_object('state', w.state), 'gauge', 'Worker processes that are attached.',
        (SELECT count(*) FROM df.worker_sessions s
         WHERE (s.absent_since IS NULL AND s.lease_until > clock_timestamp()) = (w.state = 'live'))::double precision
    FROM (VALUES ('live'), ('lost')) AS w (state)
    UNION ALL
    SELECT 'pgdf_worker_slots', '{}', 'gauge', 'Activities that the attached workers run at the same time.',
        (SELECT coalesce(sum(s.slots), 0) FROM df.worker_sessions s)::double precision
    UNION ALL
    SELECT 'pgdf_tasks_claimed', '{}', 'gauge', 'Activities that a worker holds.',
        (SELECT count(*) FROM (
            SELECT FROM df.tasks t WHERE t.state = 1 LIMIT (SELECT counted FROM limits)) q)::double precision
    UNION ALL
    SELECT 'pgdf_results_fenced', '{}', 'gauge', 'Late results of the attached workers that were dropped.',
        (SELECT coalesce(sum(s.fenced), 0) FROM df.worker_sessions s)::double precision
$$;
COMMENT ON FUNCTION df.api_metrics() IS 'HTTP: gauges for GET /metrics';

/*
 * sql/api/110_views.sql: what a role may see of the tables.
 *
 * A row belongs to a role; its members see it, and administrators (members of
 * the owner of schema df) see all.  The views are security barriers: no
 * function of a query sees a row before that is checked.
 */

CREATE OR REPLACE VIEW df.instances WITH (security_barrier) AS
SELECT
    i.instance_id,
    i.name,
    df.status_name(i.status) AS runtime_status,
    i.input::jsonb AS input,
    i.custom_status::jsonb AS custom_status,
    i.output::jsonb AS output,
    i.created_at AS created_time,
    i.last_updated_at AS last_updated_time,
    i.completed_at AS completed_time,
    i.failure::jsonb AS failure_details,
    i.tasks_completed,
    i.tasks_total,
    CASE
        WHEN i.completed_at IS NULL THEN coalesce(i.blocked_reason, df.waiting_reason(i.instance_key))
        ELSE i.blocked_reason
    END AS blocked_reason,
    (SELECT p.instance_id FROM df.instance_state p WHERE p.instance_key = i.parent_instance_key)
        AS parent_instance_id,
    i.execution,
    nullif(i.version, '') AS version,
    i.tags,
    i.priority,
    i.queue,
    i.scheduled_start_at AS scheduled_start_time,
    i.owner
FROM df.instance_state i
WHERE (SELECT pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER')
       FROM pg_catalog.pg_namespace n
       WHERE n.nspname = 'df')
    OR pg_catalog.pg_has_role(current_user, i.owner, 'MEMBER');
COMMENT ON VIEW df.instances IS 'the instances that the current role may see';

CREATE OR REPLACE VIEW df.orchestrators WITH (security_barrier) AS
SELECT
    r.name,
    nullif(r.version, '') AS version,
    r.kind,
    r.function,
    r.queue,
    w.live_workers,
    w.last_served,
    r.registrar AS owner,
    r.registered_at
FROM df.registrations r
CROSS JOIN (
    SELECT
        pg_catalog.count(*) FILTER (WHERE s.lease_until > pg_catalog.now()) AS live_workers,
        pg_catalog.max(s.last_seen_at) AS last_served
    FROM df.worker_sessions s
) w
WHERE r.kind = 'orchestrator';
COMMENT ON VIEW df.orchestrators IS 'registered orchestrators; turns are taken by any worker';

CREATE OR REPLACE VIEW df.activities WITH (security_barrier) AS
WITH offered AS (
    SELECT
        a.name_key,
        pg_catalog.count(*) FILTER (WHERE s.lease_until > pg_catalog.now()) AS live_workers,
        pg_catalog.max(s.last_seen_at) AS last_served
    FROM df.worker_sessions s
    CROSS JOIN pg_catalog.unnest(s.activities) AS a (name_key)
    GROUP BY a.name_key
), anywhere AS (
    SELECT
        pg_catalog.count(*) FILTER (WHERE s.lease_until > pg_catalog.now()) AS live_workers,
        pg_catalog.max(s.last_seen_at) AS last_served
    FROM df.worker_sessions s
), registered AS (
    SELECT * FROM df.registrations r WHERE r.kind <> 'orchestrator'
), limited AS (
    SELECT * FROM df.limits l WHERE l.max_running IS NOT NULL OR l.rate IS NOT NULL
)
SELECT
    coalesce(r.name, o.name_key, l.name) AS name,
    coalesce(r.kind, 'worker') AS kind,
    r.function,
    r.queue,
    CASE r.kind
        WHEN 'sql' THEN w.live_workers
        WHEN 'http' THEN coalesce(h.live_workers, 0)
        ELSE coalesce(o.live_workers, 0)
    END AS live_workers,
    CASE r.kind
        WHEN 'sql' THEN w.last_served
        WHEN 'http' THEN h.last_served
        ELSE o.last_served
    END AS last_served,
    r.registrar AS owner,
    r.registered_at,
    l.max_running,
    l.rate
FROM registered r
FULL JOIN offered o ON o.name_key = r.name_key
FULL JOIN limited l ON l.name_key = coalesce(r.name_key, o.name_key)
LEFT JOIN offered h ON h.name_key = 'df_http'
CROSS JOIN anywhere w;
COMMENT ON VIEW df.activities IS 'activities that are registered or offered by a worker';

CREATE OR REPLACE VIEW df.workers WITH (security_barrier) AS
SELECT
    s.worker_key,
    s.name,
    s.role,
    s.queues,
    s.activities,
    s.slots,
    (SELECT coalesce(pg_catalog.sum(coalesce(pg_catalog.bit_count(t.open_items::bit(64)), 1)), 0)::bigint
     FROM df.tasks t
     WHERE t.worker_key = s.worker_key AND t.state = 1) AS claimed,
    s.attached_at,
    s.last_seen_at,
    s.lease_until,
    s.absent_since,
    s.fenced,
    s.details
FROM df.worker_sessions s
WHERE (SELECT pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER')
       FROM pg_catalog.pg_namespace n
       WHERE n.nspname = 'df')
    OR pg_catalog.pg_has_role(current_user, s.role, 'MEMBER');
COMMENT ON VIEW df.workers IS 'attached workers of roles that the current role is a member of';

CREATE OR REPLACE VIEW df.dead_letters WITH (security_barrier) AS
SELECT
    i.instance_id,
    coalesce(t.map_task_id, t.task_id) AS task_id,
    t.execution,
    t.name,
    t.queue,
    t.deliveries,
    t.attempts,
    t.scheduled_at,
    t.last_failure::jsonb AS last_failure,
    i.owner,
    c.item
FROM df.tasks t
JOIN df.instance_state i ON i.instance_key = t.instance_key
LEFT JOIN LATERAL (
    SELECT t.first_item + b AS item
    FROM pg_catalog.generate_series(0, 63) AS b
    WHERE t.open_items >> b & 1 = 1
) c ON true
WHERE t.state = 4
    AND ((SELECT pg_catalog.pg_has_role(current_user, n.nspowner, 'MEMBER')
          FROM pg_catalog.pg_namespace n
          WHERE n.nspname = 'df')
        OR pg_catalog.pg_has_role(current_user, i.owner, 'MEMBER'));
COMMENT ON VIEW df.dead_letters
    IS 'tasks that were handed out too often without an answer';

/*
 * sql/api/610_lost_claims.sql: claims that a worker does not know of.
 *
 * When the connection breaks between the commit of df.work and its answer, tasks
 * are claimed for a worker that never hears of them, and its presence keeps them.
 * After such a loss a worker tells, for a while, which claims it holds.
 */

CREATE OR REPLACE FUNCTION df.detach(worker_key bigint, held bigint[], older_than_ms integer) RETURNS integer
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH lost AS (
        UPDATE df.tasks AS t
        SET state = 0,
            fence = NULL,
            worker_key = NULL,
            claimed_at = NULL,
            attempts = CASE WHEN t.at_most_once AND t.resume_state IS NULL THEN t.attempts - 1 ELSE t.attempts END,
            is_started = false,
            deliveries = greatest(0, t.deliveries - 1)
        WHERE t.worker_key = detach.worker_key
            AND t.state = 1
            AND t.claimed_at < clock_timestamp() - make_interval(secs => older_than_ms / 1000.0)
            -- who holds an item of a chunk knows the chunk; its fences differ in six bits
            AND t.fence <> ALL (CASE WHEN t.map_task_id IS NULL THEN held
                                     ELSE ARRAY(SELECT h >> 6 << 6 FROM unnest(held) AS h) END)
        RETURNING 1
    )
    SELECT count(*)::integer FROM lost
$$;
COMMENT ON FUNCTION df.detach(bigint, bigint[], integer)
    IS 'give back the claims of a worker that are older than so long and whose fences it does not hold';

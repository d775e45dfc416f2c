/*
 * test/lib/helpers.sql: a worker made of SQL, for tests that need no process.
 *
 *   CALL test.run()                 work until nothing is left to do; a transaction for each engine call
 *   CALL test.run(room => 0)        run every turn that is due, claim nothing
 *   SELECT * FROM test.work(...)    one engine call: reports what test.answer() has noted, keeps what it claims
 *   CALL test.answer(id, task)      the result of a claimed task, to be reported by the next call
 *   CALL test.answer_item(id, task, n)  the same for an item of a map
 *
 * test.run() answers these activities: echo (its input), double (twice its input), fail (fails with the error
 * type, message and so on that its input has).  A task of activity hold stays claimed until test.answer().
 */

CREATE SCHEMA test;

/* A worker of that name, attached by this session at its first call. */
CREATE TABLE test.workers (
    name text PRIMARY KEY,
    worker_key bigint,
    queues text[] NOT NULL DEFAULT '{default}',
    activities text[] NOT NULL DEFAULT '{echo,double,fail,hold}'
);

/* Tasks that a worker holds. */
CREATE TABLE test.claimed (
    n serial PRIMARY KEY,
    worker text NOT NULL,
    what "char" NOT NULL,
    instance_key bigint NOT NULL,
    task_id int NOT NULL,
    fence bigint NOT NULL,
    name text,
    instance_id text,
    attempt int,
    idempotency_key text,
    timeout_ms bigint,
    input text,
    settings text,
    outcome text,       -- to be reported
    payload text
);

/* df.attach once; returns the worker's key. */
CREATE FUNCTION test.attach(worker text DEFAULT 'w', queues text[] DEFAULT NULL, activities text[] DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    w test.workers;
BEGIN
    INSERT INTO test.workers (name) VALUES (worker) ON CONFLICT DO NOTHING;
    UPDATE test.workers SET queues = coalesce(attach.queues, workers.queues),
        activities = coalesce(attach.activities, workers.activities)
    WHERE name = worker RETURNING * INTO w;
    IF w.worker_key IS NULL THEN
        UPDATE test.workers SET worker_key =
            (SELECT a.worker_key FROM df.attach(gen_random_uuid(), worker, w.queues, w.activities, 10) a)
        WHERE name = worker RETURNING * INTO w;
    END IF;
    RETURN w.worker_key;
END $$;

/* One engine call of a worker.  Rows: its answer, with the instance's id and what is stable of the summary. */
CREATE FUNCTION test.work(
    worker text DEFAULT 'w', room int DEFAULT 100, mode text DEFAULT 'work', turns int DEFAULT 60
) RETURNS TABLE (what "char", instance_id text, task_id int, name text, attempt int, input text)
LANGUAGE plpgsql AS $$
DECLARE
    w test.workers;
    done record;
    answer jsonb;
BEGIN
    PERFORM test.attach(worker);
    SELECT * INTO w FROM test.workers t WHERE t.name = worker;
    SELECT coalesce(array_agg(r.instance_key ORDER BY n), '{}') AS instances,
        coalesce(array_agg(r.task_id ORDER BY n), '{}') AS tasks,
        coalesce(array_agg(r.fence ORDER BY n), '{}') AS fences,
        coalesce(string_agg(r.outcome, '' ORDER BY n), '') AS outcomes,
        coalesce(array_agg(r.payload ORDER BY n), '{}') AS payloads
    INTO done FROM test.claimed r WHERE r.worker = w.name AND r.outcome IS NOT NULL;

    SELECT jsonb_agg(to_jsonb(r)) INTO answer
    FROM df.work(w.worker_key, w.queues, w.activities, room, turns, mode,
                 done.instances, done.tasks, done.fences, done.outcomes, done.payloads) r;

    -- R: out of reach for the moment, to be sent again
    DELETE FROM test.claimed c
    WHERE c.worker = w.name AND c.outcome NOT IN ('s', 'h') AND NOT EXISTS (
        SELECT FROM jsonb_to_recordset(answer) AS r(what "char", instance_key bigint, task_id int, fence bigint)
        WHERE r.what = 'R' AND r.instance_key = c.instance_key AND r.task_id = c.task_id AND r.fence = c.fence);
    UPDATE test.claimed c SET outcome = NULL WHERE c.worker = w.name AND c.outcome IN ('s', 'h');
    INSERT INTO test.claimed (worker, what, instance_key, task_id, fence, name, instance_id, attempt,
        idempotency_key, timeout_ms, input, settings)
    SELECT w.name, r.what, r.instance_key, r.task_id, r.fence, r.name, r.instance_id, r.attempt,
        r.idempotency_key, r.timeout_ms, r.input, r.settings
    FROM jsonb_to_recordset(answer) AS r(what "char", instance_key bigint, task_id int, fence bigint, name text,
        instance_id text, attempt int, idempotency_key text, timeout_ms bigint, input text, settings text)
    WHERE r.what IN ('T', 'Q');

    RETURN QUERY
    SELECT r.what,
        coalesce(r.instance_id, (SELECT i.instance_id FROM df.instance_state i WHERE i.instance_key = r.instance_key)),
        -- of an item, the number of its map: that of the chunk differs from run to run
        CASE WHEN r.task_id < 0 THEN coalesce(split_part(r.idempotency_key, '-', 7)::int, 0) ELSE r.task_id END,
        r.name, r.attempt,
        CASE WHEN r.what = 'S' THEN (r.input::jsonb - 'next_due_ms')::text ELSE r.input END
    FROM jsonb_to_recordset(answer)
        AS r(what "char", instance_key bigint, task_id int, fence bigint, name text, instance_id text, attempt int,
            idempotency_key text, input text)
    -- a cancelled chunk is told with all items that it could have
    WHERE NOT (r.what = 'C' AND r.task_id < 0
               AND NOT EXISTS (SELECT FROM test.claimed c WHERE c.worker = w.name AND c.fence = r.fence));
END $$;

/* The same for an item of a map: task is the map's number. */
CREATE PROCEDURE test.answer_item(instance_id text, task_id int, item int, outcome text DEFAULT 'c', payload text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE test.claimed c
    SET outcome = answer_item.outcome,
        payload = CASE WHEN answer_item.outcome = 'f' THEN test.failure(answer_item.payload::jsonb)::text
                       ELSE answer_item.payload END
    WHERE c.instance_id = answer_item.instance_id AND c.task_id < 0
        AND split_part(c.idempotency_key, '-', 7)::int = answer_item.task_id
        AND split_part(c.idempotency_key, '-', 8)::int = answer_item.item;
    IF NOT FOUND THEN
        RAISE 'item % of task % of % is not claimed', item, task_id, instance_id;
    END IF;
END $$;

/* Note the outcome of a claimed task: c, f, r, s or h.  A failure's payload is as for the activity fail. */
CREATE PROCEDURE test.answer(instance_id text, task_id int, outcome text DEFAULT 'c', payload text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE test.claimed c
    SET outcome = answer.outcome,
        payload = CASE WHEN answer.outcome = 'f' THEN test.failure(answer.payload::jsonb)::text ELSE answer.payload END
    WHERE c.instance_id = answer.instance_id AND c.task_id = answer.task_id;
    IF NOT FOUND THEN
        RAISE 'task % of % is not claimed', task_id, instance_id;
    END IF;
END $$;

/* failureDetails of {"type": ..., "message": ..., "final": bool}. */
CREATE FUNCTION test.failure(failure jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('errorType', coalesce(failure ->> 'type', 'Broken'),
        'errorMessage', coalesce(failure ->> 'message', 'it broke'), 'stackTrace', NULL, 'innerFailure', NULL,
        'isNonRetriable', coalesce((failure ->> 'final')::boolean, false), 'properties', failure -> 'properties')
$$;

/* What test.run() answers to what it holds. */
CREATE FUNCTION test.answer_all(worker text) RETURNS void LANGUAGE sql AS $$
    UPDATE test.claimed c
    SET outcome = CASE c.name WHEN 'fail' THEN 'f' ELSE 'c' END,
        payload = CASE c.name
            WHEN 'echo' THEN c.input
            WHEN 'double' THEN (c.input::numeric * 2)::text
            WHEN 'fail' THEN test.failure(c.input::jsonb)::text
        END
    WHERE c.worker = answer_all.worker AND c.name IN ('echo', 'double', 'fail') AND c.what = 'T'
$$;

/* Work until nothing is left to do, or for so many calls; setting test.calls is how many did something. */
CREATE PROCEDURE test.run(calls_max int DEFAULT 1000000, worker text DEFAULT 'w', room int DEFAULT 100)
LANGUAGE plpgsql AS $$
DECLARE
    calls int := 0;
    mode text := 'work';
    summary jsonb;
    slow test.claimed;
BEGIN
    WHILE calls < calls_max LOOP
        PERFORM test.answer_all(worker);
        summary := (SELECT r.input FROM test.work(worker, room, mode) r WHERE r.what = 'S');
        COMMIT;
        LOOP
            DELETE FROM test.claimed c WHERE n = (SELECT min(n) FROM test.claimed q WHERE q.worker = run.worker AND q.what = 'Q')
            RETURNING * INTO slow;
            EXIT WHEN NOT FOUND;
            PERFORM df.run_sql(test.attach(slow.worker), slow.instance_key, slow.task_id, slow.fence);
            COMMIT;
            summary := summary || '{"more": true}';
        END LOOP;
        IF (summary ->> 'recorded')::int > 0 OR (summary ->> 'turns')::int > 0 OR (summary ->> 'more')::boolean
            OR EXISTS (SELECT FROM test.claimed c WHERE c.worker = run.worker AND c.name IN ('echo', 'double', 'fail'))
            OR EXISTS (SELECT FROM df.tasks t WHERE t.state = 2 AND t.visible_at <= clock_timestamp())
        THEN
            calls := calls + 1;
            mode := 'work';
        ELSIF mode = 'scan' THEN
            EXIT;
        ELSE
            mode := 'scan';
        END IF;
    END LOOP;
    PERFORM set_config('test.calls', calls::text, false);
END $$;

/* The same inside a transaction block: engine calls until one does nothing. */
CREATE PROCEDURE test.run_in_transaction(worker text DEFAULT 'w') LANGUAGE plpgsql AS $$
DECLARE
    summary jsonb;
BEGIN
    LOOP
        PERFORM test.answer_all(worker);
        summary := (SELECT r.input FROM test.work(worker, 100, 'scan') r WHERE r.what = 'S');
        EXIT WHEN (summary ->> 'recorded')::int = 0 AND (summary ->> 'turns')::int = 0 AND NOT (summary ->> 'more')::boolean;
    END LOOP;
END $$;

/* What a test says of an instance: nothing that differs from run to run. */
CREATE FUNCTION test.instance(id text) RETURNS TABLE (
    status text, output json, error_type text, error text, turns int, tasks text, blocked text
) LANGUAGE sql AS $$
    SELECT df.status_name(i.status), i.output, i.failure ->> 'errorType', i.failure ->> 'errorMessage', i.turns,
        i.tasks_completed || '/' || i.tasks_total, i.blocked_reason
    FROM df.instance_state i WHERE i.instance_id = id
$$;

/* History on a line: OrchestratorStarted, TaskScheduled 1 echo, ... */
CREATE FUNCTION test.history(id text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', event_type, task_id, name), ', ' ORDER BY execution, event_id)
    FROM df_history(id)
$$;

/* An orchestrator in PL/pgSQL of that name and body, registered. */
CREATE PROCEDURE test.orchestrator(name text, body text, args text DEFAULT 'input jsonb', result text DEFAULT 'jsonb')
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION %I(%s) RETURNS %s LANGUAGE plpgsql AS %L', name, args, result, body);
    PERFORM df_register_orchestrator(name, name);
END $$;

/* No instance and no worker is left: for the setup of isolation specs, which is run for every permutation. */
CREATE PROCEDURE test.reset() LANGUAGE sql AS $$
    DELETE FROM df.instance_state;
    DELETE FROM df.history;
    DELETE FROM df.tasks;
    DELETE FROM df.maps;
    DELETE FROM df.map_inputs;
    DELETE FROM df.map_results;
    DELETE FROM df.inbox;
    DELETE FROM df.timers;
    DELETE FROM df.buffered_events;
    DELETE FROM df.event_ids;
    DELETE FROM df.cancellations;
    DELETE FROM df.worker_sessions;
    DELETE FROM test.claimed;
    UPDATE test.workers SET worker_key = NULL;
$$;

/* How many events of a type an instance has. */
CREATE FUNCTION test.count(id text, type text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM df_history(id) WHERE event_type = type
$$;

/* Whoever holds something has lost it; then everything is done, whatever it needs.  For the end of isolation specs. */
CREATE PROCEDURE test.finish() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE df.worker_sessions SET lease_until = now() - interval '1 hour';
    DELETE FROM test.claimed;
    PERFORM test.attach('last');
    COMMIT;
    FOR i IN 1 .. 10 LOOP
        PERFORM df.sweep(test.attach('last'));
        UPDATE df.timers SET fire_at = now() WHERE task_id = 0;
        COMMIT;
        CALL test.run(worker => 'last');
        UPDATE test.claimed SET outcome = 'c', payload = input WHERE worker = 'last' AND name = 'hold';
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END $$;

/* How an instance ended, what is left, and what df.doctor says. */
CREATE FUNCTION test.verdict(id text)
RETURNS TABLE (status text, output text, execution int, tasks bigint, inbox bigint, violations text) LANGUAGE sql AS $$
    SELECT coalesce(df.status_name(i.status), 'none'), i.output::text, i.execution,
        (SELECT count(*) FROM df.tasks t WHERE t.state < 3), (SELECT count(*) FROM df.inbox),
        (SELECT string_agg(concat_ws(' ', d.finding, d.task_id, d.detail), '; ') FROM df.doctor(true, settle => '0') d
         WHERE d.severity = 'violation')
    FROM (SELECT) one LEFT JOIN df.instance_state i ON i.instance_id = id
$$;

-- Twenty thousand reports at random: outcomes that are right, late, repeated, of another fence, of tasks that are no more, of
-- other instances, of a worker that is gone, and events that were raised before.  No call fails, and each task has one outcome.

\set ECHO none
\set QUIET on
CALL test.orchestrator('fans', $$
DECLARE
    life int := (input ->> 0)::int;
    total bigint := (input ->> 1)::bigint;
BEGIN
    total := total + (SELECT sum(x::bigint) FROM unnest(df_when_all(ARRAY(SELECT df_activity('work', to_jsonb(i)) FROM generate_series(1, 20) i))) x)
        + (SELECT sum(x::bigint) FROM jsonb_array_elements(df_call_map('work', '[1, 2, 3, 4, 5]')) x) + df_wait_event('number')::bigint;
    IF life > 1 THEN
        PERFORM df_continue_as_new(jsonb_build_array(life - 1, total));
    END IF;
    RETURN total;
END $$);
CREATE TABLE told (n bigserial PRIMARY KEY, instance_key bigint, task_id int, fence bigint, input text);
CREATE TABLE tally (fenced bigint, recorded bigint, reports bigint, calls int);
INSERT INTO tally VALUES (0, 0, 0, 0);

/* So many calls with so many reports of what any worker was ever told; what they are given is noted. */
CREATE PROCEDURE babble(calls int, reports int) LANGUAGE plpgsql AS $$
DECLARE
    workers bigint[] := ARRAY[test.attach('a', '{default}', '{work}'), test.attach('b', '{default}', '{work}'), 0];
    answer jsonb;
    last bigint;
    r record;
BEGIN
    FOR c IN 1 .. calls LOOP
        last := (SELECT coalesce(max(n), 1) FROM told);
        SELECT array_agg(instance_key) AS keys, array_agg(task_id) AS tasks, array_agg(fence) AS fences,
            string_agg(outcome, '') AS outcomes, array_agg(payload) AS payloads
        INTO r FROM (
            SELECT CASE WHEN random() < 0.03 THEN t.instance_key + (random() * 4)::int - 2 ELSE t.instance_key END AS instance_key,
                CASE WHEN random() < 0.03 THEN (random() * 60)::int - 30 ELSE t.task_id END AS task_id,
                CASE WHEN random() < 0.03 THEN t.fence + 1 WHEN random() < 0.01 THEN 0 ELSE t.fence END AS fence,
                o.outcome,
                CASE o.outcome WHEN 'c' THEN t.input WHEN 'h' THEN '1' WHEN 'p' THEN '{"delay_ms": 0, "state": 1}' END AS payload
            FROM generate_series(1, reports) g
            -- half of them of what was told of late
            JOIN LATERAL (SELECT * FROM told WHERE n >= CASE WHEN g % 2 = 0 THEN last - (random() * 60)::int ELSE (random() * last)::int END
                          ORDER BY n LIMIT 1) t ON true
            CROSS JOIN LATERAL (SELECT ('{c,c,c,c,s,h,r,p}'::text[])[1 + (random() * 7 + 0 * g)::int] AS outcome) o
            ORDER BY random()) x;
        BEGIN
            SELECT jsonb_agg(to_jsonb(w)) INTO answer
            FROM df.work(workers[1 + c % 2], '{default}', '{work}', 40, 60, CASE WHEN c % 5 = 0 THEN 'scan' ELSE 'work' END,
                coalesce(r.keys, '{}'), coalesce(r.tasks, '{}'), coalesce(r.fences, '{}'), coalesce(r.outcomes, ''), coalesce(r.payloads, '{}')) w;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% %', SQLSTATE, SQLERRM;
        END;
        INSERT INTO told (instance_key, task_id, fence, input)
        SELECT a.instance_key, a.task_id, a.fence, a.input
        FROM jsonb_to_recordset(answer) AS a(what "char", instance_key bigint, task_id int, fence bigint, input text) WHERE what = 'T';
        UPDATE tally SET calls = tally.calls + 1, reports = tally.reports + coalesce(cardinality(r.keys), 0),
            fenced = fenced + ((answer #>> '{0,input}')::jsonb ->> 'fenced')::bigint, recorded = recorded + ((answer #>> '{0,input}')::jsonb ->> 'recorded')::bigint;
        IF c % 10 = 0 THEN
            PERFORM df_raise_event(i.instance_id, 'number', '1', 'event ' || (random() * 6)::int) FROM df.instances i WHERE i.completed_time IS NULL AND i.instance_id LIKE 'f%';
        END IF;
        COMMIT;
    END LOOP;
END $$;
\set QUIET off
\set ECHO all
SELECT setseed(0.5) IS NOT NULL AS seeded;
SELECT count(df_start('fans', '[5, 0]', 'f' || n)) FROM generate_series(1, 20) n;
CALL babble(40, 500);
SELECT reports >= 18000 AS many, fenced > 8000 AS most_are_void, recorded > 0 AS some_are_not FROM tally;
-- what is left is done as it should be
SELECT count(df_raise_event(instance_id, 'number', '1', 'last ' || n)) > 0 AS raised FROM df.instances, generate_series(1, 5) n WHERE completed_time IS NULL;
CREATE PROCEDURE honestly() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE df.worker_sessions SET lease_until = now() - interval '1 hour';
    PERFORM test.attach('w', '{default}', '{work}');
    COMMIT;
    FOR i IN 1 .. 100 LOOP
        PERFORM df.sweep(test.attach('w'));
        COMMIT;
        CALL test.run();
        UPDATE test.claimed SET outcome = 'c', payload = input;
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END $$;
CALL honestly();
-- five lives of 210, 15 and an event
SELECT i.status, i.output::text, count(*) FROM df.instance_state, test.instance(instance_id) i GROUP BY 1, 2;
SELECT (SELECT count(*) FROM df.tasks) AS tasks, (SELECT count(*) FROM df.inbox) AS inbox;
SELECT severity, finding, instance_id, detail FROM df.doctor(true, settle => '0') WHERE severity = 'violation';

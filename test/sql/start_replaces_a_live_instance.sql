-- needs: worker
/* if_exists => 'replace' ends a live instance and begins anew under the same id, as one step of the engine. */
SET ROLE regress_user;
CREATE FUNCTION waits(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    IF input = '"wait"' THEN
        RETURN df_call_activity('nobody offers this');
    END IF;
    RETURN to_jsonb('got ' || df_text(input));
END
$$;
SELECT FROM df_register_orchestrator('waits');

-- returns when the instance has scheduled its activity
CREATE PROCEDURE until_it_waits(id text) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. 3000 LOOP
        EXIT WHEN (SELECT tasks_total FROM df_status(id)) > 0;
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;

SELECT df_start('waits', '"wait"', 'x');
CALL until_it_waits('x');
SELECT runtime_status, input, tasks_total FROM df_status('x');

-- a request that is rolled back does nothing
BEGIN;
SELECT df_start('waits', '"rolled back"', 'x', if_exists => 'replace');
ROLLBACK;

SELECT df_start('waits', '"something else"', 'x', if_exists => 'replace', tags => '{"new": true}', priority => 2, queue => 'q');
SELECT runtime_status, input, output, tasks_total FROM df_wait('x', '20 s');
SELECT tags, priority, queue, owner FROM df.instances;
SELECT event_type FROM df_history('x');

-- many requests: each ends what the one before has begun; what follows is for the last
SELECT df_start('waits', '"wait"', 'y');
SELECT df_start('waits', CASE n WHEN 5 THEN '"last"' ELSE '"wait"' END::jsonb, 'y', if_exists => 'replace')
FROM generate_series(1, 5) AS n;
SELECT runtime_status, input, output FROM df_wait('y', '20 s');
SELECT df_start('waits', '"wait"', 'z');
BEGIN;
SELECT df_start('waits', '"wait"', 'z', if_exists => 'replace');
SELECT df_terminate('z', 'the new one');
COMMIT;
SELECT runtime_status, output FROM df_wait('z', '20 s');

-- it is final when the request comes
SELECT df_start('waits', '"wait"', 'final');
BEGIN;
SELECT df_start('waits', '"first"', 'final', if_exists => 'replace'), df_terminate('final'),
    df_start('waits', '"second"', 'final', if_exists => 'replace');
COMMIT;
SELECT runtime_status, output FROM df_wait('final', '20 s');

-- it is gone when the request comes, and something else has its id
SELECT df_start('waits', '"wait"', 'gone');
RESET ROLE;
BEGIN;
INSERT INTO df.inbox (instance_key, event_type, event_time, name, payload)
VALUES (0, 3, now(), '*replace', '{"name": "waits", "instance_id": "gone", "version": null, "queue": null, "priority": 0,
    "start_at": null, "tags": null, "owner": "regress_user", "input": "begins"}');
SET ROLE regress_user;
SELECT df_start('waits', '"wakes the worker"', 'other');
COMMIT;
SELECT runtime_status, output FROM df_wait('gone', '20 s');

-- the orchestrator is gone when the request comes
SELECT df_start('waits', '"wait"', 'unknown');
BEGIN;
SELECT df_start('waits', '"begins"', 'unknown', if_exists => 'replace');
SELECT df_unregister('waits');
COMMIT;
SELECT runtime_status, failure_details ->> 'errorMessage' AS message FROM df_wait('unknown', '20 s');

RESET ROLE;
SELECT instance_id, execution > 0 AS replaced FROM df.instances ORDER BY instance_id;
SELECT (SELECT count(*) FROM df.tasks) AS tasks, (SELECT count(*) FROM df.inbox) AS deliveries;

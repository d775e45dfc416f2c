/* bench/sql/workloads.sql: the orchestrators and activities of the workloads; run as bench_user. */

SET client_min_messages = warning;

/* about 100 bytes */
CREATE FUNCTION payload(n bigint) RETURNS jsonb IMMUTABLE LANGUAGE sql
RETURN jsonb_build_object('n', n, 'text', repeat('x', 80));

/* the SQL activity: what noop is in the worker */
CREATE FUNCTION bench_noop(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN input;
END $$;

/* input: {"n": how many, "activity": name} */
CREATE FUNCTION bench_fan_out(n bigint, activity text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tasks df_task[];
BEGIN
    tasks := ARRAY(SELECT df_activity(activity, payload(i)) FROM generate_series(1, n) AS i);
    RETURN (SELECT sum((result->>'n')::bigint) FROM unnest(df_when_all(tasks)) AS result);
END $$;

CREATE FUNCTION bench_map(n bigint, activity text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    task df_task;
BEGIN
    SELECT df_map_agg(activity, payload(i) ORDER BY i) INTO task FROM generate_series(1, n) AS i;
    RETURN (SELECT sum((result->>'n')::bigint) FROM df_map_results(task));
END $$;

CREATE FUNCTION bench_chain(n bigint, activity text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    value jsonb := jsonb_build_object('n', n, 'text', repeat('x', 80));
BEGIN
    FOR i IN 1..n LOOP
        value := df_call_activity(activity, value);
    END LOOP;
    RETURN (value->>'n')::bigint;
END $$;

/* an instance that waits for something a day away */
CREATE FUNCTION bench_wait(n bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF n % 2 = 0 THEN
        PERFORM df_sleep(interval '1 day');
    ELSE
        PERFORM df_wait_event('never', interval '1 day');
    END IF;
    RETURN 'woken';
END $$;

SELECT FROM df_register_activity('bench_noop', 'bench_noop');
SELECT FROM df_register_orchestrator('bench_fan_out', 'bench_fan_out(bigint,text)');
SELECT FROM df_register_orchestrator('bench_map', 'bench_map(bigint,text)');
SELECT FROM df_register_orchestrator('bench_chain', 'bench_chain(bigint,text)');
SELECT FROM df_register_orchestrator('bench_wait', 'bench_wait(bigint)');

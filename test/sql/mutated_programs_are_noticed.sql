-- A thousand orchestrators of random calls, changed at random behind their instances: each that would now call something else than
-- its history says is noticed at the first such call, and each other one goes on.

\set ECHO none
\set QUIET on
-- what an instance calls, in order; the last one is held until the program has been changed
CREATE TABLE programs (id text PRIMARY KEY, n int, written jsonb, now jsonb);
CREATE FUNCTION pick(seed text, n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT (('x' || substr(md5(seed), 1, 7))::bit(28)::int) % n $$;
CREATE FUNCTION call(seed text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_object(
        'kind', ('{activity,activity,unawaited,record,timer,child,map,event}'::text[])[1 + pick(seed || 'kind', 8)],
        'name', ('{echo,double}'::text[])[1 + pick(seed || 'name', 2)],
        'input', pick(seed || 'input', 3))
$$;
CALL test.orchestrator('little', 'BEGIN RETURN input; END');
CALL test.orchestrator('larger', 'BEGIN RETURN input; END');
CALL test.orchestrator('interpreter', $$
DECLARE
    call jsonb;
    name text;
BEGIN
    FOR call IN SELECT * FROM jsonb_array_elements((SELECT p.now FROM programs p WHERE p.id = df_instance_id())) LOOP
        name := call ->> 'name';
        CASE call ->> 'kind'
            WHEN 'activity' THEN PERFORM df_call_activity(name, call -> 'input');
            WHEN 'unawaited' THEN PERFORM df_activity(name, call -> 'input');
            WHEN 'record' THEN PERFORM df_record(call -> 'input');
            WHEN 'timer' THEN PERFORM df_timer('1 day');
            WHEN 'child' THEN PERFORM df_sub_orchestrator(CASE name WHEN 'echo' THEN 'little' ELSE 'larger' END, call -> 'input');
            WHEN 'map' THEN PERFORM df_map(name, jsonb_build_array(call -> 'input', 7));
            WHEN 'event' THEN PERFORM df_raise_event('the ear', 'e' || name, call -> 'input');
            WHEN 'hold' THEN PERFORM df_call_activity('hold');
        END CASE;
    END LOOP;
    RETURN '"through"';
END $$);
-- two calls that history does not tell apart: of a recorded value only its place counts, of a timer its kind
CREATE FUNCTION seen(calls jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_agg(CASE c ->> 'kind' WHEN 'unawaited' THEN c || '{"kind": "activity"}' WHEN 'record' THEN '"record"' WHEN 'timer' THEN '"timer"' ELSE c END ORDER BY n)
    FROM jsonb_array_elements(calls) WITH ORDINALITY AS e (c, n)
$$;
INSERT INTO programs (id, n, written)
SELECT 'p' || i, 2 + pick('length' || i, 8), (SELECT jsonb_agg(call(i || ':' || k) ORDER BY k) FROM generate_series(1, 2 + pick('length' || i, 8)) k)
FROM generate_series(1, 1000) i;
UPDATE programs SET now = written || '{"kind": "hold"}';
UPDATE programs SET written = now;
CREATE FUNCTION mutate(id text, n int, calls jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE pick(id || 'how', 8)
        WHEN 0 THEN calls - at                                                             -- one is missing
        WHEN 1 THEN jsonb_insert(calls, ARRAY[at::text], call(id))                         -- one more
        WHEN 2 THEN jsonb_set(calls, ARRAY[at::text], call(id))                            -- another one
        WHEN 3 THEN jsonb_set(jsonb_set(calls, ARRAY[at::text], calls -> other), ARRAY[other::text], calls -> at)   -- another order
        WHEN 4 THEN jsonb_set(calls, ARRAY[at::text, 'input'], '9')
        WHEN 5 THEN (SELECT jsonb_agg(calls -> k ORDER BY k) FROM generate_series(0, at - 1) k)  -- ends early
        WHEN 6 THEN calls || call(id)                                                      -- goes on: no divergence
        ELSE calls
    END
    FROM (SELECT pick(id || 'at', n), pick(id || 'other', n)) AS p (at, other)
$$;
\set QUIET off
\set ECHO all
SELECT df_start('interpreter', NULL, 'the ear');
SELECT count(df_start('interpreter', NULL, id)) FROM programs;
CALL test.run();
SELECT status, turns > 0 AS has_run, count(*) FROM programs, test.instance(id) GROUP BY 1, 2;

UPDATE programs SET now = coalesce(mutate(id, n, written), '[]');
CREATE VIEW verdicts AS
SELECT p.id, i.status, i.blocked, i.output,
    coalesce((SELECT jsonb_agg(e ORDER BY k) FROM jsonb_array_elements(seen(p.now)) WITH ORDINALITY AS x (e, k)
              WHERE k <= jsonb_array_length(p.written)) = seen(p.written), false) AS is_same
FROM programs p, test.instance(p.id) i;
UPDATE test.claimed SET outcome = 'c', payload = '"held"' WHERE name = 'hold';
CALL test.run();
SELECT is_same, status, output::text, blocked IS NOT NULL AS is_noticed, count(*) FROM verdicts GROUP BY 1, 2, 3, 4 ORDER BY 1, 2;
-- as it was written, each of them comes to its end
UPDATE programs SET now = written;
SELECT count(df_repin(id)) FROM verdicts WHERE blocked IS NOT NULL;
CALL test.run();
SELECT status, output::text, count(*) FROM programs, test.instance(id) GROUP BY 1, 2;
SELECT severity, finding, instance_id, detail FROM df.doctor(true, 'postgres', settle => '0') WHERE severity = 'violation';

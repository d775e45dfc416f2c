-- df_limit bounds how many tasks of an activity are claimed at once, and how many are claimed in a second; others are not concerned.

CALL test.orchestrator('many', $$
BEGIN
    RETURN to_jsonb(df_when_all(ARRAY(SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, (input ->> 'hold')::int) i)
        || ARRAY(SELECT df_activity('echo', to_jsonb(i)) FROM generate_series(1, coalesce((input ->> 'echo')::int, 0)) i)));
END $$);
CREATE FUNCTION claims(worker text DEFAULT 'w', room int DEFAULT 100, mode text DEFAULT 'work') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(name || ' ' || n, ', ' ORDER BY name), 'none')
    FROM (SELECT name, count(*) AS n FROM test.work(worker, room, mode) WHERE what IN ('T', 'Q') GROUP BY name) c
$$;
CREATE FUNCTION due() RETURNS bigint LANGUAGE sql AS $$
    SELECT (s.input::jsonb ->> 'next_due_ms')::bigint
    FROM df.work(test.attach(), '{default}', '{echo,hold}', 100, 0, 'idle', '{}', '{}', '{}', '', '{}') s WHERE s.what = 'S'
$$;

-- over two workers, and not more than there is room for
SELECT df_limit('HOLD', max_running => 3);
SELECT name, max_running, rate FROM df.activities WHERE max_running IS NOT NULL;
SELECT df_start('many', '{"hold": 10, "echo": 2}', 'a');
SELECT claims(room => 0);
SELECT claims(room => 2), claims('v');
SELECT claims(), claims('v');
SELECT state, count(*) FROM df.tasks WHERE name = 'hold' GROUP BY 1 ORDER BY 1;
-- it is asked again after a second: a slot may be free without anybody's telling
SELECT due() BETWEEN 1 AND 1000 AS soon;

-- an outcome frees a slot: in the same call, or for others, who are woken (surplus)
UPDATE test.claimed SET outcome = 'c', payload = '1' WHERE n = (SELECT min(n) FROM test.claimed WHERE name = 'hold');
SELECT claims((SELECT worker FROM test.claimed WHERE outcome = 'c'));
UPDATE test.claimed SET outcome = 'f', payload = test.failure('{}') WHERE n = (SELECT min(n) FROM test.claimed WHERE name = 'hold' AND outcome IS NULL AND worker = 'w');
SELECT r.input::jsonb -> 'surplus' AS surplus FROM test.work('w', 0) r WHERE what = 'S';
SELECT claims('v');
SELECT state, count(*) FROM df.tasks WHERE name = 'hold' GROUP BY 1 ORDER BY 1;

-- so does a worker that is lost: what it held is queued again, and counts when it is claimed again
UPDATE df.tasks SET state = 0, fence = NULL, worker_key = NULL WHERE worker_key = (SELECT worker_key FROM test.workers WHERE name = 'v');
SELECT claims();
-- a lower limit stops nothing that runs; a higher one lets more begin; none lets all begin
SELECT df_limit('hold', 1);
SELECT claims();
SELECT df_limit('hold', 5);
SELECT claims();
SELECT df_limit('hold', 0);
SELECT claims();
SELECT df_limit('hold');
SELECT name, max_running, rate FROM df.activities WHERE name = 'hold';
SELECT claims();
SELECT df_terminate('a');
CALL test.run(room => 0);
TRUNCATE test.claimed;

-- a rate: a bucket of what accrues in a tenth of a second, at least one; it is asked again when there is a token
SELECT df_limit('hold', rate => 0.01);
SELECT df_start('many', '{"hold": 100}', 'b');
SELECT claims(), claims('v'), claims();
SELECT due() BETWEEN 90000 AND 100000 AS later;
/* time travel */
UPDATE df.limit_buckets SET refilled_at = refilled_at - interval '1 day';
SELECT claims(), claims('v');
UPDATE df.limit_buckets SET refilled_at = refilled_at + interval '1 day';
SELECT claims();
SELECT df_limit('hold', rate => 100);
UPDATE df.limit_buckets SET refilled_at = refilled_at - interval '2 days', tokens = 0;
SELECT claims(room => 4);
SELECT round(tokens) AS tokens FROM df.limit_buckets;
SELECT df_limit('hold', 7, 1000);
UPDATE df.limit_buckets SET refilled_at = refilled_at - interval '1 day';
SELECT claims();

-- a clock that was set back: no token for the time that comes twice, and none withheld until it is over
SELECT df_limit('hold', rate => 0.01);
UPDATE df.limit_buckets SET refilled_at = now() + interval '1 day', tokens = 0;
SELECT claims();
SELECT refilled_at <= now() AS is_set_back FROM df.limit_buckets;
UPDATE df.limit_buckets SET refilled_at = refilled_at - interval '101 seconds';
SELECT claims();

-- what is refused
SELECT df_limit(NULL);
SELECT df_limit('x', -1);
SELECT df_limit('x', rate => 0);
SELECT df_limit('x', rate => 'NaN');
SELECT df_limit('many', 1);
SELECT df_limit('*slow', 1);
SELECT df_register_activity('echo', kind => 'worker');
SET ROLE regress_user;
SELECT df_limit('hold', 1);
SELECT df_limit('echo', 1);
SELECT df_register_activity('mine', kind => 'worker');
SELECT df_limit('mine', 1);
SET ROLE regress_other;
SELECT df_limit('mine', 1);

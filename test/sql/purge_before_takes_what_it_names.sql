-- df_purge_before: final instances of the caller's, by creation time and status, with their final children, at most so many.

CALL test.orchestrator('ends', 'BEGIN IF input = ''"fail"'' THEN PERFORM df_fail(''Bad'', ''told so''); END IF; RETURN input; END');
CALL test.orchestrator('waits', 'BEGIN RETURN df_wait_event(''go''); END');
CALL test.orchestrator('clan', $$
BEGIN
    PERFORM df_sub_orchestrator('waits', NULL, df_instance_id() || ' live child');
    RETURN df_call_sub_orchestrator('ends', input, df_instance_id() || ' child');
END $$);
SELECT count(df_start(CASE WHEN i % 5 = 0 THEN 'waits' WHEN i % 5 = 1 THEN 'clan' ELSE 'ends' END, CASE i % 5 WHEN 3 THEN '"fail"' ELSE '1' END::jsonb, 'i' || i)) FROM generate_series(1, 20) AS i;
CALL test.run();
SELECT count(*) FILTER (WHERE df_terminate(instance_id)) FROM df.instances WHERE instance_id IN ('i5', 'i10');
CALL test.run();
UPDATE df.instance_state SET created_at = '2001-01-01'::timestamptz + substring(instance_id FROM '\d+')::int * interval '1 day';
CREATE VIEW counts AS SELECT runtime_status, count(*), min(created_time)::date, max(created_time)::date FROM df.instances GROUP BY 1 ORDER BY 1;
SELECT * FROM counts;

-- rights first: who owns none deletes none
SET ROLE regress_other;
SELECT df_purge_before('infinity');
RESET ROLE;
-- one status, with any case; a span, its end excluded
SELECT df_purge_before('2001-01-08', '{failed}');
SELECT df_purge_before('infinity', '{Terminated,Canceled}', '2001-01-06', NULL);
SELECT df_purge_before('2001-01-06', '{Terminated}');
SELECT df_purge_before('2001-01-06 00:00:01', '{Terminated}');
SELECT * FROM counts;
-- children go with their parents (live ones are detached)
SELECT df_purge_before('2001-01-03', '{Completed}');
SELECT instance_id, parent_instance_id FROM df.instances WHERE instance_id LIKE 'i1 %' ORDER BY 1;
-- at most so many, children included; nothing for 0
SELECT df_purge_before('infinity', max_instances => 0);
SELECT df_purge_before('infinity', max_instances => 3) BETWEEN 3 AND 4 AS three_and_a_child;
SELECT df_purge_before(NULL);
SELECT df_purge_before('infinity', NULL);
SELECT df_purge_before('infinity', '{}');
SELECT df_purge_before('infinity', '{Completed,Running}');
SELECT df_purge_before('infinity', '{Completed,NULL}');
SELECT df_purge_before('infinity', '{nonsense}');

-- everything that is final; what is live stays, and nothing of the others
SELECT df_purge_before('infinity') > 0 AS some, df_purge_before('infinity') AS then_none;
SELECT runtime_status, count FROM counts;
SELECT count(*) AS events, count(*) FILTER (WHERE s.instance_key IS NULL) AS orphans FROM df.history h LEFT JOIN df.instance_state s USING (instance_key);
SELECT df_raise_event(instance_id, 'go', '1') FROM df.instances WHERE instance_id = 'i1 live child';
CALL test.run();
SELECT runtime_status, output FROM df_status('i1 live child');

-- more than one round
INSERT INTO df.instance_state (instance_id, run_id, name, owner, status, created_at, last_updated_at, completed_at)
SELECT 'many ' || i, gen_random_uuid(), 'ends', 'postgres', 1, '2000-01-01', now(), now() FROM generate_series(1, 2500) AS i;
SELECT df_purge_before('2000-01-02');

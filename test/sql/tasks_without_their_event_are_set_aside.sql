-- A task whose event is missing in history, or whose instance is gone, as somebody has left the tables: it is not handed out, it
-- holds up no other, and it is seen.

CALL test.orchestrator('two', $$ BEGIN RETURN to_jsonb(df_when_all(df_activity(input ->> 0, '1'), df_activity(input ->> 0, '2'))); END $$);
CALL test.orchestrator('maps', $$ BEGIN RETURN df_call_map(input ->> 0, '[1, 2, 3]'); END $$);
CREATE FUNCTION adds(n int) RETURNS int LANGUAGE sql AS 'SELECT n + 1';
SELECT df_register_activity('adds', 'adds');
-- tasks in their lanes: no place for them, no time for SQL
SET pgdf.inline_sql_budget = 0;
SELECT df_start(o, to_jsonb(ARRAY[a]), o || ' ' || a || ' ' || i) FROM unnest('{two,maps}'::text[]) AS o, unnest('{echo,adds}'::text[]) AS a, unnest('{lost,gone,sound}'::text[]) AS i;
CALL test.run(room => 0);
UPDATE df.tasks SET lane = replace(lane, 'slow', 'sql') WHERE lane LIKE '%slow';
RESET pgdf.inline_sql_budget;
SELECT lane, count(*) FROM df.tasks GROUP BY 1 ORDER BY 1;

DELETE FROM df.history WHERE event_type = 4 AND task_id = 1
    AND instance_key IN (SELECT instance_key FROM df.instance_state WHERE instance_id LIKE 'two%lost');
CREATE TEMP TABLE gone AS SELECT instance_key FROM df.instance_state WHERE instance_id LIKE '%gone';
DELETE FROM df.history WHERE instance_key IN (TABLE gone);
DELETE FROM df.instance_state WHERE instance_key IN (TABLE gone);
SELECT finding, detail, count(*) FROM df.doctor(true, settle => '0') WHERE finding IN ('I3', 'orphan') GROUP BY 1, 2 ORDER BY 1, 2;

CALL test.run();
SELECT instance_id, runtime_status, output, blocked_reason FROM df.instances ORDER BY 1;
SELECT instance_id, task_id, last_failure ->> 'errorMessage' AS message FROM df.dead_letters ORDER BY 1;
SELECT lane, state, count(*) FROM df.tasks GROUP BY 1, 2 ORDER BY 1;
SELECT count(*) FROM test.claimed;
SELECT finding, instance_id, task_id, detail FROM df.doctor(true, settle => '0') WHERE finding IN ('I3', 'orphan', 'dead letter') AND detail NOT LIKE '%df.maps%' ORDER BY 1, 2;

-- they end with their instances
SELECT df_terminate(instance_id) FROM df.instances WHERE runtime_status = 'Running' ORDER BY instance_id;
CALL test.run();
SELECT count(*) FROM df.tasks;

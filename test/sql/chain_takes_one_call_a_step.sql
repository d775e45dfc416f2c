-- A chain of activities costs one engine call a step: a call records a result, runs the turn and claims the next.

CALL test.orchestrator('chain', $$
DECLARE
    x jsonb := input;
BEGIN
    FOR i IN 1..10 LOOP
        x := df_call_activity('double', x);
    END LOOP;
    RETURN x;
END $$);
SELECT df_start('chain', '1', 'c');
-- one to begin, ten for the steps
CALL test.run();
SHOW test.calls;
SELECT status, output, turns, tasks FROM test.instance('c');
SELECT test.history('c');

-- a step within a call
SELECT df_start('chain', '1', 'd');
SELECT what, task_id, input FROM test.work();
SELECT FROM test.answer_all('w');
SELECT what, task_id, input FROM test.work();

-- fifty chains go in step
SELECT count(df_start('chain', to_jsonb(i), 'many' || i)) FROM generate_series(1, 50) AS i;
CALL test.run();
SELECT current_setting('test.calls')::int < 100 AS few_calls;
SELECT i.status, i.turns, count(*) FROM df.instances, test.instance(instance_id) i WHERE instance_id LIKE 'many%' GROUP BY 1, 2;
SELECT output FROM test.instance('many50');

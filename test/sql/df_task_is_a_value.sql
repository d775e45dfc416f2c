-- df_task is an ordinary value type: text form, comparison, sorting, hashing, arrays, no arithmetic.

SELECT 'task:00000000000000ff'::df_task, 'task:00000000000000FF'::df_task = 'task:00000000000000ff'::df_task AS same;
SELECT 'task:1'::df_task;
SELECT '1'::df_task;
SELECT ''::df_task;
SELECT 'task:000000000000000g'::df_task;
SELECT 'task:0000000000000001'::df_task + 1;
SELECT 1::bigint::df_task;

CREATE TEMP TABLE tasks (t df_task);
INSERT INTO tasks VALUES ('task:0000000000000003'), ('task:0000000000000001'), (NULL), ('task:0000000000000002'),
    ('task:0000000000000001');
SELECT t FROM tasks ORDER BY t;
SELECT count(DISTINCT t) FROM tasks;
SELECT t, count(*) FROM tasks GROUP BY t ORDER BY t;
SELECT a.t FROM tasks a JOIN tasks b ON a.t = b.t ORDER BY a.t;
SELECT a.t FROM tasks a WHERE a.t IN (SELECT t FROM tasks WHERE t > 'task:0000000000000001') ORDER BY a.t;
CREATE INDEX ON tasks (t);
CREATE INDEX ON tasks USING hash (t);
SELECT array_agg(t ORDER BY t) FILTER (WHERE t <= 'task:0000000000000002') FROM tasks;
SELECT array_remove(ARRAY['task:0000000000000001', 'task:0000000000000002']::df_task[], 'task:0000000000000001'),
    array_position(ARRAY['task:0000000000000001', 'task:0000000000000002']::df_task[], 'task:0000000000000002'),
    'task:0000000000000001'::df_task = ANY ('{task:0000000000000001}'), '{}'::df_task[] || 'task:0000000000000001'::df_task;

-- in PL/pgSQL: variables, comparison, an array that loses its winner
CALL test.orchestrator('race', $$
DECLARE
    tasks df_task[] := '{}';
    winner df_task;
    finished int[] := '{}';
BEGIN
    FOR i IN 1..3 LOOP
        tasks := tasks || df_activity('echo', to_jsonb(i));
    END LOOP;
    WHILE tasks <> '{}' LOOP
        winner := df_when_any(tasks);
        tasks := array_remove(tasks, winner);
        finished := finished || df_await(winner)::int;
    END LOOP;
    RETURN to_jsonb(finished);
END $$);
SELECT df_start('race', NULL, 'r');
CALL test.run(room => 1);
SELECT status, output, turns FROM test.instance('r');

-- df_all and df_any make tasks of tasks, to any depth; a delivery that does not satisfy the whole wakes nobody.

CALL test.orchestrator('tree', $$
DECLARE
    t df_task[];
BEGIN
    t := ARRAY(SELECT df_activity('hold', to_jsonb(i)) FROM generate_series(1, 6) AS i);
    -- ((1 and 2) or (3 and (4 or 5))) and 6
    RETURN df_await(df_all(ARRAY[df_any(ARRAY[df_all(t[1:2]), df_all(ARRAY[t[3], df_any(t[4:5])])]), t[6]]));
END $$);
CREATE PROCEDURE deliver(id text, tasks int[]) LANGUAGE plpgsql AS $$
DECLARE
    task int;
BEGIN
    FOREACH task IN ARRAY tasks LOOP
        CALL test.answer(id, task, 'c', task::text);
        PERFORM FROM test.work();
        RAISE NOTICE 'after %: % turns, %', task, (test.instance(id)).turns, (test.instance(id)).status;
    END LOOP;
END $$;
SELECT df_start('tree', NULL, 'left'), df_start('tree', NULL, 'right'), df_start('tree', NULL, 'other order');
CALL test.run();
SELECT count(*) FROM test.claimed;
CALL deliver('left', '{1,3,6,2}');
CALL deliver('right', '{6,1,4,3}');
CALL deliver('other order', '{5,3,1,2,6}');
SELECT id, i.status, i.output, i.turns FROM unnest('{left,right,other order}'::text[]) AS id, test.instance(id) i;

-- all in one call
SELECT df_start('tree', NULL, 'at once');
SELECT count(*) FROM test.work() WHERE what = 'T';
CALL test.answer('at once', 1, 'c', '1');
CALL test.answer('at once', 2, 'c', '2');
CALL test.answer('at once', 6, 'c', '6');
SELECT FROM test.work();
SELECT status, output, turns FROM test.instance('at once');

-- members that are complete before are not waited for; a task may be in several combinations
CALL test.orchestrator('again', $$
DECLARE
    a df_task := df_activity('hold', '1');
    b df_task := df_activity('hold', '2');
    every df_task := df_all(ARRAY[a, b]);
    one df_task := df_any(ARRAY[a, b]);
BEGIN
    PERFORM df_await(one);
    RETURN jsonb_build_object('all', df_await(every), 'any', df_await(one), 'twice', df_await(df_all(ARRAY[every, every])),
        'completed', df_is_completed(every));
END $$);
SELECT df_start('again', NULL, 'again');
SELECT count(*) FROM test.work() WHERE what = 'T';
CALL deliver('again', '{2,1}');
SELECT output FROM test.instance('again');

-- a failure in a combination is raised when the combination is awaited
CALL test.orchestrator('fails', $$
BEGIN
    RETURN df_await(df_all(ARRAY[df_activity('echo', '1'), df_activity('fail', '{"type": "Inner"}')]));
END $$);
SELECT df_start('fails', NULL, 'fails');
CALL test.run();
SELECT status, error_type FROM test.instance('fails');

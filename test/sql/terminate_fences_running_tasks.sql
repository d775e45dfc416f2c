-- Termination: queued tasks are removed, running ones are cancelled in their worker (C) and their results are void.

CALL test.orchestrator('four', $$
BEGIN
    RETURN to_jsonb(df_when_all(ARRAY(SELECT df_activity('hold', to_jsonb(i), df_retry(3, '1 hour')) FROM generate_series(1, 4) AS i)));
END $$);
-- before its first turn
SELECT df_start('four', NULL, 'pending');
SELECT df_terminate('pending', 'not wanted');
CALL test.run();
SELECT status, output, turns, test.history('pending') FROM test.instance('pending');

-- one running, one delayed, one done, one queued
SELECT df_start('four', NULL, 't');
SELECT what, task_id FROM test.work('w', room => 3) WHERE what <> 'S';
CALL test.answer('t', 1, 'f');
CALL test.answer('t', 2);
SELECT FROM test.work('w', room => 0);
SELECT task_id, state FROM df.tasks ORDER BY 1;
SELECT df_terminate('t', 'enough');
-- another worker carries it out; ours is told at its next call
SELECT what FROM test.work('v');
SELECT status, output, tasks FROM test.instance('t');
SELECT count(*) FROM df.tasks;
SELECT count(*) FROM df.cancellations;
CALL test.answer('t', 3, 'c', '"late"');
SELECT what, task_id FROM test.work('w') WHERE what <> 'S';
SELECT what, task_id FROM test.work('w') WHERE what <> 'S';
SELECT test.history('t');
SELECT output FROM df_status('t');
-- final is final
SELECT df_terminate('t', 'again');
CALL test.run();
SELECT status, output FROM test.instance('t');

-- a result and a termination in one call: the result is recorded first, and changes nothing
SELECT df_start('four', NULL, 'both');
SELECT count(*) FROM test.work('w') WHERE what = 'T';
CALL test.answer('both', 1);
SELECT df_terminate('both');
SELECT what, task_id FROM test.work('w') WHERE what <> 'S';
SELECT status, turns, test.history('both') FROM test.instance('both');
SELECT what, task_id FROM test.work('w') WHERE what <> 'S' ORDER BY 2;
SELECT count(*) FROM df.tasks;
SELECT count(*) FROM df.inbox;

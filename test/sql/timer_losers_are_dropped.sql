-- A timer that lost its race: df_cancel ends it, leaving it does no harm, and it never outlives its instance.

CALL test.orchestrator('race', $$
DECLARE
    work df_task := df_activity('hold');
    late df_task := df_timer('1 hour');
    winner df_task := df_when_any(late, work);
    failure text;
BEGIN
    IF input = '"cancel"' THEN
        PERFORM df_cancel(late);
        PERFORM df_cancel(late);                -- twice is once
        BEGIN
            PERFORM df_await(late);
        EXCEPTION WHEN SQLSTATE 'DF004' THEN
            failure := SQLSTATE;
        END;
    END IF;
    PERFORM df_call_activity('hold');
    RETURN jsonb_build_object('work won', winner = work, 'failure', failure, 'timer is done', df_is_completed(late),
        'still', df_when_any(late, work) = work);
END $$);
SELECT df_start('race', '"cancel"', 'cancel'), df_start('race', '"leave"', 'leave'), df_start('race', '"leave"', 'fires');
CALL test.run();
SELECT count(*) FROM df.timers;
CALL test.answer('cancel', 1);
CALL test.answer('leave', 1);
CALL test.answer('fires', 1);
CALL test.run();
SELECT i.instance_id, t.task_id FROM df.timers t JOIN df.instance_state i USING (instance_key) ORDER BY 1;

-- one that was left fires while something else is awaited: noted, no turn
UPDATE df.timers t SET fire_at = now() FROM df.instance_state i WHERE i.instance_key = t.instance_key AND i.instance_id = 'fires';
CALL test.run();
SELECT turns, test.count('fires', 'TimerFired') AS fired FROM test.instance('fires');

-- the end takes what is left
CALL test.answer('cancel', 3);
CALL test.answer('leave', 3);
CALL test.answer('fires', 3);
CALL test.run();
SELECT id, i.status, i.output, i.turns FROM unnest('{cancel,leave,fires}'::text[]) AS id, test.instance(id) i;
SELECT count(*) FROM df.timers;
SELECT test.history('leave');

-- an activity that lost: cancelled, its worker told, its late result void
CALL test.orchestrator('gives_up', $$
DECLARE
    work df_task := df_activity('hold');
    winner df_task;
BEGIN
    winner := df_when_any(work, df_timer('0'));
    IF winner <> work THEN
        PERFORM df_cancel(work);
        PERFORM df_set_custom_status('"gave up"');
    END IF;
    PERFORM df_wait_event('end');
    RETURN to_jsonb(df_is_completed(work));
END $$);
SELECT df_start('gives_up', NULL, 'g');
SELECT FROM test.work();
SELECT task_id FROM test.claimed WHERE instance_id = 'g';
SELECT what, task_id FROM test.work(mode => 'scan') WHERE what <> 'S';     -- moves the timer that is due
SELECT what, task_id FROM test.work() WHERE what <> 'S';                   -- runs the turn
SELECT what, task_id FROM test.work() WHERE what <> 'S';                   -- tells the worker
CALL test.answer('g', 1);
SELECT what, input::jsonb -> 'fenced' AS fenced FROM test.work();
SELECT df_raise_event('g', 'end');
CALL test.run();
SELECT status, output, tasks FROM test.instance('g');

-- what is complete stays so; combinations and sub-orchestrations are not cancelled
CALL test.orchestrator('refused', $$
DECLARE
    done df_task := df_activity('echo', '1');
BEGIN
    PERFORM df_await(done), df_cancel(done);
    IF input = '1' THEN
        PERFORM df_cancel(df_any(ARRAY[done]));
    ELSIF input = '2' THEN
        PERFORM df_cancel(df_sub_orchestrator('race'));
    END IF;
    RETURN df_await(done);
END $$);
SELECT df_start('refused', '0', 'r0'), df_start('refused', '1', 'r1'), df_start('refused', '2', 'r2');
CALL test.run();
SELECT id, i.status, i.output, i.error_type, i.error FROM unnest('{r0,r1,r2}'::text[]) AS id, test.instance(id) i;

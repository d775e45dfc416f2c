-- A claim takes the highest priority of a lane first, the oldest within it, from the queues it is told in their order,
-- only names it is told, and not more than there is room for.

CALL test.orchestrator('spread', $$
BEGIN
    PERFORM df_activity('hold', '"low"', priority => -5), df_activity('hold', '"a"'), df_activity('hold', '"high"', priority => 10),
        df_activity('hold', '"b"'), df_activity('hold', '"high too"', priority => 10), df_activity('hold', '"gpu"', queue => 'gpu'),
        df_activity('other', '"not offered"'), df_activity('HOLD', '"any case"');
    RETURN df_call_activity('hold', '"last"');
END $$);
SELECT df_start('spread', NULL, 's', priority => 0);
SELECT what, input FROM test.work(room => 0) WHERE what = 'S';
SELECT what, input FROM test.work(room => 2) WHERE what <> 'S';
SELECT what, input FROM test.work(room => 1) WHERE what <> 'S';
SELECT what, input FROM test.work(room => 2) WHERE what <> 'S';
SELECT what, input FROM test.work(room => 10) WHERE what <> 'S';
SELECT what, input FROM test.work(room => 10) WHERE what <> 'S';

-- another queue; two in order of preference
SELECT FROM test.attach('g', '{gpu}');
SELECT what, input FROM test.work('g') WHERE what <> 'S';
CALL test.orchestrator('two_queues', $$
BEGIN
    PERFORM df_activity('hold', '"b1"', queue => 'b'), df_activity('hold', '"a1"', queue => 'a'),
        df_activity('hold', '"b9"', queue => 'b', priority => 9), df_activity('hold', '"a2"', queue => 'a');
    RETURN df_call_activity('hold', '"instance queue"');
END $$);
SELECT df_start('two_queues', NULL, 't', queue => 'b', priority => 3);
SELECT FROM test.attach('ab', '{a,b}');
SELECT what, input FROM test.work('ab', room => 0) WHERE what = 'T';
SELECT what, input FROM test.work('ab', room => 3) WHERE what = 'T';
SELECT what, input FROM test.work('ab', room => 3) WHERE what = 'T';

-- an activity that nobody offers waits; one that offers it finds it
SELECT what FROM test.work(mode => 'scan') WHERE what = 'T';
SELECT FROM test.attach('o', '{default}', '{other}');
SELECT what, name, input FROM test.work('o') WHERE what = 'T';

-- the instance's queue is the last resort, after the call's and the registration's
SELECT FROM df_register_activity('hold', queue => 'registered', kind => 'worker');
CALL test.orchestrator('defaults', $$ BEGIN RETURN df_await(df_all(ARRAY[df_activity('hold', '1'), df_activity('hold', '2', queue => 'call'), df_activity('echo', '3')])); END $$);
SELECT df_start('defaults', NULL, 'd', queue => 'instance'), df_start('defaults', NULL, 'e');
CALL test.run(room => 0);
SELECT instance_id, task_id, t.queue, t.priority FROM df.tasks t JOIN df.instance_state USING (instance_key)
WHERE instance_id IN ('d', 'e') ORDER BY 1, 2;

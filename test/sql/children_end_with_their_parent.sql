-- df_terminate takes children along unless told not to; a terminated child is a failure of class DF004; what nobody awaits runs on.

CALL test.orchestrator('worker', 'BEGIN RETURN df_wait_event(''go''); END');
CALL test.orchestrator('middle', 'BEGIN RETURN df_call_sub_orchestrator(''worker'', NULL, input #>> ''{}''); END');
CALL test.orchestrator('top', $$
BEGIN
    RETURN df_call_sub_orchestrator('middle', to_jsonb((input #>> '{}') || ' worker'), (input #>> '{}') || ' middle');
EXCEPTION WHEN SQLSTATE 'DF004' THEN
    RETURN jsonb_build_object('caught', SQLERRM, 'type', df_failure() ->> 'errorType');
END $$);

-- recursive: all three
SELECT df_start('top', '"a"', 'a');
CALL test.run();
SELECT df_terminate('a', 'enough');
CALL test.run();
SELECT depth, instance_id, runtime_status FROM df_tree('a');

-- not recursive: the children go on, and answer nobody
SELECT df_start('top', '"b"', 'b');
CALL test.run();
SELECT df_terminate('b', 'only you', false);
CALL test.run();
SELECT depth, instance_id, runtime_status FROM df_tree('b');
SELECT df_raise_event('b worker', 'go', '"done"');
CALL test.run();
SELECT instance_id, runtime_status, output FROM df.instances WHERE instance_id LIKE 'b%' ORDER BY 1;

-- the child is terminated: its parent, which does not catch it, fails; the grandparent gets that
SELECT df_start('top', '"c"', 'c');
CALL test.run();
SELECT df_terminate('c worker', 'by hand');
CALL test.run();
SELECT id, i.status, i.output, i.error_type, i.error FROM unnest('{c,c middle,c worker}'::text[]) AS id, test.instance(id) i;
SELECT df_start('top', '"d"', 'd');
CALL test.run();
SELECT df_terminate('d middle');
CALL test.run();
SELECT id, i.status, i.output, i.error_type FROM unnest('{d,d middle,d worker}'::text[]) AS id, test.instance(id) i;

-- not awaited: runs on after the end of its parent, whichever that is, and can be waited for
CALL test.orchestrator('leaves', $$
BEGIN
    PERFORM df_sub_orchestrator('worker', NULL, df_instance_id() || ' left');
    IF input = '"fail"' THEN
        RETURN df_fail('Bad', 'end');
    END IF;
    RETURN '"ended"';
END $$);
SELECT df_start('leaves', '"return"', 'e'), df_start('leaves', '"fail"', 'f');
CALL test.run();
SELECT df_raise_event(id, 'go', '"alone"') FROM unnest('{e left,f left}'::text[]) AS id;
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{e,e left,f,f left}'::text[]) AS id, test.instance(id) i;

-- purge: a final child goes along, a live one is detached
SELECT df_start('leaves', '"return"', 'g');
CALL test.run();
SELECT df_purge('g'), df_purge('e');
SELECT instance_id, parent_instance_id, runtime_status FROM df.instances WHERE instance_id ~ '^[eg]' ORDER BY 1;
SELECT df_raise_event('g left', 'go', '1');
CALL test.run();
SELECT status FROM test.instance('g left');

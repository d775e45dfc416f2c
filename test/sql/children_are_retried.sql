-- A failed child is started again as its retry policy says: the same instance, a new execution, and the parent takes no turn meanwhile.

CALL test.orchestrator('child', $$
BEGIN
    IF input ? 'fail' THEN
        PERFORM df_fail(input ->> 'fail', 'it said so', coalesce((input ->> 'again')::boolean, true));
    END IF;
    RETURN df_call_activity('hold', input);
END $$);
CALL test.orchestrator('parent', $$ BEGIN RETURN df_call_sub_orchestrator('child', input -> 'input', input ->> 'id', retry => nullif(input -> 'retry', 'null'), tags => '{"a": 1}'); END $$);
CREATE VIEW child AS
SELECT i.instance_id, df.status_name(status) AS status, i.execution, i.attempts,
    round(extract(epoch FROM t.fire_at - now())::numeric, -1) AS delay, i.scheduled_start_at = t.fire_at AS shown
FROM df.instance_state i LEFT JOIN df.timers t ON t.instance_key = i.instance_key AND t.task_id = 0
WHERE i.name = 'child' ORDER BY 1;
CREATE PROCEDURE fail(id text, failure text) LANGUAGE plpgsql AS $$
BEGIN
    CALL test.answer(id, 1, 'f', failure);
    CALL test.run();
END $$;
/* time travel: what is due later is due */
CREATE PROCEDURE due() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE df.timers SET fire_at = now() - interval '1 second';
    CALL test.run();
END $$;

-- delays grow: 100 s, 300 s; the child is Pending until then, and has no failure to show
SELECT df_start('parent', jsonb_build_object('id', 'c', 'input', '"x"'::jsonb, 'retry', df_retry(3, '100 s', 3, '500 s')), 'p');
CALL test.run();
CALL fail('c', '{"type": "First"}');
SELECT * FROM child;
SELECT failure_details, completed_time, tasks_completed, tasks_total FROM df_status('c');
SELECT status, turns, tasks FROM test.instance('p');
SELECT task_id, kind, name FROM df_waits('p');
CALL due();
SELECT * FROM child;
SELECT test.history('c');
CALL fail('c', '{"type": "Second"}');
SELECT * FROM child;
CALL due();
CALL test.answer('c', 1, 'c', '"at last"');
CALL test.run();
SELECT status, turns, tasks, output FROM test.instance('p');
SELECT test.history('p');
SELECT payload - 'nextAttemptAt' AS payload, payload ? 'nextAttemptAt' AS has_time, failure_details ->> 'errorType' AS type FROM df_history('p') WHERE event_type = 'GenericEvent' ORDER BY event_id;
SELECT execution, failure_details ->> 'errorType' AS type, payload FROM df_history('c') WHERE event_type = 'ExecutionCompleted' ORDER BY 1;
SELECT tags FROM df.instances WHERE instance_id = 'c';

-- the last failure is the parent's; what is not tried again
CREATE TABLE cases (n serial, input jsonb, retry jsonb);
INSERT INTO cases (input, retry) VALUES
('{"fail": "A"}', NULL), ('{"fail": "A"}', df_retry(1)), ('{"fail": "A"}', df_retry(3, '0')), ('{"fail": "A", "again": false}', df_retry(3, '0')),
('{"fail": "B"}', df_retry(3, '0', retry_on => '{A,B}')), ('{"fail": "C"}', df_retry(3, '0', retry_on => '{A,B}')),
('{"fail": "B"}', df_retry(3, '0', no_retry_on => '{A,B}')), ('{"fail": "A"}', df_retry(3, '1 hour', retry_timeout => '10 min'));
SELECT count(df_start('parent', jsonb_build_object('id', 'c' || n, 'input', input, 'retry', retry), 'p' || n)) FROM cases;
CALL test.run();
SELECT n, p.status, p.error_type, p.turns, i.execution FROM cases, test.instance('p' || n) p, df.instance_state i WHERE i.instance_id = 'c' || n ORDER BY n;
SELECT failure_details #>> '{innerFailure,errorMessage}' AS message FROM df_status('p3');

-- one that has continued as new begins with what it was started with; events that came meanwhile are kept
CALL test.orchestrator('counts', $$
BEGIN
    IF input::int < 3 THEN
        PERFORM df_continue_as_new(to_jsonb(input::int + 1));
    END IF;
    IF df_text(df_wait_event('go')) = 'fail' THEN
        PERFORM df_fail('Told', 'to fail', true);
    END IF;
    RETURN input;
END $$);
CALL test.orchestrator('counting', $$ BEGIN RETURN df_call_sub_orchestrator('counts', '1', 'counted', df_retry(2, '1 hour')); END $$);
SELECT df_start('counting', NULL, 'counting');
CALL test.run();
SELECT df_raise_event('counted', 'go', '"fail"'), df_raise_event('counted', 'go', '"on"');
CALL test.run();
SELECT df.status_name(status), input, execution FROM df.instance_state WHERE instance_id = 'counted';
CALL due();
SELECT status, output FROM test.instance('counting');
SELECT input, execution FROM df.instance_state WHERE instance_id = 'counted';

-- generated ids; a policy that is none; one that cannot be started is not tried again
SELECT df_start('parent', jsonb_build_object('input', '{"fail": "A"}'::jsonb, 'retry', df_retry(2, '0')), 'generated');
SELECT df_start('parent', '{"retry": {"attempts": 3}}', 'nonsense'), df_start('parent', jsonb_build_object('id', 'a/b', 'retry', df_retry(3, '0')), 'bad id');
CALL test.run();
SELECT id, status, error_type, error FROM unnest('{generated,nonsense,bad id}'::text[]) AS id, test.instance(id) ORDER BY id;
SELECT i.execution, i.attempts FROM df.instance_state i JOIN df.instances p USING (instance_id) WHERE p.parent_instance_id = 'generated';

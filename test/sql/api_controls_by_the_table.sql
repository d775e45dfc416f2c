-- Control requests: 404 unknown, 410 final, 409 nothing to change, 202; what is under way counts.
\set VERBOSITY terse
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Bad', 'always'); END $$;
CREATE FUNCTION ends() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM unnest('{waits,fails,ends}'::text[]) AS f, df_register_orchestrator(f);
SELECT count(df_start(o, NULL, i)) FROM (VALUES ('waits', 'Running'), ('waits', 'Suspended'), ('fails', 'Failed'),
    ('ends', 'Completed'), ('waits', 'Terminated')) AS v(o, i);
CALL test.run(room => 0);
SELECT df_suspend('Suspended'), df_terminate('Terminated');
CALL test.run(room => 0);
SELECT df_start('waits', NULL, 'Pending', start_at => 'tomorrow');

-- each in a subtransaction of its own, undone
CREATE FUNCTION try(verb text, id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer record;
BEGIN
    SELECT * INTO answer FROM df.api_control(NULL, verb, id);
    RAISE SQLSTATE 'UNDO1' USING MESSAGE = concat_ws(' ', answer.code, answer.message, (SELECT '+' || count(*) FROM df.inbox));
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN
    RETURN SQLERRM;
END $$;
SELECT id, try('terminate', id) AS terminate, try('suspend', id) AS suspend, try('resume', id) AS resume, try('rewind', id) AS rewind
FROM unnest('{unknown,Pending,Running,Suspended,Completed,Failed,Terminated}'::text[]) AS id;
SELECT * FROM df.api_control(NULL, 'explode', 'Running');
SELECT * FROM df.api_control(NULL, 'terminate', NULL);

-- requests that the engine has not seen yet
CREATE FUNCTION sequence(id text, verbs text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    codes text := '';
    verb text;
BEGIN
    FOREACH verb IN ARRAY verbs LOOP
        codes := codes || (SELECT code FROM df.api_control(NULL, verb, id)) || ' ';
    END LOOP;
    RAISE SQLSTATE 'UNDO1' USING MESSAGE = codes || (SELECT coalesce(string_agg(df.event_type_name(event_type), ',' ORDER BY inbox_id), 'nothing') FROM df.inbox);
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN
    RETURN SQLERRM;
END $$;
SELECT sequence('Running', '{suspend,suspend}');
SELECT sequence('Running', '{suspend,resume,resume,suspend}');
SELECT sequence('Suspended', '{resume,resume,suspend}');
SELECT sequence('Suspended', '{suspend,resume,suspend,suspend,resume}');
SELECT sequence('Failed', '{rewind,rewind}');
SELECT sequence('Running', '{terminate,suspend,terminate}');

-- they take effect, with their reasons
SELECT * FROM df.api_control(NULL, 'suspend', 'Running', 'a "pause"');
SELECT * FROM df.api_control(NULL, 'resume', 'Suspended');
SELECT * FROM df.api_control(NULL, 'rewind', 'Failed', 'again');
CALL test.run(room => 0);
SELECT instance_id, runtime_status FROM df.instances WHERE instance_id IN ('Running', 'Suspended', 'Failed') ORDER BY 1;
SELECT payload FROM df_history('Running') WHERE event_type = 'ExecutionSuspended';
SELECT test.count('Failed', 'ExecutionRewound');
SELECT * FROM df.api_control(NULL, 'terminate', 'Running', 'Schluß');
SELECT * FROM df.api_control(NULL, 'terminate', 'Suspended');
CALL test.run(room => 0);
SELECT code, runtime_status, output FROM df.api_status(NULL, 'Running');
SELECT code, runtime_status, output FROM df.api_status(NULL, 'Suspended');

-- events: 404, 410, content type, JSON, in this order; a repeat is accepted, also after the end
SELECT df_start('waits', NULL, 'event');
CALL test.run(room => 0);
SELECT * FROM df.api_raise_event(NULL, 'unknown', 'go', false, '{');
SELECT * FROM df.api_raise_event(NULL, 'Completed', 'go', false, '{');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', false, '{');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '{');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '"\u0000"');
SELECT * FROM df.api_raise_event(NULL, 'event', '', true, '1');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '1', repeat('x', 1001));
SET pgdf.max_payload = '1kB';
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '"' || repeat('x', 2000) || '"');
RESET pgdf.max_payload;
SELECT * FROM df.api_raise_event(NULL, 'event', 'other', true, NULL);
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '{"b":1, "a":1.10}', 'once');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '2', 'once');
CALL test.run(room => 0);
SELECT code, runtime_status, output FROM df.api_status(NULL, 'event');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '2', 'once');
SELECT * FROM df.api_raise_event(NULL, 'event', 'go', true, '2', 'twice');
SELECT payload::text FROM df.history h JOIN df.instance_state i USING (instance_key) WHERE instance_id = 'event' AND event_type = 15;

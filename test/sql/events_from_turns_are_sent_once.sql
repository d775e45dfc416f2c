-- df_raise_event and df_start in a turn are recorded and done once, whatever is replayed; in a SQL activity they go with its effects.

CALL test.orchestrator('listener', 'BEGIN RETURN jsonb_build_array(df_wait_event(''e''), df_wait_event(''e'', ''0'')); END');
CALL test.orchestrator('talker', $$
DECLARE
    said boolean;
BEGIN
    said := df_raise_event('listener', 'e', '"from a turn"');
    FOR i IN 1..3 LOOP
        PERFORM df_call_activity('echo', to_jsonb(i));
    END LOOP;
    RETURN to_jsonb(said);
END $$);
SELECT df_start('listener', NULL, 'listener'), df_start('talker', NULL, 'talker');
CALL test.run();
SELECT id, i.status, i.output, i.turns FROM unnest('{listener,talker}'::text[]) AS id, test.instance(id) i;
SELECT test.history('talker');

-- to itself, in the turn that ends another, and with an event_id
CALL test.orchestrator('self', $$
BEGIN
    PERFORM df_raise_event(df_instance_id(), 'e', '1'), df_raise_event(df_instance_id(), 'e', '2', 'id'), df_raise_event(df_instance_id(), 'e', '"twice"', 'id');
    RETURN jsonb_build_array(df_wait_event('e'), df_wait_event('e'), df_wait_event('e', '0'));
END $$);
CALL test.orchestrator('last_words', $$
BEGIN
    PERFORM df_raise_event('listener', 'e', '"last words"');
    RETURN df_fail('Ended', 'with a failure');
END $$);
SELECT df_start('listener', NULL, 'listener'), df_start('self', NULL, 'self'), df_start('last_words', NULL, 'last');
CALL test.run();
SELECT id, i.status, i.output, i.error FROM unnest('{listener,self,last}'::text[]) AS id, test.instance(id) i;

-- nobody to take it: noted in history, the sender goes on
CALL test.orchestrator('shouts', $$
BEGIN
    PERFORM df_raise_event('nobody', 'e'), df_raise_event('listener', 'e'), df_start('unknown_name');
    RETURN '"went on"';
END $$);
SELECT df_start('shouts', NULL, 'shouts');
CALL test.run();
SELECT status, output FROM test.instance('shouts');
SELECT name, failure_details ->> 'errorType' AS type, failure_details ->> 'errorMessage' AS message
FROM df_history('shouts') WHERE event_type = 'EventSent' ORDER BY event_id;

-- df_start in a turn: one detached instance, the same id in every replay, options kept
CALL test.orchestrator('starter', $$
DECLARE
    generated text := df_start('listener', tags => '{"by": "starter"}');
    named text := df_start('listener', NULL, 'named', priority => 7, start_at => '9999-01-01');
BEGIN
    PERFORM df_call_activity('echo');
    PERFORM df_call_activity('echo');
    RETURN jsonb_build_array(generated, named, df_start('listener', NULL, 'named', if_exists => 'ignore'));
END $$);
SELECT df_start('starter', NULL, 'starter');
CALL test.run();
SELECT output ->> 1 AS named, output ->> 2 AS again FROM df_status('starter');
SELECT count(*), count(*) FILTER (WHERE i.instance_id = s.output ->> 0 AND tags = '{"by": "starter"}') AS as_told,
    count(*) FILTER (WHERE i.priority = 7 AND scheduled_start_time IS NOT NULL) AS named, count(i.parent_instance_id) AS with_parent
FROM df_status('starter') s, df.instances i WHERE i.name = 'listener' AND i.instance_id <> 'listener';
SELECT name, failure_details FROM df_history('starter') WHERE event_type = 'EventSent' ORDER BY event_id;

-- SQL activities: with their effects, or not at all
CREATE TABLE effects (n int PRIMARY KEY);
CREATE FUNCTION tells(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO effects VALUES ((input ->> 'n')::int);
    PERFORM df_raise_event('ear', 'e', input), df_start('listener', NULL, 'by activity ' || (input ->> 'n'));
    IF input ? 'fail' THEN
        PERFORM df_fail('Broken', 'after it has raised');
    END IF;
    RETURN input;
END $$;
SELECT FROM df_register_activity('tells', 'tells');
CALL test.orchestrator('tell', 'BEGIN RETURN df_call_activity(''tells'', input); END');
SELECT df_start('listener', NULL, 'ear');
SELECT df_start('tell', '{"n": 1, "fail": true}', 'tell 1'), df_start('tell', '{"n": 2}', 'tell 2');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{ear,tell 1,tell 2}'::text[]) AS id, test.instance(id) i;
SELECT n FROM effects;
SELECT instance_id FROM df.instances WHERE instance_id LIKE 'by activity%';

-- to an instance that is unknown there is an error
CREATE OR REPLACE FUNCTION tells(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(df_raise_event('nobody', 'e')) $$;
SELECT df_start('tell', NULL, 'tell 3');
CALL test.run();
SELECT status, error FROM test.instance('tell 3');

-- A turn starts an instance anew, whose old one its own engine call holds: the old one leaves nothing behind, or is live and goes on.

CALL test.orchestrator('old', $$
BEGIN
    IF jsonb_typeof(input) = 'object' THEN
        PERFORM df_call_activity('fail', input);
    END IF;
    RETURN '"old"';
END $$);
CALL test.orchestrator('starter', $$
BEGIN
    PERFORM df_wait_event('go');
    RETURN to_jsonb(df_start('old', NULL, input ->> 'id', if_exists => input ->> 'if_exists'));
END $$);
CREATE FUNCTION violations() RETURNS TABLE (finding text, detail text) LANGUAGE sql AS
$$ SELECT finding, detail FROM df.doctor(true, settle => '0') WHERE severity = 'violation' $$;

-- it has ended, and an event that was raised before that is delivered now
SELECT df_start('old', NULL, 'a'), df_start('starter', '{"id": "a", "if_exists": "replace"}', 's');
CALL test.run();
BEGIN;
INSERT INTO df.inbox (instance_key, event_type, event_time, name, payload)
SELECT instance_key, 15, now(), 'late', '1' FROM df.instance_state WHERE instance_id = 'a';
SELECT df_raise_event('s', 'go');
COMMIT;
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{a,s}'::text[]) id, test.instance(id) i;
SELECT test.history('a');
SELECT * FROM violations();

-- it had failed, and is rewound by this call: a live instance, which is terminated; its parent is told
CALL test.orchestrator('parent', $$ BEGIN RETURN df_call_sub_orchestrator('old', input, 'b'); END $$);
SELECT df_start('parent', '{"type": "Always"}', 'p'), df_start('starter', '{"id": "b", "if_exists": "replace"}', 't');
CALL test.run();
SELECT id, i.status, i.error FROM unnest('{p,b}'::text[]) id, test.instance(id) i;
SELECT df_rewind('p');
SELECT FROM test.work(room => 0);
SELECT df_raise_event('t', 'go');
CALL test.run();
SELECT id, i.status, i.output, i.error FROM unnest('{p,b,t}'::text[]) id, test.instance(id) i;
SELECT * FROM violations();

-- What an orchestrator is told is the same in every replay: time, UUIDs, random numbers, df_record, id and input.

CALL test.orchestrator('told', $$
DECLARE
    early jsonb;
    again jsonb;
    times timestamptz[] := ARRAY[df_now()];
    statuses jsonb := '[]';
BEGIN
    early := jsonb_build_object('now', df_now(), 'uuid', df_uuid(), 'other uuid', df_uuid(), 'random', df_random(),
        'id', df_instance_id(), 'input', df_input());
    again := df_record(early);                  -- what it was in the first turn
    IF again <> early THEN
        RETURN '"changed"';
    END IF;
    FOR i IN 1..3 LOOP
        PERFORM df_set_custom_status(to_jsonb('step ' || i));
        statuses := statuses || to_jsonb(df_is_replaying());
        PERFORM df_call_activity('echo', jsonb_build_object('uuid', df_uuid(), 'random', df_random(), 'now', df_now()));
        times := times || df_now();
    END LOOP;
    RETURN jsonb_build_object(
        'same', early = again,
        'clock', df_record(to_jsonb(clock_timestamp())) = df_record(to_jsonb(clock_timestamp())),
        'times rise', times[1] < times[2] AND times[2] < times[3] AND times[3] < times[4],
        'still', df_now() = times[4], 'replaying', statuses || to_jsonb(df_is_replaying()),
        'uuids differ', early ->> 'uuid' <> early ->> 'other uuid',
        'version', substr(early ->> 'uuid', 15, 1), 'random', (early ->> 'random')::float8 BETWEEN 0 AND 0.9999999999999999,
        'id', df_instance_id(), 'input', df_input() = input);
END $$);
SELECT df_start('told', '{"a": 1}', 'told'), df_start('told', '{"a": 1}', 'second');
CALL test.run(room => 0);
SELECT custom_status FROM df_status('told');
CALL test.run();
SELECT status, turns, error, blocked FROM test.instance('told');
SELECT jsonb_pretty(output) FROM df_status('told');
SELECT custom_status FROM df_status('told');
-- the times are those of the turns' beginnings
SELECT count(*) FROM df_history('told') WHERE event_type = 'OrchestratorStarted'
    AND event_time IN (SELECT (payload ->> 'now')::timestamptz FROM df_history('told') WHERE event_type IN ('TaskScheduled', 'GenericEvent'));
-- another instance is told other values
SELECT a.payload ->> 'uuid' <> b.payload ->> 'uuid' AS uuids_differ, a.payload ->> 'random' <> b.payload ->> 'random' AS numbers_differ
FROM df_history('told') a JOIN df_history('second') b USING (event_id) WHERE a.event_type = 'GenericEvent' AND a.payload ? 'uuid';

-- df_record: one look at what changes
CREATE TABLE price (now int);
INSERT INTO price VALUES (10);
CALL test.orchestrator('looks_once', $$
DECLARE
    p int := df_record((SELECT to_jsonb(now) FROM price));
BEGIN
    PERFORM df_call_activity('hold', to_jsonb(p));
    RETURN jsonb_build_object('price', p, 'null', df_record(NULL), 'sql null', df_record(NULL) IS NULL);
END $$);
SELECT df_start('looks_once', NULL, 'l');
SELECT what, input FROM test.work() WHERE what <> 'S';
UPDATE price SET now = 20;
CALL test.answer('l', 2);
SELECT what FROM test.work();
SELECT status, output, turns FROM test.instance('l');

-- a custom status is kept when the turn sets none, null takes it away, and a failed turn's counts
CALL test.orchestrator('status', $$
BEGIN
    IF NOT df_is_replaying() THEN
        PERFORM df_set_custom_status('"begun"');
    END IF;
    PERFORM df_call_activity('hold', '1');
    PERFORM df_set_custom_status(NULL);
    PERFORM df_call_activity('hold', '2');
    PERFORM df_set_custom_status('{"last": true}');
    RETURN df_fail('Bad', 'end');
END $$);
SELECT df_start('status', NULL, 'st');
SELECT FROM test.work();
SELECT custom_status FROM df_status('st');
CALL test.answer('st', 1);
SELECT FROM test.work();
SELECT custom_status FROM df_status('st');
CALL test.answer('st', 2);
SELECT FROM test.work();
SELECT runtime_status, custom_status FROM df_status('st');

-- The body of df.api_status: keys in their order, payloads byte for byte, history as Durable Functions shows it.
CREATE FUNCTION works(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    tasks df_task[];
BEGIN
    PERFORM df_set_custom_status('{"at": "begin"}');
    PERFORM df_call_activity('echo', '"first"');
    BEGIN
        PERFORM df_call_activity('fail', '{"type": "Bad", "message": "no", "final": true}');
    EXCEPTION WHEN SQLSTATE 'DF001' THEN
    END;
    PERFORM df_call_sub_orchestrator('child', '7', 'a child');
    tasks := ARRAY[df_activity('hold', '"open"'), df_event('go')];
    PERFORM df_when_any(tasks);
    RETURN df_call_activity('echo', '"last"');
END $$;
CREATE FUNCTION child(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
SELECT FROM unnest('{works,child}'::text[]) AS f, df_register_orchestrator(f);

\set input '{ "z":1,"a" : [12345678901234567890123, 1.10, 1e5], "u":"\\u00e9\\/", "a":2 }'
SELECT code FROM df.api_start(NULL, 'works', :'input', 'it', '{"tags": {"who": "me"}}');
SELECT code FROM df.api_start(NULL, 'works', '[]', 'later', '{"start_at": "2100-01-01 00:00:00.5+00"}');
CALL test.run();

CREATE FUNCTION stable(body text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(body, '"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"', 'TIME', 'g')
$$;
SELECT stable(body) FROM df.api_status(NULL, 'it');
SELECT stable(body) FROM df.api_status(NULL, 'it', false);
SELECT stable(body) FROM df.api_status(NULL, 'later');
SELECT stable(body) FROM df.api_status(NULL, 'a child');
SELECT strpos(body, '"input":' || :'input' || ',') > 0 AS byte_for_byte FROM df.api_status(NULL, 'it');
CREATE FUNCTION events(id text, show_input boolean, show_output boolean) RETURNS TABLE (event text) LANGUAGE sql AS $$
    SELECT stable(e::text) FROM df.api_status(NULL, id, show_input, true, show_output) s, json_array_elements(s.body::json -> 'historyEvents') e
$$;
SELECT * FROM events('it', true, true);
SELECT * FROM events('it', false, false);
-- the open activity keeps its place until it is done
SELECT code FROM df.api_raise_event(NULL, 'it', 'go', true, '{"b":1,"a":2}');
CALL test.run();
SELECT * FROM events('it', true, true) OFFSET 4;
SELECT json_object_keys(body::json) FROM df.api_status(NULL, 'it', true, true);
SELECT code, runtime_status, output FROM df.api_status(NULL, 'it');
-- times are what they say, in UTC
SET TimeZone = 'Asia/Tokyo';
SELECT s.body::json ->> 'createdTime' = to_char(d.created_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created
FROM df.api_status(NULL, 'it') s, df_status('it') d;
SELECT s.body::json ->> 'scheduledStartTime' AS later FROM df.api_status(NULL, 'later') s;

-- what has failed, been rewound, suspended, timed
CREATE FUNCTION naps() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_sleep_until('2010-01-01 12:00+03'); PERFORM df_fail('Bad', 'in the end'); END $$;
SELECT FROM df_register_orchestrator('naps');
SELECT df_start('naps', NULL, 'naps'), df_suspend('naps', 'wait'), df_resume('naps', 'go');
CALL test.run();
SELECT df_rewind('naps');
CALL test.run();
SELECT * FROM events('naps', true, true);

-- a map is one task
CREATE FUNCTION maps() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_map('double', '[1, 2, 3]'); END $$;
SELECT FROM df_register_orchestrator('maps');
SELECT df_start('maps', NULL, 'maps');
CALL test.run();
SELECT * FROM events('maps', true, true);

-- changed says when to look again
SELECT changed AS before FROM df.api_status(NULL, 'later') \gset
SELECT * FROM df.api_watch(NULL, ARRAY['later', 'gone', 'it'], ARRAY[:'before', 'x', 'y']);
SELECT df_suspend('later');
CALL test.run();
SELECT * FROM df.api_watch(NULL, ARRAY['later'], ARRAY[:'before']);

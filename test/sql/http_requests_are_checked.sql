/* df_http: what is wrong with a request is an error of the call that makes it; so is what is wrong with a registration. */
CREATE FUNCTION ask(input jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    task df_task;
BEGIN
    task := df_http(input ->> 'url', coalesce(input ->> 'method', 'GET'), input -> 'body', input -> 'headers',
        input -> 'retry', (input ->> 'timeout')::interval, (input ->> 'poll')::boolean);
    RETURN 'scheduled';
EXCEPTION WHEN data_exception THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN SQLSTATE || ' ' || left(message, 100) || ' ' || detail;
END $$;
SELECT df_register_orchestrator('ask');

CREATE TABLE cases (n serial, input jsonb);
INSERT INTO cases (input) VALUES
    ('{}'),
    ('{"url": ""}'),
    ('{"url": "example.com"}'),
    ('{"url": "ftp://example.com/"}'),
    ('{"url": "file:///etc/passwd"}'),
    ('{"url": "javascript:alert(1)"}'),
    ('{"url": " https://example.com/"}'),
    ('{"url": "https://"}'),
    ('{"url": "https:///path"}'),
    ('{"url": "https://:80/"}'),
    ('{"url": "https://user:password@example.com/"}'),
    ('{"url": "https://user@example.com"}'),
    ('{"url": "https://example.com/a b"}'),
    ('{"url": "https://example.com/\r\nX: y"}'),
    ('{"url": "https://example.com/caf\u00e9"}'),
    ('{"url": "https://example.com\\@localhost/"}'),
    ('{"url": "https://example.com:0/"}'),
    ('{"url": "https://example.com:65536/"}'),
    ('{"url": "https://example.com:0x50/"}'),
    ('{"url": "https://example.com:/"}'),
    (jsonb_build_object('url', 'https://example.com/' || repeat('a', 8173))),
    (jsonb_build_object('url', 'https://example.com/' || repeat('a', 8172))),
    ('{"url": "HTTPS://[::1]:8080/@?a=b@c#d"}'),
    ('{"url": "http://example.com", "method": "patch"}'),
    ('{"url": "http://example.com", "method": "TRACE"}'),
    ('{"url": "http://example.com", "method": "CONNECT"}'),
    ('{"url": "http://example.com", "method": "GET\r\nX: y"}'),
    ('{"url": "http://example.com", "headers": []}'),
    ('{"url": "http://example.com", "headers": "X: y"}'),
    ('{"url": "http://example.com", "headers": {"X-A": "1", "x-b": "\u00e9\t"}}'),
    ('{"url": "http://example.com", "headers": {"X": 1}}'),
    ('{"url": "http://example.com", "headers": {"X": null}}'),
    ('{"url": "http://example.com", "headers": {"X": ["a"]}}'),
    ('{"url": "http://example.com", "headers": {"X": "a\nY: b"}}'),
    ('{"url": "http://example.com", "headers": {"X": "a\r"}}'),
    ('{"url": "http://example.com", "headers": {"X": "a\u0001"}}'),
    ('{"url": "http://example.com", "headers": {"": "a"}}'),
    ('{"url": "http://example.com", "headers": {"X Y": "a"}}'),
    ('{"url": "http://example.com", "headers": {"X:": "a"}}'),
    ('{"url": "http://example.com", "headers": {"X\n": "a"}}'),
    ('{"url": "http://example.com", "headers": {"X": "a", "x": "b"}}'),
    ('{"url": "http://example.com", "headers": {"host": "a"}}'),
    ('{"url": "http://example.com", "headers": {"Content-Length": "1"}}'),
    ('{"url": "http://example.com", "headers": {"transfer-encoding": "chunked"}}'),
    ('{"url": "http://example.com", "headers": {"Connection": "close"}}'),
    ('{"url": "http://example.com", "headers": {"Proxy-Authorization": "a"}}'),
    ('{"url": "http://example.com", "headers": {"X": {"$secret": "a"}, "Y": {"$secret": "b-c_d.1", "prefix": "Bearer "}}}'),
    ('{"url": "http://example.com", "headers": {"X": {"$secret": ""}}}'),
    ('{"url": "http://example.com", "headers": {"X": {"$secret": "../a"}}}'),
    ('{"url": "http://example.com", "headers": {"X": {"$secret": 1}}}'),
    ('{"url": "http://example.com", "headers": {"X": {"$secret": "a", "suffix": "b"}}}'),
    ('{"url": "http://example.com", "headers": {"X": {"$secret": "a", "prefix": "b\n"}}}'),
    ('{"url": "http://example.com", "headers": {"X": {"secret": "a"}}}'),
    (jsonb_build_object('url', 'http://example.com', 'headers', (SELECT jsonb_object_agg('h' || i, '') FROM generate_series(1, 100) i))),
    (jsonb_build_object('url', 'http://example.com', 'headers', (SELECT jsonb_object_agg('h' || i, '') FROM generate_series(1, 101) i))),
    (jsonb_build_object('url', 'http://example.com', 'headers', jsonb_build_object('X', repeat('a', 32768)))),
    ('{"url": "http://example.com", "method": "POST", "body": {"a": 1}, "headers": {"Content-Type": "application/vnd.x+json; charset=utf-8"}}'),
    ('{"url": "http://example.com", "method": "POST", "body": {"a": 1}, "headers": {"Content-Type": "text/xml"}}'),
    ('{"url": "http://example.com", "method": "POST", "body": "<a/>", "headers": {"content-type": "text/xml"}}'),
    ('{"url": "http://example.com", "method": "POST", "body": [1], "headers": {"Content-Type": {"$secret": "a"}}}'),
    ('{"url": "http://example.com", "retry": {"attempts": 1}}'),
    ('{"url": "http://example.com", "timeout": "0 s"}'),
    ('{"url": "http://example.com", "timeout": "2000 years"}'),
    ('{"url": "http://example.com", "poll": false}');
SELECT count(*) FROM (SELECT df_start('ask', input, instance_id => 'case-' || n) FROM cases) s;
CALL test.run(room => 0);
SELECT left(c.input::text, 110) AS input, df_result('case-' || n) #>> '{}' AS outcome FROM cases c ORDER BY n;

-- what is scheduled is an activity that workers offer
SELECT h.name, h.payload FROM cases c, df_history('case-' || n) h
WHERE h.event_type = 'TaskScheduled' AND c.input ->> 'poll' = 'false' OR h.payload ->> 'method' = 'PATCH' ORDER BY n;

-- nobody can take its name
SELECT df_register_activity('DF_Http', 'ask(jsonb)');
SELECT df_register_activity('df_http', kind => 'worker');
SELECT df_register_activity('df_http', kind => 'http', settings => '{"url": "https://example.com"}');
SELECT df_register_orchestrator('df_HTTP', 'ask');

-- registrations of requests
SELECT df_register_activity('Pay', kind => 'http');
SELECT df_register_activity('Pay', kind => 'http', settings => '{}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": 1}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": "https://u:p@example.com/"}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": "https://example.com/", "body": 1}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": "https://example.com/", "method": "TRACE"}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": "https://example.com/", "headers": {"Host": "a"}}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": "https://example.com/", "headers": {"X": "a\nb"}}');
SELECT df_register_activity('Pay', kind => 'http', settings => '{"url": "https://example.com/", "poll": "no"}');
SELECT df_register_activity('Pay', 'ask', kind => 'http', settings => '{"url": "https://example.com/"}');
SELECT df_register_activity('Pay', kind => 'http', settings =>
    '{"url": "https://example.com/", "method": "put", "headers": {"Authorization": {"$secret": "pay", "prefix": "Bearer "}}, "poll": false}');

-- outside of a turn
SELECT df_http('https://example.com/');
SELECT df_call_http('https://example.com/');

-- The functions behind the HTTP API answer as the contract has it: start, status, restart, purge.
\set VERBOSITY terse
CREATE FUNCTION echoes(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Bad', 'it "always" does'); END $$;
SELECT FROM unnest('{echoes,waits,fails}'::text[]) AS f, df_register_orchestrator(f);

-- start: an id of its own, a given one, nothing
SELECT code, instance_id ~ '^[0-9a-f]{32}$' AS id, message FROM df.api_start(NULL, 'echoes', '1');
SELECT * FROM df.api_start(NULL, 'Echoes', '{"b": 1, "a":12345678901234567890.10}', 'one');
SELECT * FROM df.api_start(NULL, 'waits', NULL, 'waiting');
SELECT * FROM df.api_start(NULL, 'fails', NULL, 'failing', '{"tags": {"k": "v"}, "version": null, "priority": 3}');
-- what is wrong with a request
SELECT i, s.* FROM unnest(ARRAY['', '@a', 'a/b', 'a\b', 'a#b', 'a?b', E'a\tb']) WITH ORDINALITY AS i(id, i),
    df.api_start(NULL, 'echoes', NULL, id) AS s;
SELECT code, message FROM df.api_start(NULL, 'echoes', NULL, repeat('x', 101));
SELECT code, message FROM df.api_start(NULL, 'nobody', NULL);
SELECT code, message FROM df.api_start(NULL, 'echoes', '{"a":');
SELECT code, message FROM df.api_start(NULL, 'echoes', ' ');
SELECT code, message FROM df.api_start(NULL, 'echoes', '"\u0000"');
SELECT code, message FROM df.api_start(NULL, 'echoes', repeat('[', 200) || repeat(']', 200));
SELECT code, message FROM df.api_start(NULL, 'echoes', '1', NULL, '{"if_exists": "maybe"}');
SELECT code, message FROM df.api_start(NULL, 'echoes', '1', NULL, '{"start_at": "soon"}');
SET pgdf.max_payload = '1kB';
SELECT code, message FROM df.api_start(NULL, 'echoes', '"' || repeat('x', 2000) || '"');
RESET pgdf.max_payload;
-- a live id is refused, a final one begins anew
SELECT * FROM df.api_start(NULL, 'waits', NULL, 'waiting');
CALL test.run();
SELECT * FROM df.api_start(NULL, 'waits', NULL, 'one');
CALL test.run();
SELECT runtime_status FROM df_status('one');

-- status
SELECT code, runtime_status, output, changed IS NULL AS gone, body FROM df.api_status(NULL, 'unknown');
SELECT code, runtime_status, output FROM df.api_status(NULL, 'waiting');
SELECT code, runtime_status, output FROM df.api_status(NULL, 'failing');
SELECT df_terminate('waiting', 'enough "of" it');
CALL test.run();
SELECT code, runtime_status, output FROM df.api_status(NULL, 'waiting');

-- restart
SELECT code, instance_id ~ '^[0-9a-f]{32}$' AS id, message FROM df.api_restart(NULL, 'waiting');
SELECT * FROM df.api_restart(NULL, 'waiting', false);
SELECT * FROM df.api_restart(NULL, 'waiting', false);
SELECT * FROM df.api_restart(NULL, 'unknown');

-- purge
SELECT * FROM df.api_purge(NULL, 'unknown');
SELECT * FROM df.api_purge(NULL, 'waiting');
SELECT * FROM df.api_purge(NULL, 'failing');
SELECT * FROM df.api_purge(NULL, 'failing');
SELECT * FROM df.api_purge_list(NULL, NULL);
SELECT * FROM df.api_purge_list(NULL, '-infinity', NULL, '{Running,what}');
SELECT * FROM df.api_purge_list(NULL, '-infinity', NULL, '{}');
SELECT * FROM df.api_purge_list(NULL, '-infinity', '2000-01-01');
SELECT * FROM df.api_purge_list(NULL, now() - interval '1 hour', NULL, '{Failed}');
SELECT * FROM df.api_purge_list(NULL, now() - interval '1 hour', now() + interval '1 hour', '{what,completed}');
SELECT name, runtime_status, count(*) FROM df.instances GROUP BY 1, 2 ORDER BY 1, 2;

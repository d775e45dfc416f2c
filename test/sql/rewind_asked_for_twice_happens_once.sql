-- Two requests to rewind that arrive together are one rewind: the second finds an instance that runs.
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Bad', 'always'); END $$;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('fail', '{"final": true}');
    RETURN 'null';
END $$;
SELECT FROM unnest('{fails,waits}'::text[]) AS f, df_register_orchestrator(f);
SELECT df_start('fails', NULL, 'x'), df_start('waits', NULL, 'y');
CALL test.run();
SELECT df_rewind('x'), df_rewind('x'), df_rewind('y'), df_rewind('y');
CALL test.run();
SELECT id, i.status, i.error_type, i.error FROM unnest('{x,y}'::text[]) AS id, test.instance(id) i;
SELECT id, test.count(id, 'ExecutionRewound') FROM unnest('{x,y}'::text[]) AS id;

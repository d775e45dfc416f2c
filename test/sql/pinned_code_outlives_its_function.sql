-- An instance in flight keeps the body, owner and SET clauses of the function that it began with; new ones get the new function.

CREATE SCHEMA places;
CREATE FUNCTION places.where_am_i() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('search_path') $$;
GRANT CREATE, USAGE ON SCHEMA places TO regress_user;
SET ROLE regress_user;
CREATE FUNCTION places.pledge(greeting text, times int DEFAULT 2) RETURNS jsonb LANGUAGE plpgsql SET search_path = places, public, pg_temp AS $$
BEGIN
    PERFORM df_call_activity('hold');
    RETURN jsonb_build_object('body', 'old', 'path', where_am_i(), 'input', repeat(greeting, times), 'user', current_user);
END $$;
SELECT FROM df_register_orchestrator('Pledge', 'places.pledge');
SELECT df_start('pledge', '{"greeting": "a"}', 'first'), df_start('pledge', '{"greeting": "b"}', 'second');
RESET ROLE;
CALL test.run(room => 0);
SELECT count(*) AS definitions, min(owner::text) AS owner, bool_and(definition LIKE '(greeting text, times integer DEFAULT 2)%RETURNS jsonb%') AS text FROM df.code;
SET ROLE regress_user;
CREATE OR REPLACE FUNCTION places.pledge(greeting text, times int DEFAULT 2) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_build_object('body', 'new');
END $$;
SELECT df_start('pledge', '{"greeting": "c"}', 'third');
RESET ROLE;
CALL test.run();
CALL test.answer('first', 1);
CALL test.run();
SELECT id, i.status, i.output, i.blocked FROM unnest('{first,second,third}'::text[]) AS id, test.instance(id) i;

-- the clone: a member of the extension, owned like the function, nobody's to call
SELECT prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql') AS plpgsql, proname ~ '^pinned_[0-9a-f]{32}$' AS name, proowner::regrole AS owner,
    proconfig, has_function_privilege('regress_user', p.oid, 'EXECUTE') AS user_may, has_function_privilege('regress_nobody', p.oid, 'EXECUTE') AS nobody_may
FROM pg_proc p WHERE pronamespace = 'df'::regnamespace AND proname LIKE 'pinned%';
SELECT count(*) FROM pg_depend d JOIN pg_proc p ON d.objid = p.oid WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND proname LIKE 'pinned%';
-- not dumped, nor are its privileges: they are those of a member from the start
SELECT initprivs = proacl AS not_dumped FROM pg_init_privs i JOIN pg_proc p ON p.oid = i.objoid AND i.classoid = 'pg_proc'::regclass
WHERE proname LIKE 'pinned%';

-- another change: another clone; the one that nobody needs goes
CALL test.orchestrator('other', 'BEGIN RETURN df_call_activity(''hold''); END');
SELECT df_start('other', NULL, 'other');
CALL test.run();
CALL test.orchestrator('other', 'BEGIN RETURN ''"new"''; END');
CALL test.answer('second', 1);
CALL test.run();
SELECT status, output ->> 'body' AS body FROM test.instance('second');
CALL test.answer('other', 1, 'c', '"old"');
CALL test.run();
SELECT status, output FROM test.instance('other');
SELECT count(*) FROM pg_proc WHERE pronamespace = 'df'::regnamespace AND proname LIKE 'pinned%';

-- back to what it was before it is needed: no clone
SET ROLE regress_user;
CREATE FUNCTION fickle() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('hold') || '"a"'; END $$;
SELECT FROM df_register_orchestrator('fickle');
SELECT df_start('fickle', NULL, 'fickle');
RESET ROLE;
CALL test.run();
ALTER FUNCTION fickle() SET work_mem = '1MB';
ALTER FUNCTION fickle() RESET work_mem;
CALL test.answer('fickle', 1, 'c', '[]');
CALL test.run();
SELECT status, output FROM test.instance('fickle');
SELECT count(*) FROM pg_proc WHERE pronamespace = 'df'::regnamespace AND proname LIKE 'pinned%';

-- continue-as-new begins with what is current
CALL test.orchestrator('eternal', 'BEGIN PERFORM df_wait_event(''next''); RETURN df_continue_as_new(''"old"''); END');
SELECT df_start('eternal', NULL, 'eternal');
CALL test.run();
CALL test.orchestrator('eternal', 'BEGIN RETURN jsonb_build_array(''new'', input); END');
SELECT df_raise_event('eternal', 'next');
CALL test.run();
SELECT status, output FROM test.instance('eternal');

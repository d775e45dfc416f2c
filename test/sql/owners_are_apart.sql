-- Every function, view and df.api_ function that is told of an instance answers for one of somebody else's as for none,
-- whatever state that is in: in a session, inside a function with its owner's rights, in a SQL activity.
\set VERBOSITY terse

-- one call a line; %L is the id, or the key of the instance
CREATE TABLE calls (function text, call text, n serial);
INSERT INTO calls (function, call) VALUES
    ('df_status', 'df_status(%L)'),
    ('df_wait', 'df_wait(%L, ''0 s'')'),
    ('df_result', 'df_result(%L, ''0 s'')'),
    ('df_history', 'df_history(%L)'),
    ('df_waits', 'df_waits(%L)'),
    ('df_tree', 'df_tree(%L)'),
    ('df_terminate', 'df_terminate(%L)'),
    ('df_terminate', 'df_terminate(%L, ''x'', false)'),
    ('df_suspend', 'df_suspend(%L)'),
    ('df_resume', 'df_resume(%L)'),
    ('df_rewind', 'df_rewind(%L)'),
    ('df_raise_event', 'df_raise_event(%L, ''go'', ''1'')'),
    ('df_raise_event', 'df_raise_event(%L, ''go'', NULL, ''used'')'),
    ('df_restart', 'df_restart(%L)'),
    ('df_restart', 'df_restart(%L, ''fresh'')'),
    ('df_restart', 'df_restart(%1$L, %1$L)'),
    ('df_purge', 'df_purge(%L)'),
    ('api_status', 'df.api_status(NULL, %L)'),
    ('api_status', 'df.api_status(NULL, %L, true, true, true)'),
    ('api_control', 'df.api_control(NULL, ''terminate'', %L)'),
    ('api_control', 'df.api_control(NULL, ''suspend'', %L)'),
    ('api_control', 'df.api_control(NULL, ''resume'', %L)'),
    ('api_control', 'df.api_control(NULL, ''rewind'', %L)'),
    ('api_restart', 'df.api_restart(NULL, %L)'),
    ('api_restart', 'df.api_restart(NULL, %L, false)'),
    ('api_raise_event', 'df.api_raise_event(NULL, %L, ''go'', true, ''1'')'),
    ('api_raise_event', 'df.api_raise_event(NULL, %L, ''go'', true, ''{'')'),
    ('api_raise_event', 'df.api_raise_event(NULL, %L, ''go'', false, ''1'', ''used'')'),
    ('api_purge', 'df.api_purge(NULL, %L)'),
    ('api_watch', 'df.api_watch(NULL, ARRAY[%L], ''{x}'')'),
    ('api_list', 'df.api_list(NULL, %L)'),
    ('waiting_reason', 'df.waiting_reason(coalesce((SELECT instance_key FROM public.keys WHERE id = %L), 0))'),
    ('view', '(SELECT count(*) FROM df.instances WHERE instance_id = %L)'),
    ('view', '(SELECT count(*) FROM df.instances WHERE parent_instance_id = %L)'),
    ('view', '(SELECT count(*) FROM df.dead_letters WHERE instance_id = %L)'),
    ('view', '(SELECT count(*) FROM df_waits() WHERE instance_id = %L)');

-- a new function that takes an id, or a key, comes in here; these begin something under an id of the caller's choice
SELECT p.oid::regprocedure AS is_not_tried
FROM df.extension_members() m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs]) AS a (name)
WHERE a.name ~ '^instance_(ids?|key)$' AND has_function_privilege('regress_other', p.oid, 'EXECUTE')
    AND p.proname NOT IN ('df_start', 'api_start', 'df_sub_orchestrator', 'df_call_sub_orchestrator')
    AND NOT EXISTS (SELECT FROM calls c WHERE c.function = p.proname);

-- regress_user has an instance in each state that there is
SET pgdf.inline_sql_budget = '10s';
SET ROLE regress_user;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_set_custom_status('"secret"');
    RETURN df_wait_event('go');
END $$;
CREATE FUNCTION ends(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Secret', 'secret'); END $$;
CREATE FUNCTION parent() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_call_sub_orchestrator('waits', NULL, 'theirs-child');
END $$;
CREATE FUNCTION unserved() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('secret_activity'); END $$;
CREATE FUNCTION maps() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_map('hold', '["secret", 2]'); END $$;
CREATE FUNCTION changes() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('hold', to_jsonb(random())); END $$;
SELECT FROM unnest('{waits,ends,fails,parent,unserved,maps,changes}'::text[]) AS f, df_register_orchestrator(f);
SELECT count(df_start(f, '"secret"', 'theirs-' || f)) FROM unnest('{ends,fails,parent,unserved,maps,changes,waits}'::text[]) AS f;
SELECT count(df_start('waits', NULL, 'theirs-' || what)) FROM unnest('{suspended,terminated}'::text[]) AS what;
SELECT df_start('unserved', NULL, 'theirs-dead'), df_start('waits', NULL, 'theirs-pending', start_at => 'tomorrow');
RESET ROLE;
CALL test.run();
SELECT df_suspend('theirs-suspended'), df_terminate('theirs-terminated'), df_raise_event('theirs-suspended', 'other', '1', 'used');
CALL test.answer('theirs-changes', 1, 'c', '1');
CALL test.run();
UPDATE df.tasks t SET state = 4, deliveries = 5 FROM df.instance_state i
WHERE i.instance_key = t.instance_key AND i.instance_id = 'theirs-dead';
CREATE TABLE keys AS SELECT instance_id AS id, instance_key FROM df.instance_state;
GRANT SELECT ON keys, calls TO PUBLIC;
SELECT instance_id, runtime_status, blocked_reason IS NOT NULL AS is_blocked FROM df.instances ORDER BY 1;
CREATE TABLE before AS SELECT instance_id, to_jsonb(i) - 'last_updated_time' AS row FROM df.instances i;

CREATE FUNCTION answer(call text, id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
    hint text;
BEGIN
    EXECUTE 'SELECT string_agg(r::text, E''\n'') FROM ' || format(call, id) || ' AS r' INTO result;
    RETURN replace(coalesce(result, 'no row'), id, 'ID');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN replace(concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, '')), id, 'ID');
END $$;

-- what regress_user gets is something else, or the comparison would say nothing
SET ROLE regress_user;
BEGIN;
SELECT call FROM calls
WHERE function !~ '^api' AND answer(call, 'theirs-child') = answer(call, 'no-such-instance')
    AND answer(call, 'theirs-fails') = answer(call, 'no-such-instance')
    AND answer(call, 'theirs-dead') = answer(call, 'no-such-instance')
    AND answer(call, 'theirs-parent') = answer(call, 'no-such-instance') ORDER BY n;
ROLLBACK;
RESET ROLE;

-- the functions for HTTP act for the session's role
SET SESSION AUTHORIZATION regress_other;
SELECT call, k.id, answer(call, k.id) AS foreign_one, answer(call, 'no-such-instance') AS unknown FROM calls, keys k
WHERE answer(call, k.id) <> answer(call, 'no-such-instance') ORDER BY n, id;
-- the answers for those that do not exist
SELECT call, answer(call, 'no-such-instance') FROM calls ORDER BY n;
-- sets
SELECT count(*) FROM df.instances;
SELECT count(*) FROM df.dead_letters;
SELECT count(*) FROM df.workers;
SELECT count(*) FROM df_waits();
SELECT df_purge_before('infinity');
SELECT * FROM df.api_list(NULL);
SELECT * FROM df.api_purge_list(NULL, '-infinity');
SELECT count(*) FROM df_deploy_check('changes()');
-- an id that somebody has cannot be had: that much is told, and not in which state it is
SELECT DISTINCT replace(answer('df_start(''ends'', NULL, %L, NULL, ' || quote_literal(x) || ')', id), id, 'ID')
FROM keys, unnest('{error,ignore,replace}'::text[]) AS x;
SELECT DISTINCT answer('df.api_start(NULL, ''ends'', ''1'', %L)', id) FROM keys;
SELECT df_start('ends', NULL, 'own');
SELECT DISTINCT answer('df_restart(''own'', %L)', id) FROM keys;

-- with the rights of regress_other in a session of regress_user, which lends it none of its own
CREATE FUNCTION lent(call text, id text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT public.answer(call, id) $$;
SET SESSION AUTHORIZATION regress_user;
SELECT call, k.id, lent(call, k.id) FROM calls, keys k
WHERE lent(call, k.id) <> lent(call, 'no-such-instance') ORDER BY n, id;
-- a role that has been granted nothing is refused everywhere
SET SESSION AUTHORIZATION regress_nobody;
SELECT call, answer(call, 'theirs-ends') FROM calls WHERE answer(call, 'theirs-ends') !~ '^42501 permission denied for (function|view|schema)';

-- in a turn, where these are refused, and in an activity
RESET SESSION AUTHORIZATION;
SELECT FROM df_grant_registrar('regress_other');
SET ROLE regress_other;
CREATE FUNCTION tries() RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_array(c.call, k.id, public.answer(c.call, k.id), public.answer(c.call, 'no-such-instance')) ORDER BY c.n, k.id)
    FROM public.calls c, public.keys k WHERE public.answer(c.call, k.id) <> public.answer(c.call, 'no-such-instance')
$$;
SELECT FROM df_register_activity('tries');
SELECT FROM df_register_orchestrator('turn_tries', 'tries');
CREATE FUNCTION activity_tries() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('tries'); END $$;
SELECT FROM df_register_orchestrator('activity_tries');
-- and under the ids of others
CREATE FUNCTION takes(id text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_sub_orchestrator('ends', '1', id); END $$;
CREATE FUNCTION sends(id text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(df_raise_event(id, 'go')); END $$;
CREATE FUNCTION starts(id text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(df_start('ends', '1', id, NULL, 'replace')); END $$;
SELECT FROM unnest('{takes,sends,starts}'::text[]) AS f, df_register_orchestrator(f);
SELECT df_start('turn_tries', NULL, 'turn-tries'), df_start('activity_tries', NULL, 'activity-tries');
SELECT count(df_start(f, to_jsonb(id), 'other-' || f || '-' || id))
FROM keys k, unnest('{takes,sends,starts}'::text[]) AS f;
SELECT df_start('sends', '"no-such-instance"', 'other-unknown');
RESET ROLE;
CALL test.run();
SELECT status, output, error FROM test.instance('turn-tries');
SELECT status, output, error FROM test.instance('activity-tries');
SELECT i.name, i.runtime_status, i.answer, count(*)
FROM (SELECT *, replace(coalesce(failure_details ->> 'errorMessage', output::text), input #>> '{}', 'ID') AS answer FROM df.instances) i
WHERE instance_id LIKE 'other-%' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- nothing has come of it
SELECT b.instance_id, b.row, to_jsonb(i) FROM before b LEFT JOIN df.instances i USING (instance_id)
WHERE b.row IS DISTINCT FROM to_jsonb(i) - 'last_updated_time';
SELECT count(*) FROM df.inbox x JOIN df.instance_state i USING (instance_key) WHERE i.owner = 'regress_user'::regrole;

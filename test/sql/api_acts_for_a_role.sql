-- A df.api_ function acts for a role that the session user is a member of; what is somebody else's is unknown.
\set VERBOSITY terse
SET ROLE regress_user;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
SELECT FROM df_register_orchestrator('waits');
CREATE FUNCTION secret() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
REVOKE EXECUTE ON FUNCTION secret() FROM PUBLIC;
SELECT FROM df_register_orchestrator('secret');
RESET ROLE;

-- the server's role is a member of two others
CREATE ROLE regress_http LOGIN NOINHERIT IN ROLE regress_user, regress_other;
SELECT FROM df_grant_worker('regress_http');
SET SESSION AUTHORIZATION regress_http;
SELECT * FROM df.api_start('regress_user', 'waits', NULL, 'of user');
SELECT * FROM df.api_start('regress_other', 'waits', NULL, 'of other');
-- not its owner's right
SELECT code, message FROM df.api_start('regress_other', 'secret', NULL);
SELECT code FROM df.api_start('regress_user', 'secret', NULL, 'another of user');
-- a role of others, and itself: it may work for others, and start nothing of its own
SELECT * FROM df.api_start('regress_nobody', 'waits', NULL);
SELECT * FROM df.api_start('postgres', 'waits', NULL);
SELECT code, message FROM df.api_start('regress_http', 'waits', NULL);
SELECT code, message FROM df.api_start(NULL, 'waits', NULL);

-- the same answers for what is somebody else's and for what is not there
CREATE VIEW pg_temp.answers AS
SELECT i.id, r.role,
    (SELECT code FROM df.api_status(r.role, i.id)) AS status,
    (SELECT code FROM df.api_control(r.role, 'suspend', i.id)) AS suspend,
    (SELECT code FROM df.api_control(r.role, 'resume', i.id)) AS resume,
    (SELECT code FROM df.api_control(r.role, 'rewind', i.id)) AS rewind,
    (SELECT code FROM df.api_raise_event(r.role, i.id, 'x', true, '1')) AS event,
    (SELECT code FROM df.api_raise_event(r.role, i.id, 'x', false, '{')) AS bad_event,
    (SELECT code FROM df.api_purge(r.role, i.id)) AS purge,
    (SELECT code FROM df.api_restart(r.role, i.id, false)) AS restart,
    (SELECT runtime_status FROM df.api_watch(r.role, ARRAY[i.id], '{x}')) AS watch
FROM unnest('{of user,of other,unknown}'::text[]) AS i(id), unnest('{regress_user,regress_other}'::regrole[]) AS r(role);
SELECT * FROM answers ORDER BY role::text, id;
SELECT r, e ->> 'instanceId' AS id FROM unnest('{regress_user,regress_other}'::regrole[]) AS r,
    df.api_list(r) AS l, json_array_elements(l.body::json) AS e ORDER BY 1, 2;
SELECT (SELECT code FROM df.api_control('regress_other', 'terminate', 'of user')) AS foreign_one,
    (SELECT code FROM df.api_control('regress_other', 'terminate', 'of other')) AS own;
-- an id that somebody else has is taken
SELECT * FROM df.api_start('regress_other', 'waits', NULL, 'of user');
RESET SESSION AUTHORIZATION;

-- whose rights are in force counts too: nobody uses a session of more rights
SET ROLE regress_other;
SELECT * FROM df.api_status('regress_user', 'of user');
SELECT * FROM df.api_status(NULL, 'of user');
RESET ROLE;
-- and nobody lends a right to other sessions
SET ROLE regress_user;
CREATE FUNCTION lends() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT code FROM df.api_status('regress_user', 'of user')
$$;
RESET ROLE;
SET SESSION AUTHORIZATION regress_user;
SELECT lends();
SET SESSION AUTHORIZATION regress_other;
SELECT lends();
RESET SESSION AUTHORIZATION;
-- an administrator sees all
SELECT code FROM df.api_status(NULL, 'of user');
SELECT code FROM df.api_status('postgres', 'of user');
-- and a role without any right cannot even ask
SET SESSION AUTHORIZATION regress_nobody;
SELECT * FROM df.api_status(NULL, 'of user');
RESET SESSION AUTHORIZATION;

-- neither orchestrators nor activities call it
CREATE FUNCTION asks() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM * FROM df.api_list(NULL);
    RETURN 'listed';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLERRM;
END $$;
CREATE FUNCTION asks_twice() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN jsonb_build_array(asks(), df_call_activity('asks'));
END $$;
SELECT FROM df_register_activity('asks', 'asks'), df_register_orchestrator('asks_twice');
SELECT df_start('asks_twice', NULL, 'asking');
CALL test.run();
SELECT output FROM df_status('asking');
DROP OWNED BY regress_http;
DROP ROLE regress_http;

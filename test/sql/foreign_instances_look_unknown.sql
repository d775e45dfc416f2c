/* Nobody learns anything of another role's instances; members of that role and administrators see all. */
CREATE ROLE regress_reader IN ROLE regress_user;
SELECT FROM df_grant_user('regress_reader');
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f', instance_id => 'of user');

SET ROLE regress_other;
SELECT df_start('f', instance_id => 'of other');
SELECT instance_id, owner FROM df.instances ORDER BY 1;
SELECT (SELECT count(*) FROM df_status('of user')) AS status,
    (SELECT count(*) FROM df_wait('of user', '10 s')) AS wait,
    (SELECT count(*) FROM df_history('of user')) AS history;
SELECT df_result('of user');
SELECT df_terminate('of user');
SELECT df_purge('of user');
\echo :LAST_ERROR_SQLSTATE

-- a function of the query sees no foreign row, however cheap it says it is
CREATE FUNCTION peek(id text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
    RAISE NOTICE 'seen: %', id;
    RETURN true;
END
$$;
SELECT instance_id FROM df.instances WHERE peek(instance_id);

SET ROLE regress_reader;
SELECT instance_id, owner FROM df.instances ORDER BY 1;
SELECT count(*) FROM df_status('of user');
SELECT df_terminate('of user');

RESET ROLE;
SELECT instance_id, owner FROM df.instances ORDER BY 1;
SELECT df_terminate('of user'), df_terminate('of other');

SET ROLE regress_nobody;
SELECT count(*) FROM df.instances;
SELECT count(*) FROM df_status('of user');
RESET ROLE;

DROP OWNED BY regress_reader;
DROP ROLE regress_reader;

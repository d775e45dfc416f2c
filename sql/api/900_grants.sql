/*
 * sql/api/900_grants.sql: who may do what.
 *
 * PUBLIC may do nothing.  A role gets its rights from one of three functions,
 * each of which knows a list of names: adding a function is one line here.
 */

CREATE OR REPLACE FUNCTION df.grant_group(role regrole, group_name text, objects oid[] DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    client CONSTANT text[] := ARRAY[
        'df_start',
        'df_run',
        'df_status',
        'df_wait',
        'df_result',
        'df_history',
        'df_terminate',
        'df_suspend',
        'df_resume',
        'df_rewind',
        'df_raise_event',
        'df_restart',
        'df_purge',
        'df_purge_before',
        'df_waits',
        'df_tree',
        'df_lint',
        'lint_rules',
        'df_deploy_check',
        'status_name',
        'waiting_reason',
        'event_type_name'
    ];
    helper CONSTANT text[] := ARRAY[
        'df_text',
        'df_retry',
        'df_fail',
        'df_heartbeat'
    ];
    context CONSTANT text[] := ARRAY[
        'df_activity',
        'df_call_activity',
        'df_sub_orchestrator',
        'df_call_sub_orchestrator',
        'df_timer',
        'df_timer_at',
        'df_sleep',
        'df_sleep_until',
        'df_event',
        'df_wait_event',
        'df_http',
        'df_call_http',
        'df_map',
        'df_call_map',
        'df_map_agg',
        'df_map_results',
        'df_cancel',
        'df_continue_as_new',
        'df_await',
        'df_is_completed',
        'df_all',
        'df_any',
        'df_when_all',
        'df_when_any',
        'df_when_all_settled',
        'df_failure',
        'df_record',
        'df_set_custom_status',
        'df_now',
        'df_uuid',
        'df_random',
        'df_instance_id',
        'df_input',
        'df_is_replaying'
    ];
    type_support CONSTANT text[] := ARRAY[
        'df_task_in',
        'df_task_out',
        'df_task_eq',
        'df_task_ne',
        'df_task_lt',
        'df_task_le',
        'df_task_gt',
        'df_task_ge',
        'df_task_cmp',
        'df_task_hash',
        'df_task_hash_extended'
    ];
    sample CONSTANT text[] := ARRAY[
        'df_e2_backup_site_content'
    ];
    registration CONSTANT text[] := ARRAY[
        'df_register_orchestrator',
        'df_register_activity',
        'df_unregister',
        'df_limit'
    ];
    engine CONSTANT text[] := ARRAY[
        'attach',
        'work',
        'run_sql',
        'sweep',
        'idle',
        'wake',
        'detach',
        'terminate_runaway',
        'retire',
        'retire_due'
    ];
    -- each asks what the role that it acts for may do: see http_caller.c
    http CONSTANT text[] := ARRAY[
        'api_start',
        'api_status',
        'api_list',
        'api_control',
        'api_restart',
        'api_raise_event',
        'api_purge',
        'api_purge_list',
        'api_watch'
    ];
    metrics CONSTANT text[] := ARRAY[
        'api_metrics'
    ];
    view_names CONSTANT text[] := ARRAY[
        'instances',
        'orchestrators',
        'activities',
        'workers',
        'dead_letters'
    ];
    names text[];
    target text;
BEGIN
    CASE group_name
        WHEN 'user' THEN names := client || helper || context || type_support || sample || http;
        WHEN 'registrar' THEN names := registration;
        WHEN 'worker' THEN names := engine || http || metrics;
    END CASE;

    IF NOT (SELECT pg_has_role(current_user, nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = 'df') THEN
        RAISE insufficient_privilege
            USING MESSAGE = 'permission denied to grant rights on extension "pgdf"',
                DETAIL = 'Only members of the role that owns the extension may do that.';
    END IF;

    EXECUTE format('GRANT USAGE ON SCHEMA df TO %s', role);
    FOR target IN
        SELECT m.objid::regprocedure
        FROM df.extension_members() m
        JOIN pg_proc p ON p.oid = m.objid
        WHERE m.classid = 'pg_proc'::regclass AND p.proname = ANY (names)
            AND (objects IS NULL OR p.oid = ANY (objects))
    LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %s', target, role);
    END LOOP;

    IF group_name = 'user' THEN
        EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %s', role);
        EXECUTE format('GRANT USAGE ON TYPE @extschema@.df_task TO %s', role);
        FOREACH target IN ARRAY view_names LOOP
            IF objects IS NULL OR format('df.%I', target)::regclass = ANY (objects) THEN
                EXECUTE format('GRANT SELECT ON df.%I TO %s', target, role);
            END IF;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION df.grant_group(regrole, text, oid[])
    IS 'grant a list of rights to a role; with objects, those on these only';

CREATE OR REPLACE FUNCTION df_grant_user(role regrole) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df.grant_group(role, 'user')
$$;
COMMENT ON FUNCTION df_grant_user(regrole)
    IS 'let a role start and control instances, and run orchestrators';

CREATE OR REPLACE FUNCTION df_grant_registrar(role regrole) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df.grant_group(role, 'user');
    SELECT df.grant_group(role, 'registrar')
$$;
COMMENT ON FUNCTION df_grant_registrar(regrole)
    IS 'let a role do what a user may, and register orchestrators and activities';

CREATE OR REPLACE FUNCTION df_grant_worker(role regrole) RETURNS void
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT df.grant_group(role, 'worker')
$$;
COMMENT ON FUNCTION df_grant_worker(regrole) IS 'let a role attach as a worker';

CREATE OR REPLACE FUNCTION df.extension_members() RETURNS TABLE (classid oid, objid oid)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.classid, d.objid
    FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass
        AND d.deptype = 'e'
        AND e.extname = 'pgdf'
$$;
COMMENT ON FUNCTION df.extension_members() IS 'the objects of the extension, as pg_depend names them';

CREATE OR REPLACE FUNCTION df.revoke_from_public() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target text;
BEGIN
    FOR target IN
        SELECT 'ROUTINE ' || m.objid::regprocedure
        FROM df.extension_members() m
        WHERE m.classid = 'pg_proc'::regclass
        UNION ALL
        SELECT 'TYPE ' || m.objid::regtype
        FROM df.extension_members() m
        JOIN pg_type t ON t.oid = m.objid
        WHERE m.classid = 'pg_type'::regclass AND t.typelem = 0
        UNION ALL
        SELECT CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass
        FROM pg_class c
        WHERE c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'v', 'S')
        UNION ALL
        SELECT 'SCHEMA df'
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', target);
    END LOOP;
END
$$;
COMMENT ON FUNCTION df.revoke_from_public() IS 'take all rights on the extension''s objects from PUBLIC';

/*
 * What an update brings has been granted to nobody.  It goes to those who have
 * their group's first right; what was taken from somebody stays taken.
 */
CREATE OR REPLACE FUNCTION df.grant_new() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_objects oid[] := ARRAY(
        SELECT m.objid
        FROM df.extension_members() m
        LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
        LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid AND c.relkind = 'v'
        WHERE NOT EXISTS (
            SELECT FROM aclexplode(coalesce(p.proacl, c.relacl)) a
            WHERE a.grantee <> coalesce(p.proowner, c.relowner)
        )
    );
    holder record;
BEGIN
    FOR holder IN
        SELECT DISTINCT a.grantee::regrole AS role, g.group_name
        FROM (VALUES ('user', 'df_start'), ('registrar', 'df_unregister'), ('worker', 'attach')) AS g(group_name, first_right)
        JOIN pg_proc p ON p.proname = g.first_right
        JOIN df.extension_members() m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
        CROSS JOIN LATERAL aclexplode(p.proacl) a
        WHERE a.grantee NOT IN (0, p.proowner)
    LOOP
        PERFORM df.grant_group(holder.role, holder.group_name, new_objects);
    END LOOP;
END
$$;
COMMENT ON FUNCTION df.grant_new() IS 'after an update: grant what is new to those who have been granted the rest';

SELECT df.revoke_from_public();
SELECT df.grant_new();

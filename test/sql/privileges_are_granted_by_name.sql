/* PUBLIC may do nothing with the extension's objects; every public function is granted by one of df_grant_*. */

-- all objects: the extension's members, and what belongs to them
CREATE TEMP VIEW rights AS
SELECT 'function' AS kind, p.oid::regprocedure::text AS object, a.*
FROM df.extension_members() m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass,
    aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
UNION ALL
SELECT 'relation', c.oid::regclass::text, a.*
FROM pg_class c,
    aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) AS a
WHERE c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'v', 'S')
UNION ALL
SELECT 'type', t.oid::regtype::text, a.*
FROM df.extension_members() m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass,
    aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) AS a
WHERE t.typelem = 0
UNION ALL
SELECT 'schema', n.nspname, a.*
FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
WHERE n.nspname = 'df';

SELECT kind, count(*) > 0 AS has_rights FROM rights GROUP BY kind ORDER BY kind;
SELECT kind, object, privilege_type FROM rights WHERE grantee = 0 ORDER BY 1, 2;

-- nobody but the owner writes, or has a right that lets his code run as somebody else
SELECT kind, object, grantee::regrole, privilege_type FROM rights
WHERE kind = 'relation' AND grantee <> (SELECT nspowner FROM pg_namespace WHERE nspname = 'df')
    AND privilege_type <> 'SELECT'
ORDER BY 1, 2;
SELECT object FROM rights
WHERE kind = 'relation' AND grantee = 'regress_user'::regrole AND privilege_type = 'SELECT'
ORDER BY object;

-- public functions that no role got from df_grant_user, df_grant_registrar or df_grant_worker
SELECT p.proname FROM df.extension_members() m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.proname LIKE 'df\_%' AND NOT EXISTS (SELECT FROM rights r WHERE r.kind = 'function' AND r.object = p.oid::regprocedure::text
    AND r.grantee IN ('regress_user'::regrole, 'regress_other'::regrole, 'regress_worker'::regrole))
ORDER BY p.proname;

-- a user may not register, a registrar may
SELECT has_function_privilege('regress_other', 'df_register_orchestrator(text, text, text)', 'EXECUTE') AS other,
    has_function_privilege('regress_user', 'df_register_orchestrator(text, text, text)', 'EXECUTE') AS registrar,
    has_function_privilege('regress_worker', 'df_start(text, jsonb, text, timestamptz, text, jsonb, text, integer, text)', 'EXECUTE') AS worker;

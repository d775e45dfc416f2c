/* Functions that are not in C, and those that run with their owner's rights, pin their search_path. */
SELECT p.oid::regprocedure AS is_definer, p.proconfig
FROM df.extension_members() m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.prosecdef AND p.proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}';
-- these are all: each is looked at here before it is added
SELECT p.oid::regprocedure AS definer
FROM df.extension_members() m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE p.prosecdef ORDER BY p.proname;
-- no view shows a row before it is checked
SELECT c.oid::regclass AS no_barrier FROM pg_class c
WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'v' AND c.reloptions IS DISTINCT FROM '{security_barrier=true}';

SELECT p.oid::regprocedure, p.proconfig
FROM df.extension_members() m
JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('c', 'internal')
    AND (p.proconfig IS NULL OR p.proconfig[1] !~ '^search_path=pg_catalog, .*pg_temp$')
ORDER BY 1;

-- everything public is explained
SELECT p.oid::regprocedure AS has_no_comment
FROM df.extension_members() m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
WHERE obj_description(p.oid, 'pg_proc') IS NULL AND p.proname NOT LIKE 'df_task_%'
ORDER BY 1;
SELECT c.oid::regclass AS has_no_comment
FROM pg_class c WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') IS NULL;

-- a temporary object cannot stand in for what they use
CREATE TEMP TABLE pg_depend (classid oid, objid oid, refclassid oid, refobjid oid, deptype "char");
CREATE TEMP TABLE pg_proc (oid oid, proname name);
SELECT count(*) > 0 AS sees_the_catalog FROM df.extension_members();

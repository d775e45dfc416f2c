/*
 * test/lib/members.sql: everything that there is to say about the members of extension pgdf, a fact a line.
 *
 * Two databases with the same lines have the same extension, however it got there.
 */

SET search_path = pg_catalog, pg_temp;
CREATE TEMP TABLE members AS
SELECT classid, objid, pg_describe_object(classid, objid, 0) AS who
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgdf');

/* What hangs on a member without being one: indexes, constraints, triggers, defaults, row types. */
CREATE TEMP TABLE relations AS
SELECT c.*, m.who FROM pg_class c JOIN members m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid;

SELECT who || ' comment ' || coalesce(obj_description(objid, classid::regclass::name), '-') FROM members
UNION ALL
SELECT who || ' ' || CASE p.prokind WHEN 'a' THEN a::text ELSE pg_get_functiondef(p.oid) END
    || ' acl ' || coalesce(p.proacl::text, '-') || ' cost ' || p.procost || ' rows ' || p.prorows
FROM members m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
UNION ALL
SELECT format('%s kind %s persistence %s options %s security %s acl %s', who, relkind, relpersistence, reloptions,
    relrowsecurity, coalesce(relacl::text, '-'))
FROM relations
UNION ALL
SELECT format('%s column %s %s type %s not null %s default %s identity %s generated %s storage %s statistics %s acl %s comment %s',
    who, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), a.attname, format_type(a.atttypid, a.atttypmod),
    a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage, a.attstattarget, a.attacl,
    col_description(a.attrelid, a.attnum))
FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND r.relkind <> 'i'
UNION ALL
SELECT format('%s constraint %s %s', who, conname, pg_get_constraintdef(c.oid))
FROM relations r JOIN pg_constraint c ON c.conrelid = r.oid
UNION ALL
SELECT format('%s index %s comment %s', who, pg_get_indexdef(indexrelid), obj_description(indexrelid, 'pg_class'))
FROM relations r JOIN pg_index i ON i.indrelid = r.oid
UNION ALL
SELECT format('%s trigger %s', who, pg_get_triggerdef(t.oid))
FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid
WHERE NOT t.tgisinternal
UNION ALL
SELECT format('%s view %s', who, pg_get_viewdef(oid)) FROM relations WHERE relkind = 'v'
UNION ALL
SELECT format('%s sequence %s', who, s - 'seqrelid'::text)
FROM relations r JOIN (SELECT seqrelid, to_jsonb(q) AS s FROM pg_sequence q) q ON q.seqrelid = r.oid
UNION ALL
SELECT format('%s acl %s category %s collation %s', who, t.typacl, t.typcategory, t.typcollation::regcollation)
FROM members m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
UNION ALL
SELECT format('%s label %s of %s', who, e.enumlabel, row_number() OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder))
FROM members m JOIN pg_enum e ON m.classid = 'pg_type'::regclass AND m.objid = e.enumtypid
UNION ALL
SELECT format('%s acl %s', who, n.nspacl)
FROM members m JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
UNION ALL
SELECT format('initial privileges of %s %s', pg_describe_object(classoid, objoid, objsubid), initprivs)
FROM pg_init_privs
WHERE privtype = 'e'
UNION ALL
SELECT format('dumped %s where %s', c, w)
FROM pg_extension e, unnest(e.extconfig::regclass[], e.extcondition) AS u(c, w)
WHERE e.extname = 'pgdf'
ORDER BY 1;

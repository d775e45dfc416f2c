/* pg_dump saves the data of every table and sequence, except who is connected; built-in registrations come with the extension. */
SELECT c.oid::regclass AS is_not_saved
FROM pg_extension e, pg_class c
WHERE e.extname = 'pgdf' AND c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'S')
    AND array_position(e.extconfig, c.oid) IS NULL
ORDER BY c.relname COLLATE "C";

SELECT c.oid::regclass AS relation, e.extcondition[array_position(e.extconfig, c.oid)] AS condition
FROM pg_extension e, pg_class c
WHERE e.extname = 'pgdf' AND c.oid = ANY (e.extconfig) AND e.extcondition[array_position(e.extconfig, c.oid)] <> '';
SELECT name FROM df.registrations WHERE NOT registration_seq > 0;

-- what refers to a role or a relation does it by a type that pg_upgrade accepts
SELECT a.attrelid::regclass AS relation, a.attname, a.atttypid::regtype
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'df'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
    AND a.atttypid::regtype::text LIKE 'reg%' AND a.atttypid <> 'regrole'::regtype;

/* df_grant_* are run with the caller's rights and only work for members of the extension's owner. */
\set SHOW_CONTEXT never
SET ROLE regress_user;
SELECT df_grant_user('regress_nobody');
SELECT df.grant_group('regress_nobody', 'user');
RESET ROLE;
GRANT EXECUTE ON FUNCTION df_grant_user(regrole), df.grant_group(regrole, text, oid[]), df.extension_members() TO regress_user;
SET ROLE regress_user;
SELECT df_grant_user('regress_nobody');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SELECT has_schema_privilege('regress_nobody', 'df', 'USAGE') AS has_usage;

SELECT df_grant_user(NULL) IS NULL AS is_null;
SELECT df_grant_user('regress_no_such_role');
SELECT FROM df_grant_user('regress_nobody');
SELECT FROM df_grant_user('regress_nobody');
SELECT has_schema_privilege('regress_nobody', 'df', 'USAGE') AS has_usage;
DROP OWNED BY regress_nobody;
SELECT has_schema_privilege('regress_nobody', 'df', 'USAGE') AS has_usage;

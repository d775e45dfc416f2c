/* test/lib/database.sql: what every test database has. */

SET client_min_messages = warning;
CREATE EXTENSION pgdf;
GRANT CREATE ON SCHEMA public TO regress_user, regress_other;
SELECT FROM df_grant_user('regress_user');
SELECT FROM df_grant_registrar('regress_user');
SELECT FROM df_grant_user('regress_other');
SELECT FROM df_grant_worker('regress_worker');

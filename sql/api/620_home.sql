/*
 * sql/api/620_home.sql: the server and database that instances live in; see home.c.
 */

CREATE OR REPLACE FUNCTION df_adopt() RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_adopt';
COMMENT ON FUNCTION df_adopt() IS 'let workers run the instances of this copy of a database';

/* What is made here, lives here.  A row that a dump brings from elsewhere says otherwise. */
INSERT INTO df.home (system_identifier, database_oid, timeline, adopted_at)
SELECT s.system_identifier, d.oid,
    ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))::bit(32)::integer,
    pg_catalog.now()
FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database() AND NOT EXISTS (SELECT FROM df.home);

/* E2_BackupSiteContent comes with the extension: it is not replaced or forgotten, but may get versions. */
SELECT name, kind, function FROM df.orchestrators;
SELECT df_start('e2_backupsitecontent', '"/tmp"') IS NOT NULL AS started;

CREATE FUNCTION mine() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('E2_BackupSiteContent', 'mine');
\echo :LAST_ERROR_SQLSTATE
SELECT df_unregister('E2_BackupSiteContent');
\echo :LAST_ERROR_SQLSTATE
SELECT FROM df_register_orchestrator('E2_BackupSiteContent', 'mine', 'v2');
SELECT version, function FROM df.orchestrators WHERE name = 'E2_BackupSiteContent' ORDER BY version NULLS FIRST;

SET ROLE regress_user;
SELECT FROM df_register_orchestrator('E2_BackupSiteContent', 'mine', 'v3');
\echo :LAST_ERROR_SQLSTATE

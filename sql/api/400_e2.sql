/*
 * sql/api/400_e2.sql: the cloud backup sample of Durable Functions, which every
 * worker can run: list a directory tree, copy its files to the blob store in
 * parallel, add up the bytes.
 */

CREATE OR REPLACE FUNCTION df_e2_backup_site_content(root jsonb) RETURNS bigint
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $$
DECLARE
    again CONSTANT jsonb := df_retry(5, '500 ms', 2, '30 s');
    files jsonb;
    tasks df_task[];
BEGIN
    IF jsonb_typeof(root) IS DISTINCT FROM 'string' OR df_text(root) !~ '[^[:space:]]' THEN
        PERFORM df_fail('InvalidInput', 'parameter "root" must be the path of a directory');
    END IF;

    files := df_call_activity('E2_GetFileList', root, retry => again);
    tasks := ARRAY(
        SELECT df_activity('E2_CopyFileToBlob', file, retry => again)
        FROM jsonb_array_elements(files) AS file
    );
    RETURN (SELECT coalesce(sum(bytes::bigint), 0) FROM unnest(df_when_all(tasks)) AS bytes);
END
$$;
COMMENT ON FUNCTION df_e2_backup_site_content(jsonb)
    IS 'orchestrator E2_BackupSiteContent: back up a directory tree, return the number of bytes';

SELECT @extschema@.df_register_orchestrator('E2_BackupSiteContent', 'df_e2_backup_site_content(jsonb)');
/* what it calls is what workers offer, and nothing that somebody registers by these names */
SELECT @extschema@.df_register_activity('E2_GetFileList', kind => 'worker');
SELECT @extschema@.df_register_activity('E2_CopyFileToBlob', kind => 'worker');

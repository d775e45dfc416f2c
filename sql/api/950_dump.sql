/*
 * sql/api/950_dump.sql: what pg_dump saves: everything but the connected workers.
 *
 * Registrations with number 0 come with CREATE EXTENSION.  Sequences go along, or
 * their numbers would be used again; a worker's key too, for claimed tasks name
 * it.
 */

SELECT pg_catalog.pg_extension_config_dump('df.registrations', 'WHERE registration_seq > 0');
SELECT pg_catalog.pg_extension_config_dump('df.registration_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.instance_state', '');
SELECT pg_catalog.pg_extension_config_dump('df.instance_key_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.code', '');
SELECT pg_catalog.pg_extension_config_dump('df.history', '');
SELECT pg_catalog.pg_extension_config_dump('df.tasks', '');
SELECT pg_catalog.pg_extension_config_dump('df.task_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.maps', '');
SELECT pg_catalog.pg_extension_config_dump('df.map_inputs', '');
SELECT pg_catalog.pg_extension_config_dump('df.map_results', '');
SELECT pg_catalog.pg_extension_config_dump('df.map_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.chunk_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.inbox', '');
SELECT pg_catalog.pg_extension_config_dump('df.inbox_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.timers', '');
SELECT pg_catalog.pg_extension_config_dump('df.buffered_events', '');
SELECT pg_catalog.pg_extension_config_dump('df.event_ids', '');
SELECT pg_catalog.pg_extension_config_dump('df.worker_sessions_worker_key_seq', '');
SELECT pg_catalog.pg_extension_config_dump('df.home', '');
SELECT pg_catalog.pg_extension_config_dump('df.limits', '');
SELECT pg_catalog.pg_extension_config_dump('df.limit_buckets', '');

/* if_exists: error, ignore and replace, against a live and a final instance. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');
SELECT df_start('f', '1', 'live');
SELECT df_start('f', '1', 'final');
SELECT df_start('f', '1', 'other live', start_at => 'tomorrow');

RESET ROLE;
UPDATE df.instance_state SET status = 1, output = '"done"', completed_at = now() WHERE instance_id = 'final';
DELETE FROM df.inbox;
INSERT INTO df.history (instance_key, execution, event_id, event_type, event_time)
SELECT instance_key, 0, 1, 0, now() FROM df.instance_state;
SET ROLE regress_user;

-- a live one
SELECT df_start('f', '2', 'live');
\echo :LAST_ERROR_SQLSTATE
SELECT df_start('f', '2', 'live', if_exists => 'error');
SELECT df_start('f', '2', 'live', if_exists => 'ignore');
SELECT df_start('f', '2', 'live', if_exists => 'Replace', tags => '{"a": "b"}', priority => 7, queue => 'q');
SELECT input, tags FROM df.instances WHERE instance_id = 'live';
RESET ROLE;
SELECT i.instance_id, df.event_type_name(b.event_type), b.name, b.payload
FROM df.inbox b JOIN df.instance_state i USING (instance_key) ORDER BY b.inbox_id;
DELETE FROM df.inbox;
SET ROLE regress_user;

-- a final one: kept, or started anew
SELECT df_start('f', '2', 'final', if_exists => 'ignore');
SELECT runtime_status, input, output FROM df_status('final');
SELECT df_start('f', '2', 'final');
SELECT runtime_status, input, output FROM df_status('final');
SELECT count(*) AS events FROM df_history('final');
SELECT count(*) AS events FROM df_history('live');
RESET ROLE;
UPDATE df.instance_state SET status = 5 WHERE instance_id = 'final';
SET ROLE regress_user;
SELECT df_start('f', '3', 'final', if_exists => 'replace');
SELECT runtime_status, input FROM df_status('final');

-- twice in one transaction
BEGIN;
SELECT df_start('f', '1', 'twice'), df_start('f', '2', 'twice', if_exists => 'ignore');
SELECT input FROM df_status('twice');
SELECT df_start('f', '3', 'twice');
ROLLBACK;

SELECT df_start('f', if_exists => 'abort');
\echo :LAST_ERROR_SQLSTATE

-- somebody else's id is taken, and that is all one learns
SET ROLE regress_other;
SELECT df_start('f', '2', 'live');
SELECT df_start('f', '2', 'live', if_exists => 'ignore');
SELECT df_start('f', '2', 'live', if_exists => 'replace');
SELECT df_start('f', '2', 'final', if_exists => 'replace');
\echo :LAST_ERROR_SQLSTATE

-- An instance whose owner was dropped fails at its next turn, also if PUBLIC could run its function.

CREATE ROLE regress_leaver;
SELECT FROM df_grant_user('regress_leaver');
CALL test.orchestrator('stays', $$ BEGIN PERFORM df_call_activity('hold'); RETURN '1'; END $$);
ALTER FUNCTION stays OWNER TO regress_user;

SET ROLE regress_leaver;
SELECT df_start('stays', instance_id => 'a');
RESET ROLE;
CALL test.run() \gset
DROP OWNED BY regress_leaver;
DROP ROLE regress_leaver;
CALL test.answer('a', 1, 'c', '1');
CALL test.run() \gset
SELECT status, error_type, regexp_replace(error, '\d+', 'N') AS error FROM test.instance('a');
SELECT owner FROM df.instances WHERE owner::text !~ '^\d+$';

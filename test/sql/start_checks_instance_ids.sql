/* Instance ids: 1 to 100 characters, none that a URL would have to escape; generated ones are 32 hex digits. */
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('f');

SELECT df_start('f') ~ '^[0-9a-f]{32}$' AS generated;
SELECT df_start('f', instance_id => repeat('x', 100)) = repeat('x', 100) AS accepted;
SELECT df_start('f', instance_id => repeat('ü', 100)) = repeat('ü', 100) AS accepted;
SELECT df_start('f', instance_id => 'order:42@home.example, part 1 %20');
SELECT df_start('f', instance_id => ' ');

SELECT df_start('f', instance_id => '');
\echo :LAST_ERROR_SQLSTATE
SELECT df_start('f', instance_id => repeat('ü', 101));
SELECT df_start('f', instance_id => '@home');
SELECT df_start('f', instance_id => 'a/b');
SELECT df_start('f', instance_id => 'a\b');
SELECT df_start('f', instance_id => 'a#b');
SELECT df_start('f', instance_id => 'a?b');
SELECT df_start('f', instance_id => E'a\tb');
SELECT df_start('f', instance_id => E'a\x7f');
SELECT df_start('f', instance_id => '*');
\echo :LAST_ERROR_SQLSTATE

-- ids are compared as they are written
SELECT df_start('f', instance_id => 'Case'), df_start('f', instance_id => 'case');

-- every start has a run of its own
RESET ROLE;
SELECT count(*) = count(DISTINCT run_id) AS runs_differ FROM df.instance_state;

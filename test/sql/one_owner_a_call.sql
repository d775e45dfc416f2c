-- A call runs code of one owner only, the one whose event is the oldest; what is ready for others is left, and the
-- summary says so.  A call takes as many instances as it is told.

SELECT FROM df_grant_registrar('regress_other');
SET ROLE regress_user;
CREATE FUNCTION who() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(current_user); END $$;
SELECT FROM df_register_orchestrator('who');
SELECT df_start('who', NULL, 'u1');
SET ROLE regress_other;
SELECT df_start('who', NULL, 'o1'), df_start('who', NULL, 'o2');
SET ROLE regress_user;
SELECT df_start('who', NULL, 'u2');
RESET ROLE;
SELECT input::jsonb -> 'more' AS more FROM test.work();
SELECT instance_id, i.status, i.output FROM df.instances, test.instance(instance_id) i WHERE instance_id <> 'u2' ORDER BY 1;
CALL test.run();
SELECT instance_id, i.status, i.output FROM df.instances, test.instance(instance_id) i ORDER BY 1;

-- results of two owners in one call: both are recorded, one is advanced
SET ROLE regress_user;
CREATE FUNCTION one() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('hold'); END $$;
SELECT FROM df_register_orchestrator('one');
SELECT df_start('one', NULL, 'user');
SET ROLE regress_other;
SELECT df_start('one', NULL, 'other');
RESET ROLE;
CALL test.run();
CALL test.answer('user', 1, 'c', '"user"');
CALL test.answer('other', 1, 'c', '"other"');
SELECT input::jsonb -> 'recorded' AS recorded, input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work();
SELECT count(*) FROM df.tasks;
SELECT instance_id, i.status, i.output FROM df.instances, test.instance(instance_id) i WHERE instance_id IN ('user', 'other') ORDER BY 1;
SELECT input::jsonb -> 'recorded' AS recorded, input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work();
SELECT instance_id, i.status, i.output FROM df.instances, test.instance(instance_id) i WHERE instance_id IN ('user', 'other') ORDER BY 1;

-- so many turns and no more
SET ROLE regress_user;
SELECT count(df_start('who', NULL, 'n' || i)) FROM generate_series(1, 5) AS i;
RESET ROLE;
SELECT input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work(turns => 1);
SELECT input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work(turns => 0);
SELECT (input::jsonb ->> 'turns')::int BETWEEN 1 AND 2 AS turns, input::jsonb -> 'more' AS more FROM test.work(turns => 2);
CALL test.run();
SELECT i.status, count(*) FROM generate_series(1, 5) AS n, test.instance('n' || n) i GROUP BY 1;

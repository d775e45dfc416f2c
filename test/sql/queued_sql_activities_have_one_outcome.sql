-- SQL activities that wait in their lane are run many at a time.  Each has one outcome, whatever becomes of the others
-- of its batch: done, failed for good, to be tried again, or too slow.

SET pgdf.call_budget = '10s';
SET pgdf.inline_sql_budget = '10s';
CREATE TABLE effects (id text, n int);
CREATE SEQUENCE tries;
CREATE FUNCTION does(id text, n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO effects VALUES (id, n);
    IF n % 10 = 3 THEN
        PERFORM df_fail('Broken', 'broken');
    ELSIF n = 95 AND nextval('tries') = 1 THEN
        PERFORM df_fail('Again', 'try again', retriable => true);
    ELSIF n = 96 AND nextval('tries') < 10 THEN
        PERFORM setval('tries', 100);
        RAISE 'not now' USING ERRCODE = '40001';    -- of the system's making: rolled back, and run on the slow lane
    END IF;
    RETURN n;
END $$;
SELECT FROM df_register_activity('does', 'does', retry => df_retry(2, first_delay => '1 ms', no_retry_on => '{Broken}'));
CALL test.orchestrator('many', $$
DECLARE
    tasks df_task[];
BEGIN
    tasks := ARRAY(SELECT df_activity('does', jsonb_build_object('id', df_instance_id(), 'n', i)) FROM generate_series(1, 130) AS i);
    RETURN (SELECT jsonb_build_object('results', count(result), 'sum', sum(result::int), 'failures', count(failure))
            FROM df_when_all_settled(tasks));
END $$);
SET ROLE regress_user;
SELECT df_start('many', NULL, 'a');
RESET ROLE;
GRANT INSERT ON effects TO regress_user;
GRANT USAGE, UPDATE ON SEQUENCE tries TO regress_user;

-- a call does 60 that write; the others lie in the lane
SELECT FROM test.work(room => 0);
SELECT lane, state, count(*) FROM df.tasks GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*), count(DISTINCT n) FROM effects;
SELECT FROM test.work();
SELECT lane, state, count(*) > 0 AS some FROM df.tasks GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) = count(DISTINCT n) AS once FROM effects;
UPDATE df.tasks SET visible_at = now() WHERE state = 2;
CALL test.run();
SELECT status, output, error FROM test.instance('a');
SELECT count(*), count(DISTINCT n), count(*) FILTER (WHERE n % 10 = 3) AS broken FROM effects;
SELECT count(*) FROM df.tasks;

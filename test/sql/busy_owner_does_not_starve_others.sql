-- A call runs one owner's code.  An owner whose results come in with every call leaves their turn to the others.

SELECT FROM df_grant_registrar('regress_other');
SET ROLE regress_user;
CREATE FUNCTION chain(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        PERFORM df_call_activity('echo', to_jsonb(i));
    END LOOP;
    RETURN n;
END $$;
SELECT FROM df_register_orchestrator('chain');
GRANT EXECUTE ON FUNCTION chain TO regress_other;
SELECT df_start('chain', '100', 'busy');
RESET ROLE;
CALL test.run(10);
SELECT tasks FROM test.instance('busy');

SET ROLE regress_other;
SELECT df_start('chain', '3', 'other');
RESET ROLE;
-- within this call: left for the next, and the summary says so
SELECT test.answer_all('w');
SELECT what, input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work() WHERE what = 'S';
SELECT status FROM test.instance('other');

CALL test.run(15);
SELECT status, tasks FROM test.instance('other');
SELECT status FROM test.instance('busy');
CALL test.run();
SELECT status, tasks FROM test.instance('busy');
-- no result was lost or doubled on the way through the inbox
SELECT count(*), count(DISTINCT task_id) FROM df_history('busy') WHERE event_type = 'TaskCompleted';
SELECT count(*) FROM df.inbox;

-- nor does it starve another owner's SQL activities that wait in their lane
SET pgdf.inline_sql_budget = '10s';
CREATE SEQUENCE tries;
GRANT USAGE ON SEQUENCE tries TO regress_other;
SET ROLE regress_other;
CREATE FUNCTION second_time() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') = 1 THEN
        RAISE 'not yet';
    END IF;
    RETURN 'done';
END $$;
SELECT FROM df_register_activity('second_time', retry => df_retry(2, '0'));
CREATE FUNCTION tries_again() RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('second_time') $$;
SELECT FROM df_register_orchestrator('tries_again');
SELECT df_start('tries_again', NULL, 'lane');
RESET ROLE;
SELECT FROM test.work(room => 0);
SELECT lane, attempts FROM df.tasks;
SET ROLE regress_user;
SELECT df_start('chain', '100', 'busy again');
RESET ROLE;
CALL test.run(20);
SELECT status FROM test.instance('busy again');
SELECT status, output FROM test.instance('lane');
CALL test.run();
SELECT status, tasks FROM test.instance('busy again');

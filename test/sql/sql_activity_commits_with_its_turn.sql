-- A SQL activity's effects, its completion and the next turn commit together, or not at all.

SET pgdf.inline_sql_budget = '10s';
CREATE TABLE account (id text PRIMARY KEY, balance int CHECK (balance >= 0));
INSERT INTO account VALUES ('a', 100), ('b', 0);
CREATE FUNCTION book(who text, amount int) RETURNS int LANGUAGE sql AS $$
    UPDATE account SET balance = balance + amount WHERE id = who RETURNING balance
$$;
SELECT FROM df_register_activity('book');
CALL test.orchestrator('transfer', $$
DECLARE
    amount int := input;
BEGIN
    PERFORM df_call_activity('book', jsonb_build_object('who', 'b', 'amount', amount));
    RETURN df_call_activity('book', jsonb_build_object('who', 'a', 'amount', -amount));
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    PERFORM df_call_activity('book', jsonb_build_object('who', 'b', 'amount', -amount));
    RETURN jsonb_build_object('refused', df_failure() -> 'errorType', 'constraint', df_failure() #> '{properties,constraint_name}');
END $$);

-- rolled back: nothing has happened
SELECT df_start('transfer', '30', 't');
BEGIN;
CALL test.run_in_transaction();
SELECT * FROM account ORDER BY id;
SELECT status, output FROM test.instance('t');
ROLLBACK;
SELECT * FROM account ORDER BY id;
SELECT status, output, turns, tasks FROM test.instance('t');
SELECT test.history('t');

-- committed: everything has, once
CALL test.run();
SELECT * FROM account ORDER BY id;
SELECT status, output, turns, tasks FROM test.instance('t');
SELECT test.history('t');
-- no row was ever needed for it
SELECT count(*) FROM df.tasks;

-- a failing one takes its effects back, and compensation is the orchestrator's business
SELECT df_start('transfer', '500', 'too much');
CALL test.run();
SELECT * FROM account ORDER BY id;
SELECT status, output FROM test.instance('too much');

-- a failing one is tried again as its policy says; its effects come once, from the attempt that succeeds
CREATE TABLE log (note text);
CREATE SEQUENCE tries;
CREATE FUNCTION flaky() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES ('try ' || nextval('tries'));
    IF currval('tries') < 3 THEN
        RAISE 'not yet';
    END IF;
    RETURN 'done';
END $$;
SELECT FROM df_register_activity('flaky', retry => df_retry(3, '0'));
CALL test.orchestrator('tries_again', $$ BEGIN RETURN df_call_activity('flaky'); END $$);
SELECT df_start('tries_again', NULL, 'again');
CALL test.run();
SELECT status, output, turns FROM test.instance('again');
SELECT * FROM log;
SELECT event_type FROM df_history('again') WHERE event_type LIKE 'Task%' ORDER BY event_id;

-- 200 of them in one turn: more than one transaction may hold
CREATE FUNCTION note(n int) RETURNS void LANGUAGE sql AS $$ INSERT INTO log VALUES (n) $$;
SELECT FROM df_register_activity('note');
CALL test.orchestrator('many', $$
BEGIN
    PERFORM df_when_all(ARRAY(SELECT df_activity('note', to_jsonb(i)) FROM generate_series(1, 200) AS i));
    RETURN '"ok"';
END $$);
SELECT df_start('many', NULL, 'many');
CALL test.run();
SELECT status, output, turns, tasks FROM test.instance('many');
SELECT count(*), count(DISTINCT note) FROM log WHERE note !~ 'try';

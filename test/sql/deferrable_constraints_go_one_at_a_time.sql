-- SET CONSTRAINTS ALL IMMEDIATE, which ends a SQL activity, lasts to the end of the transaction.  Where anything is
-- deferrable, a transaction has one SQL activity that writes: each sees its constraints deferred.

SET pgdf.inline_sql_budget = '10s';
CREATE TABLE t (a int);
CREATE TABLE xacts (step int, xid xid8 DEFAULT pg_current_xact_id());
CREATE FUNCTION step(n int) RETURNS void LANGUAGE sql AS $$ INSERT INTO xacts VALUES (n) $$;
SELECT FROM df_register_activity('step');
CALL test.orchestrator('steps', $$ BEGIN FOR i IN 1..4 LOOP PERFORM df_call_activity('step', to_jsonb(i)); END LOOP; RETURN 'null'; END $$);

-- nothing deferrable: a transaction does several, as many as its time allows
SELECT count(df_start('steps', NULL, 'together ' || i)) FROM generate_series(1, 5) AS i;
CALL test.run();
SELECT i.status, i.turns, count(*) FROM df.instances, test.instance(instance_id) i GROUP BY 1, 2;
SELECT count(*), count(DISTINCT xid) < count(*) AS shared FROM xacts;

-- from now on something is
TRUNCATE xacts;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (parent int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
SELECT df_start('steps', NULL, 'one by one');
CALL test.run();
SELECT status, turns FROM test.instance('one by one');
SELECT count(*), count(DISTINCT xid) FROM xacts;

-- the child before its parent, twice: both find the constraint deferred
CREATE FUNCTION upside_down(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO child VALUES (n);
    INSERT INTO parent VALUES (n);
END $$;
CREATE FUNCTION orphan(n int) RETURNS void LANGUAGE sql AS $$ INSERT INTO child VALUES (n) $$;
SELECT FROM df_register_activity('upside_down');
SELECT FROM df_register_activity('orphan');
CALL test.orchestrator('deferred', $$
BEGIN
    PERFORM df_call_activity('upside_down', '1');
    PERFORM df_when_all(df_activity('upside_down', '2'), df_activity('upside_down', '3'));
    RETURN df_call_activity('orphan', '99');
EXCEPTION WHEN SQLSTATE 'DF001' THEN
    RETURN df_failure() -> 'errorType';
END $$);
SELECT df_start('deferred', NULL, 'deferred');
CALL test.run();
-- the one that breaks the constraint is the one that fails
SELECT status, output, error FROM test.instance('deferred');
SELECT (SELECT count(*) FROM child) AS children, (SELECT count(*) FROM parent) AS parents;

-- What an orchestrator writes itself is refused with 25006, and the hint names the line.

CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
CREATE SEQUENCE s;
CREATE FUNCTION writes(kind text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    CASE kind
        WHEN 'insert' THEN INSERT INTO t VALUES (2);
        WHEN 'update' THEN UPDATE t SET a = 3;
        WHEN 'nextval' THEN PERFORM nextval('s');
        WHEN 'setval' THEN PERFORM setval('s', 5);
        WHEN 'create table' THEN CREATE TABLE made_in_turn (a int);
        WHEN 'temp table' THEN CREATE TEMP TABLE made_in_turn (a int);
        WHEN 'lock row' THEN PERFORM FROM t FOR UPDATE;
        WHEN 'lock table' THEN LOCK TABLE t;
        WHEN 'truncate' THEN TRUNCATE t;
        WHEN 'dynamic' THEN EXECUTE 'DELETE FROM t';
        WHEN 'read write' THEN SET transaction_read_only = off;
        WHEN 'set transaction' THEN SET TRANSACTION READ WRITE;
        WHEN 'commit' THEN COMMIT;
        WHEN 'df_terminate' THEN PERFORM df_terminate(df_instance_id());
        WHEN 'read' THEN RETURN (SELECT to_jsonb(max(a)) FROM t);
    END CASE;
    RETURN '"done"';
END $$;
SELECT df_register_orchestrator('writes');
CREATE TABLE kinds AS SELECT n, kind FROM unnest('{insert,update,nextval,setval,create table,temp table,lock row,
    lock table,truncate,dynamic,read write,set transaction,commit,df_terminate,read}'::text[])
    WITH ORDINALITY AS k(kind, n);
SELECT count(df_start('writes', to_jsonb(kind), kind)) FROM kinds;
CALL test.run();
SELECT kind, i.status, i.error_type, i.error, i.output FROM kinds, test.instance(kind) i ORDER BY n;
SELECT failure_details -> 'properties' ->> 'hint' AS hint FROM df_status('insert');
SELECT failure_details -> 'properties' ->> 'hint' ~ 'line 10 at PERFORM' AS names_line FROM df_status('lock row');
SELECT * FROM t;
SELECT is_called FROM s;

-- caught: nothing is written, and the turn goes on
CALL test.orchestrator('catches', $$
BEGIN
    BEGIN
        INSERT INTO t VALUES (4);
    EXCEPTION WHEN read_only_sql_transaction THEN
        PERFORM df_call_activity('echo', '1');
    END;
    RETURN '"caught"';
END $$);
SELECT df_start('catches', NULL, 'catches');
CALL test.run();
SELECT status, output, turns FROM test.instance('catches');
SELECT * FROM t;

-- Ten thousand generations of an eternal orchestrator leave no more behind than one, and take no longer at the end than at the beginning.

CALL test.orchestrator('eternal', $$
BEGIN
    PERFORM df_call_activity('add', input -> 'n');
    IF (input ->> 'n')::int < (input ->> 'end')::int THEN
        RETURN df_continue_as_new(jsonb_set(input, '{n}', to_jsonb((input ->> 'n')::int + 1)));
    END IF;
    RETURN input -> 'n';
END $$);
CREATE TABLE added (n int);
CREATE FUNCTION add(n int) RETURNS void LANGUAGE sql AS 'INSERT INTO added VALUES (n)';
SELECT FROM df_register_activity('add', 'add');
SELECT df_start('eternal', '{"n": 1, "end": 10000}', 'eternal');
CALL test.run();
SELECT status, output, turns, tasks FROM test.instance('eternal');
SELECT execution FROM df.instances;
SELECT count(*), count(DISTINCT n), max(n) FROM added;
SELECT (SELECT count(*) FROM df.history) AS events, (SELECT count(*) FROM df.tasks) AS tasks, (SELECT count(*) FROM df.inbox) AS inbox,
    (SELECT count(*) FROM df.code) AS definitions, (SELECT count(*) FROM df.instance_state) AS instances;
SELECT sum(pg_total_relation_size(oid)) < 5 * 1024 * 1024 AS flat FROM pg_class WHERE relnamespace = 'df'::regnamespace AND relkind = 'r';

-- A call counts the instances that it advances, not their turns: what an instance can go on with at once is done in it.

SET pgdf.call_budget = '60s';
CREATE FUNCTION one_more(input jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT to_jsonb(input::int + 1)';
SELECT df_register_activity('one_more');
CALL test.orchestrator('steps', $$
DECLARE
    x jsonb := input;
BEGIN
    FOR i IN 1..20 LOOP
        x := df_call_activity('one_more', x);
    END LOOP;
    RETURN x;
END $$);
SELECT count(df_start('steps', '0', 'i' || i)) FROM generate_series(1, 5) AS i;

-- three of five, to their ends
SELECT input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work(turns => 3);
SELECT i.status, i.output::text, i.turns, count(*) FROM df.instances, test.instance(instance_id) i GROUP BY 1, 2, 3 ORDER BY 1;
SELECT input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work(turns => 3);
SELECT i.status, i.output::text, i.turns, count(*) FROM df.instances, test.instance(instance_id) i GROUP BY 1, 2, 3;

-- a careful call has one turn
SELECT df_start('steps', '0', 'careful');
SELECT input::jsonb -> 'turns' AS turns, input::jsonb -> 'more' AS more FROM test.work(turns => 1);
SELECT status, turns FROM test.instance('careful');

-- a long one lets the others begin before it ends
CALL test.orchestrator('who', $$ BEGIN RETURN df_call_activity('note', input); END $$);
CREATE TABLE noted (n serial, who jsonb);
CREATE FUNCTION note(input jsonb) RETURNS jsonb LANGUAGE sql AS 'INSERT INTO noted (who) VALUES (input) RETURNING who';
SELECT df_register_activity('note');
CALL test.orchestrator('long', $$ BEGIN FOR i IN 1..20 LOOP PERFORM df_call_activity('note', '"long"'); END LOOP; RETURN '1'; END $$);
CALL test.run();
SELECT df_start('long', NULL, 'l'), df_start('who', '"short"', 's');
SELECT input::jsonb -> 'turns' AS turns FROM test.work();
SELECT count(*) FILTER (WHERE who = '"long"' AND n > short.last) AS after_the_short_one
  FROM noted, (SELECT max(n) AS last FROM noted WHERE who = '"short"') AS short;

-- Three levels and 1,000 children: each runs once, each answer arrives, in order.

CALL test.orchestrator('leaf', 'BEGIN RETURN to_jsonb(input::int * 2); END');
CALL test.orchestrator('branch', $$
BEGIN
    RETURN to_jsonb(df_when_all(ARRAY(SELECT df_sub_orchestrator('leaf', to_jsonb(i)) FROM generate_series(input::int * 100, input::int * 100 + 99) AS i)));
END $$);
CALL test.orchestrator('trunk', $$
DECLARE
    branches jsonb[] := df_when_all(ARRAY(SELECT df_sub_orchestrator('branch', to_jsonb(i)) FROM generate_series(0, 9) AS i));
BEGIN
    RETURN jsonb_build_object('sum', (SELECT sum(n::int) FROM unnest(branches) AS b, jsonb_array_elements(b) AS n),
        'in order', (SELECT bool_and(n::int = (o - 1) * 2) FROM (SELECT n, row_number() OVER () AS o
            FROM unnest(branches) WITH ORDINALITY AS b(leaves, branch), jsonb_array_elements(b.leaves) WITH ORDINALITY AS l(n, leaf) ORDER BY branch, leaf) AS x(n, o)));
END $$);
SELECT df_start('trunk', NULL, 'trunk');
CALL test.run();
SELECT status, output, turns, tasks FROM test.instance('trunk');
SELECT name, runtime_status, count(*) FROM df.instances GROUP BY 1, 2 ORDER BY 1;
SELECT name, count(*), sum(turns) FROM df.instance_state GROUP BY 1 ORDER BY 1;
SELECT depth, name, count(*) FROM df_tree('trunk') GROUP BY 1, 2 ORDER BY 1;
-- the family goes together
SELECT df_purge('trunk');
SELECT (SELECT count(*) FROM df.instance_state) AS instances, (SELECT count(*) FROM df.history) AS events, (SELECT count(*) FROM df.inbox) AS inbox;

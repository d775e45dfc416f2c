-- A fan-out of n tasks is replayed once, at its fan-in, however many calls bring the results.

CALL test.orchestrator('fan', $$
DECLARE
    tasks df_task[];
BEGIN
    tasks := ARRAY(SELECT df_activity('echo', to_jsonb(i)) FROM generate_series(1, input::int) AS i);
    RETURN (SELECT sum(r::int) FROM unnest(df_when_all(tasks)) AS r);
END $$);
SELECT df_start('fan', '1', 'one'), df_start('fan', '10', 'ten'), df_start('fan', '1000', 'thousand'),
    df_start('fan', '0', 'none');
CALL test.run();

SELECT id, i.status, i.output, i.turns, i.tasks, test.count(id, 'OrchestratorStarted') AS starts,
    test.count(id, 'TaskCompleted') AS completed
FROM unnest('{none,one,ten,thousand}'::text[]) WITH ORDINALITY AS u(id, n), test.instance(id) i
ORDER BY n;

-- one result a call: the counter goes down, and nothing is replayed
SELECT df_start('fan', '20', 'drops');
CALL test.run(24, room => 1);
SHOW test.calls;
SELECT status, output, turns, test.count('drops', 'OrchestratorStarted') AS starts FROM test.instance('drops');

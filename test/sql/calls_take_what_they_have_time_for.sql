-- A call takes out of the inbox what it has time for: what is taken and has no turn would be written again.

CALL test.orchestrator('slow', $$ BEGIN PERFORM pg_sleep(0.02); RETURN '1'; END $$);
SET pgdf.call_budget = '30ms';
SELECT count(df_start('slow', NULL, 's' || i)) FROM generate_series(1, 100) AS i;
SELECT max(inbox_id) AS last FROM df.inbox \gset
SELECT what, input::jsonb -> 'more' AS more FROM test.work(turns => 100);
SELECT count(*) BETWEEN 1 AND 10 AS had_turns FROM df.instance_state WHERE turns > 0;
SELECT count(*) < 10 AS few_are_written_again FROM df.inbox WHERE inbox_id > :last;
SELECT count(*) > 80 AS most_were_left FROM df.inbox WHERE inbox_id <= :last;

-- results that wake many do not keep the oldest of the inbox from its turn
RESET pgdf.call_budget;
CALL test.run();
CALL test.orchestrator('waits', $$ BEGIN PERFORM df_call_activity('echo', '1'); PERFORM pg_sleep(0.02); RETURN '1'; END $$);
SELECT count(df_start('waits', NULL, 'w' || i)) FROM generate_series(1, 20) AS i;
CALL test.run(room => 0);
SELECT count(*) FROM test.work(turns => 100) WHERE what = 'T';
SELECT df_start('slow', NULL, 'oldest');
SET pgdf.call_budget = '1ms';
SELECT FROM test.answer_all('w');
SELECT what FROM test.work(turns => 100);
SELECT status, turns FROM test.instance('oldest');
RESET pgdf.call_budget;
CALL test.run();
SELECT i.status, count(*) FROM df.instances, test.instance(instance_id) i GROUP BY 1;

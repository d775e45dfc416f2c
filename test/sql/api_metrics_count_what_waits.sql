-- df.api_metrics: lanes, ages, instances by status, workers; for workers and administrators only.
CREATE FUNCTION fans() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_when_all(ARRAY(SELECT df_activity(n, '1', priority => p, retry => '{"max_attempts": 2, "first_delay": 3600}')
        FROM unnest('{hold,hold,hold,fail,other}'::text[], '{0,0,5,0,0}'::int[]) AS a(n, p)));
END $$;
CREATE FUNCTION ends() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM unnest('{fans,ends}'::text[]) AS f, df_register_orchestrator(f);
SELECT count(df_start(f, NULL)) FROM unnest('{fans,ends,ends}'::text[]) AS f;
CALL test.run(room => 0);
SELECT df_start('ends', NULL, 'new');

CREATE VIEW metrics AS
SELECT name, labels, kind, help, CASE WHEN name LIKE '%seconds' THEN (value >= 0 AND value < 100)::int ELSE value END AS value
FROM df.api_metrics();
SELECT name, labels, kind, value FROM metrics ORDER BY name, labels::text;
SELECT count(*) FROM metrics WHERE kind NOT IN ('gauge', 'counter') OR help = '' OR name !~ '^pgdf_[a-z_]+$';
-- one kind and one help text a name
SELECT name FROM metrics GROUP BY name HAVING count(DISTINCT (kind, help)) > 1;

CALL test.run();
UPDATE df.tasks SET state = 4 WHERE task_id = 1;
SELECT name, labels, value FROM metrics WHERE name ~ 'delayed|dead|claimed|inbox_del|_instances$' AND value > 0 ORDER BY name, labels::text;

SET ROLE regress_worker;
SELECT count(*) > 10 AS workers FROM df.api_metrics();
SET ROLE regress_user;
SELECT count(*) FROM df.api_metrics();
RESET ROLE;

/* df_register_activity: functions, what workers offer, HTTP; defaults are checked when they are given. */
SET ROLE regress_user;

CREATE FUNCTION work(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;

SELECT FROM df_register_activity('work');
SELECT FROM df_register_activity('Slow', 'work', 'batch', df_retry(5), '10 minutes');
SELECT FROM df_register_activity('typed', 'work(jsonb)'::regprocedure, queue => 'batch');
SELECT FROM df_register_activity('resize', kind => 'worker', queue => 'images', settings => '{"quality": 80}');
SELECT FROM df_register_activity('notify', kind => 'HTTP', settings => '{"url": "https://example.com/"}');
SELECT name, kind, function, queue, live_workers, last_served FROM df.activities ORDER BY name COLLATE "C";

RESET ROLE;
SELECT name, retry, extract(epoch FROM timeout) AS timeout, settings FROM df.registrations WHERE kind <> 'orchestrator' ORDER BY name_key;
SET ROLE regress_user;

SELECT FROM df_register_activity('x', 'work', kind => 'plugin');
SELECT FROM df_register_activity('x', 'work', kind => 'orchestrator');
SELECT FROM df_register_activity('x', 'work', kind => 'worker');
SELECT FROM df_register_activity('x', 'work', settings => '{}');
SELECT FROM df_register_activity('x', kind => 'worker', settings => '[]');
SELECT FROM df_register_activity('x', 'work', timeout => '0 s');
SELECT FROM df_register_activity('x', 'work', timeout => '-1 day');
SELECT FROM df_register_activity('x', 'work', queue => '');
SELECT FROM df_register_activity('x', 'work', queue => repeat('q', 101));
SELECT FROM df_register_activity('x', 'work', retry => '{"attempts": 3}');
SELECT FROM df_register_activity('x', 'work', retry => '3');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM df.activities WHERE name = 'x';

-- a worker's activity becomes a function
SELECT FROM df_register_activity('RESIZE', 'work');
SELECT name, kind, function, queue FROM df.activities WHERE lower(name) = 'resize';

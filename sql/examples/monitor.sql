/*
 * sql/examples/monitor.sql: look every so often until something is so.
 *
 * A recurring job with a flexible interval and an end: look at a job, sleep,
 * look again; tell somebody when it is done, or when it has taken too long.
 * While it sleeps, nothing runs anywhere: the timer is a row.
 */

CREATE TABLE IF NOT EXISTS jobs (name text PRIMARY KEY, looks integer DEFAULT 0, alerts text[] DEFAULT '{}');
INSERT INTO jobs VALUES ('nightly'), ('endless') ON CONFLICT (name) DO UPDATE SET looks = 0, alerts = '{}';

/* In real life: ask another system.  Here "nightly" is done when it has been looked at three times. */
CREATE OR REPLACE FUNCTION job_is_done(job text) RETURNS boolean LANGUAGE sql AS $$
    UPDATE jobs SET looks = looks + 1 WHERE name = job RETURNING name = 'nightly' AND looks >= 3
$$;
CREATE OR REPLACE FUNCTION alert(job text, message text) RETURNS void LANGUAGE sql AS $$
    UPDATE jobs SET alerts = alerts || message WHERE name = job
$$;

CREATE OR REPLACE FUNCTION monitor_job(job text, every interval DEFAULT '5 minutes', give_up_after interval DEFAULT '6 hours')
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    gives_up_at timestamptz := df_now() + give_up_after;
    answer jsonb;
BEGIN
    WHILE df_now() < gives_up_at LOOP
        IF df_call_activity('job_is_done', to_jsonb(job))::boolean THEN
            answer := df_call_activity('alert', jsonb_build_object('job', job, 'message', 'done'));
            RETURN 'done';
        END IF;
        PERFORM df_set_custom_status(jsonb_build_object('next_look', df_now() + every));
        PERFORM df_sleep(every);
    END LOOP;
    answer := df_call_activity('alert', jsonb_build_object('job', job, 'message', 'takes too long'));
    RETURN 'gave up';
END $$;

SELECT df_register_activity('job_is_done'), df_register_activity('alert'), df_register_orchestrator('monitor_job');

CALL df_run('monitor_job', '{"job": "nightly", "every": "20 ms", "give_up_after": "1 hour"}');
-- => "done"
CALL df_run('monitor_job', '{"job": "endless", "every": "20 ms", "give_up_after": "200 ms"}');
-- => "gave up"
SELECT name, alerts FROM jobs ORDER BY name;
-- => endless|{"takes too long"}
-- => nightly|{done}

-- A turn that builds an exponential combination is stopped by its time-out.

SET pgdf.turn_timeout = '200 ms';
CALL test.orchestrator('doubles', $$
DECLARE
    pair df_task := df_activity('hold');
BEGIN
    FOR i IN 1..60 LOOP
        pair := df_all(ARRAY[pair, pair]);
    END LOOP;
    RETURN df_await(pair);
END $$);
ALTER FUNCTION doubles OWNER TO regress_user;
SET ROLE regress_user;
SELECT df_start('doubles', instance_id => 'a');
RESET ROLE;
SELECT FROM test.work() LIMIT 1;
SELECT turn_failures, turns FROM df.instance_state;

-- not tried again, however slow the machine is
UPDATE df.timers SET fire_at = fire_at + interval '1 day';
-- one that can be built, but is too large to be kept
RESET pgdf.turn_timeout;
CALL test.orchestrator('doubles', $$
DECLARE
    pair df_task := df_activity('hold');
BEGIN
    FOR i IN 1..18 LOOP
        pair := df_all(ARRAY[pair, pair]);
    END LOOP;
    RETURN df_await(pair);
END $$);
SET ROLE regress_user;
SELECT df_start('doubles', instance_id => 'b');
RESET ROLE;
SELECT FROM test.work() LIMIT 1;
SELECT status, error_type, error FROM test.instance('b');

-- A turn that runs longer than pgdf.turn_timeout is cancelled, also when it catches that; after three times the
-- instance stands still with a reason. Others are not affected.

CALL test.orchestrator('endless', $$ BEGIN LOOP NULL; END LOOP; END $$);
CALL test.orchestrator('stubborn', $$
BEGIN
    LOOP
        BEGIN
            PERFORM pg_sleep(10);
            RETURN '"slept"';
        EXCEPTION WHEN query_canceled THEN
            RETURN '"caught"';
        END;
    END LOOP;
END $$);
CALL test.orchestrator('stubborn_suspended', $$
BEGIN
    RETURN df_call_activity('echo', '1');
EXCEPTION WHEN OTHERS OR assert_failure THEN
    LOOP NULL; END LOOP;
END $$);
CALL test.orchestrator('fine', $$ BEGIN RETURN df_call_activity('echo', '1'); END $$);
CREATE PROCEDURE due() LANGUAGE sql AS $$ UPDATE df.timers SET fire_at = now() - interval '1 second' $$;
CREATE VIEW unfinished AS SELECT instance_id, df.status_name(status), turns, turn_failures, blocked_reason FROM df.instance_state ORDER BY 1;
SET pgdf.turn_timeout = '100ms';
SELECT df_start('endless', NULL, 'endless'), df_start('stubborn', NULL, 'stubborn'), df_start('stubborn_suspended', NULL, 'suspended'),
    df_start('fine', NULL, 'fine');
CALL test.run();
SELECT * FROM unfinished;
-- nothing of them is in history, and they rest before they are tried again
SELECT id, test.history(id) FROM unnest('{endless,stubborn,suspended}'::text[]) AS id;
SELECT count(*), bool_and(fire_at > now()) AS later FROM df.timers;
CALL due();
CALL test.run();
CALL due();
CALL test.run();
SELECT * FROM unfinished;
SELECT count(*) FROM df.timers;

-- the cancel was the turn's own, and so was the timer that would repeat it a second later: this must not be cancelled
SELECT pg_sleep(1.3);
SELECT df_start('fine', NULL, 'afterwards');
CALL test.run();
SELECT status, output FROM test.instance('afterwards');

-- a quarantined one can be terminated
SELECT df_terminate('endless', 'enough');
CALL test.run();
SELECT status, output, blocked FROM test.instance('endless');

/*
 * sql/examples/saga.sql: a long transaction made of short ones.
 *
 * Book a flight, a hotel and a car, each at a service of its own.  When one
 * step fails for good, undo those before it, the last one first.  Whatever
 * crashes in between, the saga goes on: forwards to the end, or back to the
 * beginning.
 */

CREATE TABLE IF NOT EXISTS bookings (trip text, what text, PRIMARY KEY (trip, what));

CREATE OR REPLACE FUNCTION book(trip text, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF trip = 'to the moon' AND what = 'car' THEN
        PERFORM df_fail('NotAvailable', 'there is no car on the moon');
    END IF;
    INSERT INTO bookings VALUES (trip, what);
END $$;
CREATE OR REPLACE FUNCTION cancel(trip text, what text) RETURNS void LANGUAGE sql
AS $$ DELETE FROM bookings WHERE bookings.trip = cancel.trip AND bookings.what = cancel.what $$;

CREATE OR REPLACE FUNCTION book_trip(trip text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    step text;
    booked text[] := '{}';
    done jsonb;
BEGIN
    FOREACH step IN ARRAY '{flight,hotel,car}'::text[] LOOP
        done := df_call_activity('book', jsonb_build_object('trip', trip, 'what', step), retry => df_retry(3, '10 ms'));
        booked := step || booked;
    END LOOP;
    RETURN 'booked';
EXCEPTION WHEN SQLSTATE 'DF001' THEN                        -- an activity failed
    FOREACH step IN ARRAY booked LOOP                       -- undo must succeed some day: it tries for a week
        done := df_call_activity('cancel', jsonb_build_object('trip', trip, 'what', step),
                                 retry => df_retry(10000, '1 second', retry_timeout => '7 days'));
    END LOOP;
    RETURN 'given up: ' || (df_failure() ->> 'errorMessage');
END $$;

SELECT df_register_activity('book'), df_register_activity('cancel'), df_register_orchestrator('book_trip');

DELETE FROM bookings;
CALL df_run('book_trip', '"to Rome"');
-- => "booked"
CALL df_run('book_trip', '"to the moon"');
-- => "given up: there is no car on the moon"
SELECT trip, count(*) FROM bookings GROUP BY trip;
-- => to Rome|3

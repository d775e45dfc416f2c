/*
 * sql/examples/phone_verification.sql: human interaction with a time-out.
 *
 * Send a code to a telephone, and give its owner three tries and 90 seconds to
 * type it in.  The answer is an external event: one statement of whatever
 * program the person uses, in that program's own transaction.
 */

CREATE TABLE IF NOT EXISTS text_messages (phone text, code integer, sent_at timestamptz DEFAULT now());

/* In real life: an HTTP activity that calls the operator. */
CREATE OR REPLACE FUNCTION send_code(phone text, code integer) RETURNS void LANGUAGE sql
AS $$ INSERT INTO text_messages VALUES (phone, code) $$;

CREATE OR REPLACE FUNCTION verify_phone(phone text, time_limit interval DEFAULT '90 seconds') RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    code integer := 1000 + floor(df_random() * 9000);       -- the same at every replay
    expired df_task;
    answer df_task;
    sent jsonb := df_call_activity('send_code', jsonb_build_object('phone', phone, 'code', code));
BEGIN
    expired := df_timer(time_limit);
    FOR attempt IN 1..3 LOOP
        answer := df_event('code_entered');
        IF df_when_any(answer, expired) = expired THEN
            RETURN false;
        END IF;
        IF df_await(answer) = to_jsonb(code) THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

SELECT df_register_activity('send_code'), df_register_orchestrator('verify_phone');

-- the code arrives; a wrong try, then the right one
SELECT df_start('verify_phone', '{"phone": "+1-555-0100"}') AS id \gset
SELECT df_raise_event(:'id', 'code_entered', '0');
-- => t
DO $$ BEGIN
    FOR i IN 1..1000 LOOP
        EXIT WHEN EXISTS (SELECT FROM text_messages WHERE phone = '+1-555-0100');
        PERFORM pg_sleep(0.01);
        COMMIT;
    END LOOP;
END $$;
SELECT df_raise_event(:'id', 'code_entered', to_jsonb(code)) FROM text_messages ORDER BY sent_at DESC LIMIT 1;
SELECT runtime_status, output FROM df_wait(:'id');
-- => Completed|true

-- nobody answers
CALL df_run('verify_phone', '{"phone": "+1-555-0101", "time_limit": "50 ms"}');
-- => false

/*
 * sql/examples/counter.sql: an eternal orchestration that holds a value.
 *
 * A counter that lives for ever under an id of its own and obeys the events
 * sent to it, one after the other, so no two of them are ever lost or mixed.
 * After each it begins anew with the new value: its history never grows.  One
 * instance of an id is a singleton, whoever starts it and however often.
 */

CREATE OR REPLACE FUNCTION counter(value bigint DEFAULT 0) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    operation text;
BEGIN
    PERFORM df_set_custom_status(to_jsonb(value));
    operation := df_text(df_wait_event('operation'));
    CASE operation
        WHEN 'increment' THEN value := value + 1;
        WHEN 'decrement' THEN value := value - 1;
        WHEN 'reset' THEN value := 0;
        WHEN 'end' THEN RETURN value;
        ELSE NULL;                                          -- not for us
    END CASE;
    PERFORM df_continue_as_new(to_jsonb(value));       -- events that wait are kept
END $$;

SELECT df_register_orchestrator('counter');

SELECT df_start('counter', '40', 'my counter', if_exists => 'replace');
-- => my counter
SELECT df_start('counter', '99', 'my counter', if_exists => 'ignore');
-- => my counter
SELECT df_raise_event('my counter', 'operation', to_jsonb(operation))
FROM unnest('{increment,increment,decrement,increment,dance,end}'::text[]) AS operation;
SELECT runtime_status, output FROM df_wait('my counter');
-- => Completed|42

/*
 * sql/examples/hello_sequence.sql: function chaining.
 *
 * Activities one after the other, each in a transaction of its own; the result
 * of one may be the input of the next.  The orchestrator keeps its place in
 * between: in history, not in a process.
 *
 * Run it with psql against a database that has pgdf and a worker.
 */

CREATE OR REPLACE FUNCTION say_hello(city text) RETURNS text LANGUAGE sql
AS $$ SELECT 'Hello ' || city || '!' $$;

CREATE OR REPLACE FUNCTION hello_sequence() RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    greetings text[];
BEGIN
    greetings := greetings || df_text(df_call_activity('say_hello', '"Tokyo"'));
    greetings := greetings || df_text(df_call_activity('say_hello', '"Seattle"'));
    greetings := greetings || df_text(df_call_activity('say_hello', '"London"'));
    RETURN greetings;
END $$;

SELECT df_register_activity('say_hello'), df_register_orchestrator('hello_sequence');

CALL df_run('hello_sequence');
-- => ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]

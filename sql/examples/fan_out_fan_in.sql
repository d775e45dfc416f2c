/*
 * sql/examples/fan_out_fan_in.sql: many activities in parallel, then their sum.
 *
 * The first orchestrator schedules everything at once: all workers take part,
 * and the orchestrator runs again once, when the last result is there.  The
 * second keeps only so many in flight: one is scheduled when one has finished.
 */

CREATE OR REPLACE FUNCTION count_words(document text) RETURNS integer LANGUAGE sql
AS $$ SELECT count(*)::integer FROM regexp_matches(document, '\w+', 'g') $$;

CREATE OR REPLACE FUNCTION count_all_words(documents jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tasks df_task[] := ARRAY(
        SELECT df_activity('count_words', document)
        FROM jsonb_array_elements(documents) AS document
    );
BEGIN
    RETURN (SELECT coalesce(sum(words::bigint), 0) FROM unnest(df_when_all(tasks)) AS words);
END $$;

CREATE OR REPLACE FUNCTION count_words_gently(documents jsonb, in_flight integer DEFAULT 2) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    running df_task[] := '{}';
    winner df_task;
    document jsonb;
    total bigint := 0;
BEGIN
    FOR document IN SELECT value FROM jsonb_array_elements(documents) LOOP
        IF cardinality(running) >= in_flight THEN
            winner := df_when_any(running);
            running := array_remove(running, winner);
            total := total + df_await(winner)::bigint;
        END IF;
        running := running || df_activity('count_words', document);
    END LOOP;
    RETURN total + (SELECT coalesce(sum(words::bigint), 0) FROM unnest(df_when_all(running)) AS words);
END $$;

SELECT df_register_activity('count_words'), df_register_orchestrator('count_all_words'),
    df_register_orchestrator('count_words_gently');

CALL df_run('count_all_words', '["to be or not to be", "that is the question", ""]');
-- => 10
CALL df_run('count_words_gently', '{"documents": ["a", "b c", "d e f", "g h i j", "k"], "in_flight": 2}');
-- => 11

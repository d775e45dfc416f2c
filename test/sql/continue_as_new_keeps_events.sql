-- Buffered events live on in the next execution, in order, or go with keep_events => false; an event on its way is never lost.

CALL test.orchestrator('eats', $$
BEGIN
    PERFORM df_set_custom_status(coalesce(input, '[]'));
    IF jsonb_array_length(input) < 5 THEN
        RETURN df_continue_as_new(input || jsonb_build_array(df_wait_event('food')));
    END IF;
    RETURN input;
END $$);
SELECT df_start('eats', '[]', 'e');
SELECT df_raise_event('e', 'Food', to_jsonb(i)) FROM generate_series(1, 3) AS i;
CALL test.run();
SELECT df_raise_event('e', 'food', to_jsonb(i), 'id ' || i) FROM generate_series(4, 6) AS i;
-- ids count for the whole instance
SELECT df_raise_event('e', 'food', '"twice"', 'id 4');
CALL test.run();
SELECT status, output, turns FROM test.instance('e');
SELECT execution, count(*) FROM df_history('e') GROUP BY 1;
SELECT payload FROM df.buffered_events;
SELECT count(*) FROM df.event_ids;

-- dropped when told so: only what is there at that time
CALL test.orchestrator('forgets', $$
BEGIN
    IF input = '"second"' THEN
        RETURN df_wait_event('e');
    END IF;
    PERFORM df_wait_event('go');
    RETURN df_continue_as_new('"second"', keep_events => input <> '"forget"');
END $$);
SELECT df_start('forgets', '"forget"', 'f'), df_start('forgets', '"keep"', 'k');
SELECT df_raise_event(id, 'e', '"early"') FROM unnest('{f,k}'::text[]) AS id;
CALL test.run();
SELECT df_raise_event(id, 'go') FROM unnest('{f,k}'::text[]) AS id;
CALL test.run();
SELECT df_raise_event('f', 'e', '"late"');
CALL test.run();
SELECT id, i.status, i.output FROM unnest('{f,k}'::text[]) AS id, test.instance(id) i;
SELECT count(*) FROM df.buffered_events JOIN df.instance_state USING (instance_key) WHERE instance_id IN ('f', 'k');

-- the event that ends an execution and those behind it come in one engine call
SELECT df_start('eats', '[]', 'burst');
CALL test.run();
SELECT count(*) FROM generate_series(1, 5) AS i, df_raise_event('burst', 'food', to_jsonb(i));
SELECT input::jsonb -> 'turns' AS turns FROM test.work();
CALL test.run();
SELECT status, output FROM test.instance('burst');

-- not outside of a turn
SELECT df_continue_as_new('1');

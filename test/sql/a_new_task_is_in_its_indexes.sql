-- A single new task is written without a plan: it is in those indexes whose condition holds for it, and in no other.

CALL test.orchestrator('one', $$BEGIN
    RETURN df_call_activity('hold', input, schedule_timeout => (input ->> 'deadline')::interval);
END$$);

-- rows that the table has for the index's condition, and that the index finds
CREATE FUNCTION test.in_index(index_name text, OUT by_table bigint, OUT by_index bigint)
LANGUAGE plpgsql SET search_path = df, pg_catalog AS $$
DECLARE
    look text := (SELECT format('SELECT count(*) FROM (SELECT %s FROM df.tasks WHERE %s ORDER BY %1$s OFFSET 0) t',
                                pg_get_indexdef(indexrelid, 1, true), coalesce(pg_get_expr(indpred, indrelid), 'true'))
                  FROM pg_index WHERE indexrelid = index_name::regclass);
    plan text;
BEGIN
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SET LOCAL enable_bitmapscan = off;
    EXECUTE look INTO by_table;
    SET LOCAL enable_indexscan = on;
    SET LOCAL enable_indexonlyscan = on;
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_sort = off;
    FOR plan IN EXECUTE 'EXPLAIN (COSTS off) ' || look LOOP
        EXIT WHEN plan ~ ('Index.*Scan using ' || index_name || ' ');
    END LOOP;
    IF plan !~ index_name THEN
        RAISE 'not by the index: %', plan;
    END IF;
    EXECUTE look INTO by_index;
END $$;
CREATE VIEW test.indexes AS
SELECT relname, n.* FROM pg_index JOIN pg_class ON oid = indexrelid, test.in_index(relname::text) n WHERE indrelid = 'df.tasks'::regclass ORDER BY 1;

-- queued, queued with a deadline, claimed as it is made: each by a call of its own
SELECT df_start('one', '{}', 'queued');
CALL test.run(room => 0);
SELECT df_start('one', '{"deadline": "1 hour"}', 'bounded');
CALL test.run(room => 0);
SELECT * FROM test.indexes;
SELECT df_start('one', '{"deadline": "2 hours"}', 'claimed');
CALL test.run();
SELECT * FROM test.indexes;

-- two in one call are written in bulk, to the same effect
SELECT df_start('one', '{}', 'fourth'), df_start('one', '{"deadline": "1 hour"}', 'fifth');
CALL test.run(room => 0);
SELECT * FROM test.indexes;

-- an index that only a statement can serve
CREATE INDEX by_length ON df.tasks (length(name)) WHERE length(name) > 1;
SELECT df_start('one', '{}', 'sixth');
CALL test.run(room => 0);
SELECT * FROM test.in_index('by_length');
DROP INDEX df.by_length;

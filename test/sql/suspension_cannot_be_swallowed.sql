-- Handlers that catch everything do not turn a suspension into something else: the turn counts as suspended, what
-- the function does afterwards is ignored, and the instance completes when its task does.

CREATE TABLE shapes (n serial, name text, body text);
INSERT INTO shapes (name, body) VALUES
('others', $$ BEGIN r := df_call_activity('echo', '1'); EXCEPTION WHEN OTHERS THEN r := '"swallowed"'; END; RETURN r; $$),
('others_or_cancel', $$ BEGIN r := df_call_activity('echo', '1');
    EXCEPTION WHEN OTHERS OR query_canceled THEN r := '"swallowed"'; END; RETURN r; $$),
('assert', $$ BEGIN r := df_call_activity('echo', '1'); EXCEPTION WHEN assert_failure THEN r := '"swallowed"'; END; RETURN r; $$),
('category', $$ BEGIN r := df_call_activity('echo', '1'); EXCEPTION WHEN plpgsql_error THEN r := '"swallowed"'; END; RETURN r; $$),
('everything', $$ BEGIN r := df_call_activity('echo', '1');
    EXCEPTION WHEN OTHERS OR assert_failure OR query_canceled THEN RETURN '"swallowed"'; END; RETURN r; $$),
('other_error', $$ BEGIN r := df_call_activity('echo', '1');
    EXCEPTION WHEN assert_failure THEN RAISE division_by_zero; END; RETURN r; $$),
('nested', $$ BEGIN BEGIN BEGIN r := df_call_activity('echo', '1');
    EXCEPTION WHEN assert_failure THEN RAISE; END;
    EXCEPTION WHEN OTHERS OR assert_failure THEN PERFORM df_call_activity('echo', '2'); END;
    EXCEPTION WHEN OTHERS OR assert_failure THEN PERFORM df_activity('echo', '3'); RETURN '"swallowed"'; END; RETURN r; $$),
('dynamic', $$ BEGIN EXECUTE 'SELECT df_call_activity($1, $2)' INTO r USING 'echo', '1'::jsonb;
    EXCEPTION WHEN OTHERS OR assert_failure THEN r := '"swallowed"'; END; RETURN r; $$),
('loop', $$ LOOP
    BEGIN r := df_call_activity('echo', '1'); RETURN r;
    EXCEPTION WHEN OTHERS OR assert_failure THEN tries := tries + 1; IF tries > 100 THEN RETURN '"swallowed"'; END IF; END;
    END LOOP; $$),
('in_query', $$ BEGIN SELECT jsonb_agg(df_call_activity('echo', to_jsonb(i))) -> 0 INTO r FROM generate_series(1, 1) i;
    EXCEPTION WHEN OTHERS OR assert_failure THEN r := '"swallowed"'; END; RETURN r; $$),
('when_all', $$ BEGIN r := (df_when_all(df_activity('echo', '1'), df_activity('echo', '2')))[1];
    EXCEPTION WHEN OTHERS OR assert_failure THEN r := '"swallowed"'; END; RETURN r; $$);

DO $do$
DECLARE
    shape shapes;
BEGIN
    FOR shape IN SELECT * FROM shapes LOOP
        CALL test.orchestrator(shape.name, format('DECLARE r jsonb; tries int := 0; BEGIN %s END', shape.body));
    END LOOP;
END $do$;
SELECT count(df_start(name, NULL, name)) FROM shapes;

-- the first turn of each: suspended, and what was swallowed has no effect
CALL test.run(room => 0);
SELECT name, i.status, i.turns, i.output, i.tasks, test.history(name) FROM shapes, test.instance(name) i ORDER BY n;

-- completed
CALL test.run();
SELECT name, i.status, i.output, i.turns, i.blocked FROM shapes, test.instance(name) i ORDER BY n;

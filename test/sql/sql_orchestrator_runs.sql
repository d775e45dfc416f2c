-- An orchestrator in SQL: a chain by CTEs, a fan-out by aggregates, a body in standard syntax.

CREATE FUNCTION sql_one(n int) RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('double', to_jsonb(n)) $$;
CREATE FUNCTION sql_chain(n int) RETURNS jsonb LANGUAGE sql AS $$
    WITH a AS MATERIALIZED (SELECT df_call_activity('double', to_jsonb(n)) AS x),
        b AS MATERIALIZED (SELECT df_call_activity('double', x) AS x FROM a)
    SELECT df_call_activity('double', x) FROM b
$$;
CREATE FUNCTION sql_fan(n int) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(r::int) FROM unnest(df_when_all(ARRAY(SELECT df_activity('double', to_jsonb(i)) FROM generate_series(1, n) AS i))) AS r
$$;
CREATE FUNCTION sql_statements(n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT df_call_activity('echo', '"first"');
    SELECT df_set_custom_status('"second"');
    SELECT df_call_activity('double', to_jsonb(n));
$$;
CREATE FUNCTION sql_begin_atomic(n int) RETURNS jsonb LANGUAGE sql
BEGIN ATOMIC
    SELECT df_call_activity('double', to_jsonb(n));
END;
CREATE FUNCTION sql_recursive(n int) RETURNS jsonb LANGUAGE sql AS $$
    WITH RECURSIVE step (i, x) AS (
        SELECT 0, to_jsonb(n)
        UNION ALL
        SELECT i + 1, df_call_activity('double', x) FROM step WHERE i < 5
    )
    SELECT x FROM step ORDER BY i DESC LIMIT 1
$$;
CREATE FUNCTION sql_fails(n int) RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('fail', '{"type": "Broken"}') $$;
CREATE FUNCTION sql_writes(n int) RETURNS void LANGUAGE sql AS $$ CREATE TABLE made_in_turn (a int) $$;
CREATE TABLE shapes AS SELECT proname::text AS name FROM pg_proc WHERE proname LIKE 'sql\_%' AND pronargs = 1 AND pronamespace = 'public'::regnamespace;
SELECT count(df_register_orchestrator(name, name)) FROM shapes;
SELECT count(df_start(name, '3', name)) FROM shapes;
CALL test.run();
SELECT name, i.status, i.output, i.turns, i.tasks, i.error_type, i.blocked FROM shapes, test.instance(name) i ORDER BY 1;

-- one that was inlined or folded would not run: VOLATILE is asked for
CREATE FUNCTION sql_stable(n int) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT df_call_activity('double', to_jsonb(n)) $$;
SELECT df_register_orchestrator('sql_stable');

-- A STRICT function is not called when an argument is null: its result is null.

CREATE FUNCTION strict_one(x text) RETURNS text LANGUAGE plpgsql STRICT AS $$ BEGIN RETURN 'called with ' || coalesce(x, 'NULL'); END $$;
CREATE FUNCTION strict_two(a int, b int DEFAULT NULL) RETURNS text LANGUAGE plpgsql STRICT AS $$ BEGIN RETURN 'called'; END $$;
CREATE FUNCTION not_strict(x text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'called with ' || coalesce(x, 'NULL'); END $$;
SELECT FROM df_register_orchestrator('strict_one');
SELECT FROM df_register_orchestrator('strict_two');
SELECT FROM df_register_orchestrator('not_strict');
SELECT df_start('strict_one', NULL, 'null'), df_start('strict_one', '"x"', 'value'), df_start('not_strict', NULL, 'not strict'),
    df_start('strict_two', '{"a": 1}', 'default is null'), df_start('strict_two', '{"a": 1, "b": 2}', 'both');
CALL test.run();
SELECT instance_id, i.status, i.output FROM df.instances, test.instance(instance_id) i ORDER BY 1;

-- the same of activities; some of the server's own functions would crash
CREATE FUNCTION strict_activity(query text, nulls boolean, tableforest boolean, targetns text) RETURNS xml
    LANGUAGE internal VOLATILE STRICT AS 'query_to_xml';
SELECT FROM df_register_activity('strict_activity');
CALL test.orchestrator('calls', $$ BEGIN RETURN df_call_activity('strict_activity', input); END $$);
SELECT df_start('calls', '{"query": null, "nulls": true, "tableforest": true, "targetns": ""}', 'crash');
CALL test.run();
SELECT status, output FROM test.instance('crash');

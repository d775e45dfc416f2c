-- How an orchestrator's input becomes its arguments.

CREATE TYPE pair AS (a int, b text);
CREATE TABLE orders (id int, item text, price numeric(8,2));
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE FUNCTION o_none() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_input(); END $$;
CREATE FUNCTION o_jsonb(x jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_json(x json) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_text(x text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce('<' || x || '>', 'NULL'); END $$;
CREATE FUNCTION o_int(x int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(x::text, 'NULL'); END $$;
CREATE FUNCTION o_small(x small) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_time(x timestamptz) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_bool(x boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_ints(x int[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_pair(x pair) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_pairs(x pair[]) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_order(x orders) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN x::text; END $$;
CREATE FUNCTION o_named(a int, b text, c int[] DEFAULT '{7}', d timestamptz DEFAULT df_now()) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RETURN concat_ws(' ', a, b, c, d = df_now()); END $$;
SELECT count(df_register_orchestrator(proname, oid::regprocedure)) FROM pg_proc WHERE proname ~ '^o_';

CREATE TABLE inputs (n serial, name text, input jsonb);
INSERT INTO inputs (name, input) VALUES
('o_none', '{"a": 1}'), ('o_none', NULL),
('o_jsonb', '{"a": [1, "x"]}'), ('o_jsonb', '"text"'), ('o_jsonb', NULL), ('o_json', '{"a":  1}'),
('o_text', '"Tokyo"'), ('o_text', '""'), ('o_text', 'null'), ('o_text', '5'), ('o_text', '{"a": 1}'),
('o_int', '5'), ('o_int', '"5"'), ('o_int', 'null'), ('o_int', '5.5'), ('o_int', '"five"'), ('o_int', '[1]'), ('o_int', '1e99'),
('o_small', '99'), ('o_small', '100'),
('o_time', '"2026-11-23T01:02:03+09:00"'), ('o_bool', 'true'), ('o_bool', '"yes"'),
('o_ints', '[1, 2, null]'), ('o_ints', '[]'), ('o_ints', '[[1, 2], [3, 4]]'), ('o_ints', '5'),
('o_pair', '{"a": 1, "b": "x"}'), ('o_pair', '{"b": "x", "c": 3}'), ('o_pair', '[1]'), ('o_pair', 'null'),
('o_pairs', '[{"a": 1, "b": "x"}, {"a": 2}]'),
('o_order', '{"id": 1, "item": "nut, big", "price": 1.5}'), ('o_order', '{"price": "not a number"}'),
('o_named', '{"a": 1, "b": "x"}'), ('o_named', '{"b": "x", "a": "2", "c": [1, 2], "d": null, "more": true}'),
('o_named', '{"a": 1}'), ('o_named', '[1, 2]'), ('o_named', NULL);
SELECT count(df_start(name, input, n::text)) FROM inputs;
CALL test.run();
SELECT name, f.input, i.output #>> '{}' AS output, i.error_type, i.error FROM inputs f, test.instance(n::text) i ORDER BY n;

/* Only plain, volatile functions that can be filled from JSON are registered. */
SET ROLE regress_user;

CREATE FUNCTION is_stable() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION is_immutable() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION returns_set() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION returns_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION polymorphic(a anyelement) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION takes_record(a record) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION nameless(int, b int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION pg_temp.temporary() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE is_procedure() LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE AGGREGATE is_aggregate(int) (SFUNC = int4pl, STYPE = int);

SELECT FROM df_register_orchestrator('x', 'is_stable');
SELECT FROM df_register_activity('x', 'is_immutable');
SELECT FROM df_register_orchestrator('x', 'returns_set');
SELECT FROM df_register_activity('x', 'returns_trigger');
SELECT FROM df_register_orchestrator('x', 'polymorphic');
SELECT FROM df_register_orchestrator('x', 'takes_record');
SELECT FROM df_register_activity('x', 'nameless');
\set VERBOSITY sqlstate
SELECT FROM df_register_orchestrator('x', 'pg_temp.temporary()');
\set VERBOSITY default
SELECT FROM df_register_orchestrator('x', 'is_procedure');
SELECT FROM df_register_activity('x', 'is_aggregate(int)'::regprocedure);
SELECT FROM df_register_activity('x', 'count');
\echo :LAST_ERROR_SQLSTATE

-- somebody else's function
SELECT FROM df_register_activity('x', 'pg_catalog.pg_notify(text, text)');
\echo :LAST_ERROR_SQLSTATE

-- a language that is not listed, for orchestrators only
CREATE FUNCTION in_sql() RETURNS int LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
SET pgdf.orchestrator_languages = 'plpgsql';
SET ROLE regress_user;
SELECT FROM df_register_orchestrator('x', 'in_sql');
\echo :LAST_ERROR_SQLSTATE
SELECT FROM df_register_activity('in_sql');

-- accepted: void, records, arrays, row types, several arguments with names
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION nothing() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION out_columns(a int, OUT b int, OUT c int) LANGUAGE plpgsql AS $$ BEGIN b := a; c := a; END $$;
CREATE FUNCTION of_array(a text[]) RETURNS text[] LANGUAGE plpgsql AS $$ BEGIN RETURN a; END $$;
CREATE FUNCTION of_row(p pair) RETURNS pair LANGUAGE plpgsql AS $$ BEGIN RETURN p; END $$;
CREATE FUNCTION one_nameless(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN $1; END $$;
CREATE FUNCTION several(a int, b text DEFAULT 'b') RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN b; END $$;
SELECT FROM unnest('{nothing,out_columns,of_array,of_row,one_nameless,several}'::text[]) AS f,
    df_register_orchestrator(f);
SELECT name, kind, function FROM df.orchestrators WHERE owner = 'regress_user'::regrole
UNION ALL
SELECT name, kind, function FROM df.activities
ORDER BY name;

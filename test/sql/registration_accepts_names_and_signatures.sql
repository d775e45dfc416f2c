/* A function is registered by its own name, by a name, by a signature, or as regprocedure; repeating replaces. */
SET ROLE regress_user;

CREATE FUNCTION plain(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
CREATE FUNCTION "Mixed Case"() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE FUNCTION overloaded(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION overloaded(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 2';

SELECT FROM df_register_orchestrator('Plain');
SELECT FROM df_register_orchestrator('by name', 'plain');
SELECT FROM df_register_orchestrator('by signature', 'overloaded(int)');
SELECT FROM df_register_orchestrator('by qualified signature', 'public.overloaded(int, text)');
SELECT FROM df_register_orchestrator('by regprocedure', 'overloaded(int)'::regprocedure);
SELECT FROM df_register_orchestrator('quoted', '"Mixed Case"()');
SELECT FROM df_register_orchestrator('quoted without arguments', '"Mixed Case"');

SELECT name, version, function, owner FROM df.orchestrators WHERE owner = 'regress_user'::regrole
ORDER BY name COLLATE "C";

-- again, in other letters: the name is the same, as it was written last
SELECT FROM df_register_orchestrator('PLAIN', 'overloaded(int)');
SELECT name, function FROM df.orchestrators WHERE lower(name) = 'plain';

-- a version is a registration of its own
SELECT FROM df_register_orchestrator('plain', 'plain', 'v2');
SELECT name, version, function FROM df.orchestrators WHERE lower(name) = 'plain' ORDER BY version;

-- what does not resolve
SELECT FROM df_register_orchestrator('x', 'no_such_function');
SELECT FROM df_register_orchestrator('x', 'plain(text)');
SELECT FROM df_register_orchestrator('x', 'overloaded');
SELECT FROM df_register_orchestrator('x', '12345');
SELECT FROM df_register_orchestrator('x', '-');
SELECT FROM df_register_orchestrator('x', NULL::regprocedure);

-- names
SELECT FROM df_register_orchestrator(NULL, 'plain');
SELECT FROM df_register_orchestrator('', 'plain');
SELECT FROM df_register_orchestrator(repeat('n', 201), 'plain');
SELECT FROM df_register_orchestrator(E'a\nb', 'plain');
SELECT FROM df_register_orchestrator('*sql', 'plain');

-- and away
SELECT df_unregister('Plain');
SELECT df_unregister('Plain');
SELECT count(*) FROM df.orchestrators WHERE lower(name) = 'plain';

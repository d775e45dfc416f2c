/*
 * sql/api/200_registration.sql: names for functions.
 *
 * Both overloads of a function take a literal as text: text is the preferred
 * type of its category.
 */

CREATE OR REPLACE FUNCTION df_register_orchestrator(
    name text,
    function text DEFAULT NULL,
    version text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_orchestrator';
COMMENT ON FUNCTION df_register_orchestrator(text, text, text)
    IS 'register a function, named as f or f(jsonb), as orchestrator; without one, the function of that name';

CREATE OR REPLACE FUNCTION df_register_orchestrator(
    name text,
    function regprocedure,
    version text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_orchestrator_regprocedure';
COMMENT ON FUNCTION df_register_orchestrator(text, regprocedure, text)
    IS 'register a function as orchestrator';

CREATE OR REPLACE FUNCTION df_register_activity(
    name text,
    function text DEFAULT NULL,
    queue text DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL,
    kind text DEFAULT NULL,
    settings jsonb DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_activity';
COMMENT ON FUNCTION df_register_activity(text, text, text, jsonb, interval, text, jsonb)
    IS 'register an activity: a function (kind sql), or what workers do (kinds worker, http)';

CREATE OR REPLACE FUNCTION df_register_activity(
    name text,
    function regprocedure,
    queue text DEFAULT NULL,
    retry jsonb DEFAULT NULL,
    timeout interval DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'df_register_activity_regprocedure';
COMMENT ON FUNCTION df_register_activity(text, regprocedure, text, jsonb, interval)
    IS 'register a function as activity';

CREATE OR REPLACE FUNCTION df_unregister(name text) RETURNS boolean
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_unregister';
COMMENT ON FUNCTION df_unregister(text)
    IS 'forget a name in all its versions; false when it is not registered';

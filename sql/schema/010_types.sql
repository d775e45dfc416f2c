/* sql/schema/010_types.sql: the schema df and the type df_task. */

CREATE SCHEMA df;
COMMENT ON SCHEMA df IS 'pgdf: tables, views and the functions that workers call';

CREATE TYPE df_task;

CREATE FUNCTION df_task_in(cstring) RETURNS df_task
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
CREATE FUNCTION df_task_out(df_task) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';

/* Same representation as bigint, so its comparison and hash support serve both. */
CREATE TYPE df_task (
    INPUT = df_task_in,
    OUTPUT = df_task_out,
    LIKE = pg_catalog.int8
);
COMMENT ON TYPE df_task IS 'handle of something an orchestrator can await; valid in the execution that made it';

CREATE FUNCTION df_task_eq(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8eq';
CREATE FUNCTION df_task_ne(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8ne';
CREATE FUNCTION df_task_lt(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8lt';
CREATE FUNCTION df_task_le(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8le';
CREATE FUNCTION df_task_gt(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8gt';
CREATE FUNCTION df_task_ge(df_task, df_task) RETURNS boolean
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'int8ge';
CREATE FUNCTION df_task_cmp(df_task, df_task) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'btint8cmp';
CREATE FUNCTION df_task_hash(df_task) RETURNS integer
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'hashint8';
CREATE FUNCTION df_task_hash_extended(df_task, bigint) RETURNS bigint
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS 'hashint8extended';

CREATE OPERATOR = (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR < (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR > (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR >= (
    LEFTARG = df_task, RIGHTARG = df_task, FUNCTION = df_task_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR CLASS df_task_ops DEFAULT FOR TYPE df_task USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 df_task_cmp(df_task, df_task);
CREATE OPERATOR CLASS df_task_ops DEFAULT FOR TYPE df_task USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 df_task_hash(df_task),
    FUNCTION 2 df_task_hash_extended(df_task, bigint);

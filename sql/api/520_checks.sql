/*
 * sql/api/520_checks.sql: df_lint and df_deploy_check, for who writes orchestrators.
 *
 * It reads text, not a syntax tree: comments and strings are blanked first, then each rule is a regular
 * expression on a line.  It finds what is usual, and proves nothing; the engine checks every replay anyway.
 */

CREATE OR REPLACE FUNCTION df.lint_rules() RETURNS TABLE (pattern text, problem text, hint text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES
    ('\m(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|\mcurrent_(timestamp|time|date)\M|\mlocaltime(stamp)?\M',
     'reads the clock', 'Use df_now(), which is recorded.'),
    ('\m(random|setseed|random_normal)\s*\(',
     'draws a random number', 'Use df_random(), or df_record() for the value.'),
    ('\m(gen_random_uuid|uuid_generate_v[14]|uuidv[47])\s*\(',
     'makes a UUID', 'Use df_uuid(), which is the same at every replay.'),
    ('\m(nextval|currval|lastval|setval)\s*\(',
     'uses a sequence', 'Use it in an activity.'),
    ('^\s*(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into|truncate)\M|\mfor\s+(no\s+key\s+)?(update|share)\M',
     'writes to a table, or locks its rows', 'Move the statement into an activity: a turn cannot write.'),
    ('\m(pg_sleep|pg_sleep_for|pg_sleep_until)\s*\(',
     'sleeps while it holds a connection', 'Use df_sleep().'),
    ('\m(commit|rollback)\s*;',
     'ends the transaction', 'A turn is part of the engine''s transaction.')
$$;
COMMENT ON FUNCTION df.lint_rules() IS 'the rules of df_lint';

CREATE OR REPLACE FUNCTION df_lint(function regprocedure) RETURNS TABLE (line integer, problem text, hint text)
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH source AS (
        -- literals and comments become blanks; their line breaks stay, so that numbers are right
        SELECT lower(regexp_replace(
                   regexp_replace(p.prosrc, '--[^\n]*', '', 'g'),
                   '''[^''\n]*''', '''''', 'g')) AS text,
               p.prosrc
        FROM pg_proc p
        WHERE p.oid = function
    ), lines AS (
        SELECT l.line::integer AS line, l.text
        FROM source, regexp_split_to_table(source.text, '\n') WITH ORDINALITY AS l (text, line)
    ), found AS (
        SELECT l.line, r.problem, r.hint
        FROM lines l
        JOIN df.lint_rules() r ON l.text ~ r.pattern
        UNION ALL
        -- a fan-out over rows whose order nobody has fixed
        SELECT length(left(s.text, m.start)) - length(replace(left(s.text, m.start), E'\n', '')) + 1,
               'fans out over a query without ORDER BY',
               'Add ORDER BY: tasks are numbered in the order of the rows.'
        FROM source s,
             LATERAL (
                 SELECT q.body, strpos(s.text, q.body) - 1 AS start
                 FROM (
                     SELECT (regexp_matches(s.text, '(array\s*\(\s*select[^;]*df_(?:activity|sub_orchestrator|http)[^;]*;)', 'g'))[1]
                     UNION ALL
                     SELECT (regexp_matches(s.text, '(df_map_agg\s*\([^;]*;)', 'g'))[1]
                 ) AS q (body)
             ) AS m
        WHERE m.body !~ '\morder\s+by\M'
          AND m.body ~ '\mfrom\M'
          AND m.body !~ '\mfrom\s+(generate_series|unnest|jsonb_array_elements(_text)?)\s*\('
        UNION ALL
        -- helper functions, found by their names; what an extension or the server brings does not change by itself
        SELECT DISTINCT l.line, format('calls function %s(), whose code is not pinned', c.name[1]),
               'Replaced, it runs in instances in flight too: what it returns for the same arguments must stay the same.'
        FROM lines l
        CROSS JOIN LATERAL regexp_matches(l.text, '\m([a-z_][a-z0-9_$]*)\s*\(', 'g') AS c (name)
        JOIN pg_proc p ON p.proname = c.name[1]
        WHERE p.oid <> function AND p.prokind = 'f'
          AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
          AND NOT EXISTS (
              SELECT FROM pg_depend d
              WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
          )
        UNION ALL
        SELECT 1, 'is SECURITY DEFINER: its code is never pinned',
               'Instances in flight run the new body as soon as it is replaced.'
        FROM pg_proc p
        WHERE p.oid = function AND p.prosecdef
    )
    SELECT f.line, f.problem, f.hint
    FROM found f
    ORDER BY f.line, f.problem
$$;
COMMENT ON FUNCTION df_lint(regprocedure)
    IS 'lines of an orchestrator that may do something else when it is replayed';

CREATE OR REPLACE FUNCTION df_deploy_check(function regprocedure, owner regrole DEFAULT NULL) RETURNS TABLE (
    instance_id text,
    event_id integer,
    expected text,
    actual text,
    line integer
)
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'df_deploy_check';
COMMENT ON FUNCTION df_deploy_check(regprocedure, regrole)
    IS 'live instances whose history an orchestrator''s present body does not match; changes nothing';

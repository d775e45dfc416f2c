-- df.api_list: filters, and pages that neither repeat nor lose what was there, whatever is started meanwhile.
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION ends(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
SELECT FROM unnest('{waits,ends}'::text[]) AS f, df_register_orchestrator(f);
SELECT count(df_start(CASE WHEN n % 2 = 0 THEN 'waits' ELSE 'ends' END, to_jsonb(n), 'i-' || lpad(n::text, 3, '0'),
    tags => jsonb_build_object('mod', n % 5))) FROM generate_series(1, 50) n;
CALL test.run(room => 0);

CREATE FUNCTION ids(body text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(e ->> 'instanceId', ' ' ORDER BY n) FROM json_array_elements(body::json) WITH ORDINALITY AS a(e, n)
$$;
-- all pages of a list; between two of them something is started
CREATE PROCEDURE pages(prefix text, top int) LANGUAGE plpgsql AS $$
DECLARE
    page record;
    next text;
    n int := 0;
BEGIN
    DROP TABLE IF EXISTS seen;
    CREATE TEMP TABLE seen (n serial, id text);
    LOOP
        SELECT * INTO page FROM df.api_list(NULL, prefix => pages.prefix, top => pages.top, token => next);
        INSERT INTO seen (id) SELECT e ->> 'instanceId' FROM json_array_elements(page.body::json) e;
        next := page.token;
        EXIT WHEN next IS NULL;
        n := n + 1;
        PERFORM df_start('ends', NULL, 'a-' || clock_timestamp()), df_start('ends', NULL, 'z-' || clock_timestamp());
        COMMIT;
    END LOOP;
    RAISE NOTICE '% pages', n + 1;
END $$;
CALL pages(NULL, 7);
SELECT count(*), count(DISTINCT id), count(DISTINCT id) FILTER (WHERE id LIKE 'i-%') AS of_the_first FROM seen;
-- newest first
SELECT bool_and(id = 'i-' || lpad((51 - r)::text, 3, '0')) AS newest_first
FROM (SELECT id, row_number() OVER (ORDER BY n) AS r FROM seen WHERE id LIKE 'i-%') s;
CALL pages('i-', 7);
SELECT count(*), count(DISTINCT id) FROM seen;
SELECT ids(body), token IS NULL AS last FROM df.api_list(NULL, 'i-01');
SELECT ids(body), token IS NULL AS last FROM df.api_list(NULL, 'i-01', top => 10);
SELECT ids(body), token IS NULL AS last FROM df.api_list(NULL, 'i-01', top => 9);
SELECT body, token FROM df.api_list(NULL, 'i-%');
SELECT body, token FROM df.api_list(NULL, 'no such');

-- filters
SELECT ids(body) FROM df.api_list(NULL, 'i-', statuses => '{running,nonsense}', top => 5);
SELECT json_array_length(body::json) FROM df.api_list(NULL, 'i-', statuses => '{Completed,Running}');
SELECT json_array_length(body::json) AS unknown_names_are_ignored FROM df.api_list(NULL, 'i-', statuses => '{nonsense}');
SELECT ids(body) FROM df.api_list(NULL, 'i-', name => 'WAITS', tag_key => 'mod', tag_value => '3');
SELECT json_array_length(body::json) FROM df.api_list(NULL, 'i-', created_from => now() + interval '1 minute');
SELECT json_array_length(body::json) FROM df.api_list(NULL, 'i-', created_to => now() + interval '1 minute', created_from => now() - interval '1 minute');
SELECT body::json -> 0 -> 'input' AS input FROM df.api_list(NULL, 'i-001', show_input => false);
SELECT body::json -> 0 -> 'input' AS input FROM df.api_list(NULL, 'i-001');
-- top is between 1 and 1000; a token that is none is the beginning
SELECT json_array_length(body::json) FROM df.api_list(NULL, 'i-', top => 0);
SELECT t, ids(body) FROM unnest('{x,i,i0,ixx,iff,c12}'::text[]) t, df.api_list(NULL, 'i-', top => 1, token => t);
SELECT json_array_length(body::json) > 50 FROM df.api_list(NULL, top => 2000, token => 'czzzz');

-- both orders come from an index, at any place
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Scan' THEN
            RETURN NEXT regexp_replace(line, '^[ >-]+', '');
        END IF;
    END LOOP;
END $$;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT plan('SELECT instance_id FROM df.instance_state s WHERE (s.created_at, s.instance_key) < (now(), 5) ORDER BY s.created_at DESC, s.instance_key DESC LIMIT 5');
SELECT plan($$SELECT instance_id FROM df.instance_state s WHERE s.instance_id >= 'i-' AND s.instance_id < 'i.' ORDER BY s.instance_id LIMIT 5$$);

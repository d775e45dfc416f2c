-- A list looks at 50,000 instances a request, however few it chooses: a page may be short, and says where the next begins.
INSERT INTO df.instance_state (instance_id, run_id, name, owner, status, created_at, last_updated_at, completed_at)
SELECT CASE WHEN n <= 60000 THEN 'i-' ELSE 'x-' END || lpad(n::text, 6, '0'), '00000000-0000-0000-0000-000000000000',
    CASE WHEN n IN (1, 50001, 119999) THEN 'rare' ELSE 'common' END,
    CASE WHEN n = 50001 THEN 'regress_user' ELSE 'postgres' END::regrole, 1, '2020-01-01'::timestamptz + n * interval '1 s', now(), now()
FROM generate_series(1, 120000) n;

CREATE FUNCTION ids(body text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(e ->> 'instanceId', ' ' ORDER BY n) FROM json_array_elements(body::json) WITH ORDINALITY AS a(e, n)
$$;
CREATE FUNCTION pages(acting regrole, prefix text, name text, top int) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    page record;
    next text;
BEGIN
    LOOP
        SELECT * INTO page FROM df.api_list(acting, prefix => pages.prefix, name => pages.name, top => pages.top, token => next);
        RETURN NEXT coalesce(ids(page.body), 'nothing');
        next := page.token;
        EXIT WHEN next IS NULL;
    END LOOP;
END $$;
SELECT * FROM pages(NULL, NULL, 'rare', 10);
SELECT * FROM pages(NULL, 'i-', 'rare', 10);
SELECT * FROM pages(NULL, NULL, 'rare', 1);
SELECT * FROM pages(NULL, 'x-1199', 'rare', 10);
SELECT * FROM pages('regress_user', NULL, NULL, 10);
SELECT * FROM pages('regress_user', 'i-', NULL, 10);
-- a filter by time is where the walk begins and ends
SELECT ids(body), token FROM df.api_list(NULL, name => 'rare', created_from => '2020-01-01', created_to => '2020-01-01 00:00:10');
SELECT ids(body), token FROM df.api_list(NULL, top => 2, created_to => '2020-01-01 00:00:10');


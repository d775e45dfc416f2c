-- df_lint names lines whose replay may differ; comments and strings do not count.
CREATE TABLE users (id int);
CREATE FUNCTION smelly(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    tasks df_task[];     -- now() in a comment
BEGIN
    tasks := ARRAY(SELECT df_activity('greet', to_jsonb(u.id))
                   FROM users AS u);
    IF now() > '2020-01-01' AND 'random()' <> '' THEN
        INSERT INTO users VALUES (1);
    END IF;
    PERFORM nextval('s'), gen_random_uuid(), pg_sleep(1);
    SELECT id FROM users FOR UPDATE;
    RETURN random();
END $$;
SELECT * FROM df_lint('smelly(int)');

CREATE FUNCTION clean(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    tasks df_task[];
    started timestamptz := df_now();
BEGIN
    tasks := ARRAY(SELECT df_activity('greet', to_jsonb(u.id))
                   FROM users AS u
                   ORDER BY u.id);
    tasks := tasks || ARRAY(SELECT df_activity('greet', to_jsonb(i)) FROM generate_series(1, n) AS i);
    RETURN to_jsonb(df_when_all(tasks));
END $$;
SELECT * FROM df_lint('clean(int)');

CREATE FUNCTION definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
SELECT * FROM df_lint('definer()');
SELECT * FROM df_lint(NULL);

-- functions that it calls run as they are, not as they were: they are named; activities are names in strings
CREATE FUNCTION discount(price numeric) RETURNS numeric LANGUAGE sql AS 'SELECT price * 0.9';
CREATE FUNCTION helped(price numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('discount', to_jsonb(price)), upper('discount(');
    -- discount(price)
    RETURN Discount (price) + helped(1) + abs(price);
END $$;
SELECT * FROM df_lint('helped(numeric)');
CREATE FUNCTION maps() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_await((SELECT df_map_agg('greet', to_jsonb(id) ORDER BY id) FROM users));
    PERFORM df_await((SELECT df_map_agg('greet', to_jsonb(id)) FROM users));
    RETURN 1;
END $$;
SELECT * FROM df_lint('maps()');

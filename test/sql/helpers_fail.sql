/* df_fail raises its message as an ordinary error. */
SET ROLE regress_other;
SELECT df_fail('OutOfStock', 'no more chairs');
\echo :LAST_ERROR_SQLSTATE
SELECT df_fail('OutOfStock', '100 % gone', true, '{"chairs": 0}');
SELECT df_fail('OutOfStock', NULL);
SELECT df_fail(NULL, NULL);
SELECT df_fail('OutOfStock', 'x', properties => '[]');
\echo :LAST_ERROR_SQLSTATE

-- where a result is expected
CREATE FUNCTION f(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN n > 0 THEN to_jsonb(n) ELSE df_fail('Negative', 'n is ' || n) END;
END
$$;
SELECT f(1);
SELECT f(-1);
DO $$ BEGIN PERFORM f(-1); EXCEPTION WHEN raise_exception THEN RAISE NOTICE 'caught: %', SQLERRM; END $$;

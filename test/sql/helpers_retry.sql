/* df_retry makes a retry policy, and refuses what is none. */
SET ROLE regress_other;
SELECT df_retry();
SELECT df_retry(5, '1.5 seconds', 1.5, '1 hour', '2 days', 0.25, '{08006,Busy}', '{}');
SELECT df_retry(max_attempts => NULL, first_delay => NULL, backoff => NULL, max_delay => NULL, jitter => NULL);
SET extra_float_digits = 0;
SELECT df_retry(first_delay => '100 ms', jitter => 0.1) -> 'first_delay' AS first_delay;
RESET extra_float_digits;

SELECT df_retry(0);
\echo :LAST_ERROR_SQLSTATE
SELECT df_retry(1000001);
SELECT df_retry(first_delay => '-1 second');
SELECT df_retry(backoff => 0.5);
SELECT df_retry(backoff => 'NaN');
SELECT df_retry(backoff => 'Infinity');
SELECT df_retry(max_delay => '200 years');
SELECT df_retry(jitter => 1.1);
SELECT df_retry(retry_on => '{a,NULL}');

-- written by hand
SET ROLE regress_user;
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_activity('f', retry => '{"max_attempts": 2, "retry_timeout": 0.5}');
SELECT FROM df_register_activity('f', retry => '{}');
SELECT FROM df_register_activity('f', retry => '{"max_attempts": "2"}');
SELECT FROM df_register_activity('f', retry => '{"retry_on": "a"}');
SELECT FROM df_register_activity('f', retry => '{"retry_on": [1]}');
SELECT FROM df_register_activity('f', retry => '{"retry_on": {"a": 1}}');
SELECT FROM df_register_activity('f', retry => '{"backoff": 1e400}');
SELECT FROM df_register_activity('f', retry => '[]');

/* df_text: what a JSON value says, as text. */
SET ROLE regress_other;
SELECT input, df_text(input) AS text, df_text(input) IS NULL AS is_null
FROM (VALUES ('"Tokyo"'::jsonb), ('""'), ('"a \"quoted\" word"'), ('null'), ('true'), ('1.50'), ('{"a": [1, null]}'),
    ('[]'), ('"null"'), (NULL)) AS v(input);
CREATE TEMP TABLE t (j jsonb);
CREATE INDEX ON t (df_text(j));

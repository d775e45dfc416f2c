-- needs: plpython3u
-- An orchestrator in PL/Python: a handler that catches everything does not swallow a suspension.

CREATE EXTENSION plpython3u;
CREATE FUNCTION py_plain(n jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
r = plpy.execute("SELECT df_call_activity('double', '21') AS r")
return r[0]["r"]
$$;
CREATE FUNCTION py_except() RETURNS jsonb LANGUAGE plpython3u AS $$
try:
    r = plpy.execute("SELECT df_call_activity('double', '21') AS r")
    return r[0]["r"]
except Exception:
    return '"swallowed"'
$$;
CREATE FUNCTION py_bare() RETURNS jsonb LANGUAGE plpython3u AS $$
tries = 0
while tries < 50:
    try:
        with plpy.subtransaction():
            return plpy.execute("SELECT df_call_activity('double', '21') AS r")[0]["r"]
    except:
        tries += 1
return '"swallowed"'
$$;
CREATE FUNCTION py_finally() RETURNS jsonb LANGUAGE plpython3u AS $$
try:
    return plpy.execute("SELECT df_call_activity('double', '21') AS r")[0]["r"]
finally:
    plpy.debug("done")
$$;
CREATE FUNCTION py_raises() RETURNS jsonb LANGUAGE plpython3u AS $$
try:
    plpy.execute("SELECT df_call_activity('double', '21') AS r")
except Exception:
    raise ValueError("of my own")
return '"not reached when suspended"'
$$;
CREATE FUNCTION py_fails() RETURNS jsonb LANGUAGE plpython3u AS $$
try:
    plpy.execute("""SELECT df_call_activity('fail', '{"type": "Broken"}')""")
except plpy.SPIError as e:
    return '{"caught": "%s"}' % str(e).replace('"', "'")
$$;
CREATE FUNCTION py_writes() RETURNS jsonb LANGUAGE plpython3u AS $$
plpy.execute("CREATE TABLE made_in_turn (a int)")
$$;

-- not by default
SELECT df_register_orchestrator('py_plain', 'py_plain');
SET pgdf.orchestrator_languages = 'plpgsql, plpython3u';
CREATE TABLE shapes AS SELECT proname::text AS name FROM pg_proc WHERE proname LIKE 'py\_%';
SELECT count(df_register_orchestrator(name, name)) FROM shapes;
SELECT count(df_start(name, NULL, name)) FROM shapes;
CALL test.run(room => 0);
SELECT name, i.status, i.output, i.tasks FROM shapes, test.instance(name) i ORDER BY 1;
CALL test.run();
SELECT name, i.status, i.output, i.turns, i.error_type, i.error FROM shapes, test.instance(name) i ORDER BY 1;

-- A SQL activity cannot get more rights than its owner has: not by RESET ROLE, not by code that runs later (deferred
-- triggers, cursors WITH HOLD), not by what it leaves in the session.

SELECT FROM df_grant_registrar('regress_other');
SET pgdf.inline_sql_budget = '10s';
CREATE TABLE secret (s text);
INSERT INTO secret VALUES ('TOPSECRET');
CREATE TABLE stolen (how text, as_whom text, what text);
GRANT INSERT, SELECT ON stolen TO PUBLIC;

SET ROLE regress_other;
CREATE FUNCTION peek(how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        SELECT s INTO found FROM secret;
    EXCEPTION WHEN insufficient_privilege THEN
        found := 'denied';
    END;
    INSERT INTO stolen VALUES (how, current_user, found);
    RETURN found;
END $$;
CREATE TABLE bait (a int);
CREATE FUNCTION bait_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM peek('deferred trigger'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bait_trigger();
CREATE TABLE bait2 (a int);
CREATE FUNCTION bait2_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'DECLARE c2 CURSOR WITH HOLD FOR SELECT peek(''cursor of a trigger'')';
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON bait2 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bait2_trigger();

-- a deferred trigger that defers what it queues itself, so often
CREATE TABLE bait3 (again int);
CREATE FUNCTION bait3_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM peek('deferred again');
    SET CONSTRAINTS ALL DEFERRED;
    IF NEW.again > 0 THEN
        INSERT INTO bait3 VALUES (NEW.again - 1);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON bait3 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bait3_trigger();

CREATE FUNCTION attack(how text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    CASE how
        WHEN 'plain' THEN PERFORM peek(how);
        WHEN 'reset role' THEN EXECUTE 'RESET ROLE'; PERFORM peek(how);
        WHEN 'set role' THEN EXECUTE 'SET ROLE postgres'; PERFORM peek(how);
        WHEN 'set_config' THEN PERFORM set_config('role', 'postgres', true), peek(how);
        WHEN 'session authorization' THEN EXECUTE 'SET SESSION AUTHORIZATION postgres'; PERFORM peek(how);
        WHEN 'reset all' THEN EXECUTE 'RESET ALL'; PERFORM peek(how);
        WHEN 'discard all' THEN EXECUTE 'DISCARD ALL'; PERFORM peek(how);
        WHEN 'deferred trigger' THEN INSERT INTO bait VALUES (1);
        WHEN 'set constraints' THEN SET CONSTRAINTS ALL DEFERRED; INSERT INTO bait VALUES (1);
        WHEN 'hold cursor' THEN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT peek(''hold cursor'')';
        WHEN 'cursor of a trigger' THEN INSERT INTO bait2 VALUES (1);
        WHEN 'deferred again' THEN INSERT INTO bait3 VALUES (1);
        WHEN 'deferred for ever' THEN INSERT INTO bait3 VALUES (5);
        WHEN 'df.work' THEN PERFORM df.work(1, '{}', '{}', 1, 1, 'work', '{}', '{}', '{}', '', '{}');
        WHEN 'df_purge' THEN PERFORM df_purge('x');
        WHEN 'commit' THEN COMMIT;
    END CASE;
    RETURN 'done';
END $$;
SELECT FROM df_register_activity('attack');
CREATE FUNCTION attacks(how text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('attack', to_jsonb(how)); END $$;
SELECT FROM df_register_orchestrator('attacks');
/* the same code in a turn */
CREATE FUNCTION turn_attacks(how text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN attack(how); END $$;
SELECT FROM df_register_orchestrator('turn_attacks');
CREATE TEMP TABLE ways AS SELECT * FROM unnest('{plain,reset role,set role,set_config,session authorization,reset all,discard all,
    deferred trigger,set constraints,hold cursor,cursor of a trigger,deferred again,deferred for ever,df.work,df_purge,commit}'::text[]) WITH ORDINALITY AS w(how, n);
SELECT count(df_start('attacks', to_jsonb(how), how)), count(df_start('turn_attacks', to_jsonb(how), 'turn: ' || how)) FROM ways;
RESET ROLE;
CREATE TABLE tries AS SELECT * FROM ways;
GRANT SELECT ON tries TO PUBLIC;
CALL test.run();
SELECT how, a.status, coalesce(a.output #>> '{}', a.error_type || ' ' || a.error) AS activity,
    t.status, coalesce(t.output #>> '{}', t.error_type || ' ' || t.error) AS turn
FROM tries, test.instance(how) a, test.instance('turn: ' || how) t ORDER BY n;
-- whatever ran, ran as its owner
SELECT * FROM stolen ORDER BY how;
SELECT name FROM pg_cursors WHERE name IN ('c', 'c2');
SELECT current_user, session_user;

-- in the slow lane as well
TRUNCATE stolen;
SET pgdf.inline_sql_budget = 0;
SET ROLE regress_other;
SELECT count(df_start('attacks', to_jsonb(how), 'slow: ' || how)) FROM public.tries WHERE how IN ('plain', 'deferred trigger', 'hold cursor', 'cursor of a trigger',
    'deferred again', 'deferred for ever', 'reset role');
RESET ROLE;
CALL test.run();
SELECT * FROM stolen ORDER BY how;
SELECT i.status, count(*) FROM tries, test.instance('slow: ' || how) i GROUP BY 1;

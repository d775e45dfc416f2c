-- df_deploy_check says which live instances a new body would not match, and changes nothing.
CREATE FUNCTION two_steps() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('echo', '1');
    PERFORM df_wait_event('go');
    RETURN df_call_activity('echo', '2');
END $$;
SELECT df_register_orchestrator('two_steps');
SELECT df_start('two_steps', NULL, 'a'), df_start('two_steps', NULL, 'b');
CALL test.run();
SELECT df_terminate('b');
CALL test.run();
SELECT * FROM df_deploy_check('two_steps()');

BEGIN;
CREATE OR REPLACE FUNCTION two_steps() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('double', '1');
    RETURN 'another activity';
END $$;
SELECT * FROM df_deploy_check('two_steps()');

CREATE OR REPLACE FUNCTION two_steps() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('echo', '2');
    RETURN 'another input';
END $$;
SELECT * FROM df_deploy_check('two_steps()');

CREATE OR REPLACE FUNCTION two_steps() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN 'no activity';
END $$;
SELECT * FROM df_deploy_check('two_steps()');

-- what comes after the present wait may change
CREATE OR REPLACE FUNCTION two_steps() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('echo', '1');
    PERFORM df_wait_event('go');
    PERFORM df_call_activity('double', '3');
    RETURN 'new end';
END $$;
SELECT * FROM df_deploy_check('two_steps()');
ROLLBACK;

-- others' instances are not looked at, and nothing has happened to this one
SET ROLE regress_user;
SELECT * FROM df_deploy_check('two_steps()');
RESET ROLE;
SELECT df_raise_event('a', 'go');
CALL test.run();
SELECT runtime_status, output, blocked_reason FROM df_status('a');
SELECT * FROM df_deploy_check('now()');

-- A member of an owner may replace its instance, and has then an instance of its own in the owner's family: the owner
-- sees its own children there, and nothing of the member's.
CREATE ROLE regress_replacer IN ROLE regress_user;
SELECT FROM df_grant_user('regress_replacer');
SET ROLE regress_user;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION parent() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_sub_orchestrator('waits', NULL, 'child'); END $$;
CREATE FUNCTION private() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_sub_orchestrator('waits', NULL, 'private child'); END $$;
SELECT FROM unnest('{waits,parent,private}'::text[]) AS f, df_register_orchestrator(f);
SELECT df_start('parent', NULL, 'parent');
RESET ROLE;
CALL test.run();
SET ROLE regress_replacer;
SELECT df_start('private', NULL, 'parent', if_exists => 'replace');
RESET ROLE;
CALL test.run();
SELECT instance_id, owner, runtime_status, parent_instance_id FROM df.instances ORDER BY 1;
SET ROLE regress_user;
SELECT * FROM df_tree('child');
SELECT instance_id, owner, runtime_status, parent_instance_id FROM df.instances ORDER BY 1;
SET ROLE regress_replacer;
SELECT * FROM df_tree('child');
RESET ROLE;
DROP OWNED BY regress_replacer;
DROP ROLE regress_replacer;

/* A name belongs to who registered it first; he, members of his role and administrators may replace it. */
SELECT FROM df_grant_registrar('regress_other');
CREATE ROLE regress_team;
CREATE ROLE regress_team_member IN ROLE regress_team;
SELECT FROM df_grant_registrar('regress_team');
GRANT CREATE ON SCHEMA public TO regress_team;

SET ROLE regress_user;
CREATE FUNCTION of_user() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('Taken', 'of_user');

SET ROLE regress_other;
CREATE FUNCTION of_other() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('taken', 'of_other');
\echo :LAST_ERROR_SQLSTATE
SELECT FROM df_register_orchestrator('taken', 'of_other', 'v2');
SELECT df_unregister('taken');
\echo :LAST_ERROR_SQLSTATE

-- a member of the owner
SET ROLE regress_team;
CREATE FUNCTION of_team() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$;
SELECT FROM df_register_orchestrator('of_team');
SET ROLE regress_team_member;
SELECT FROM df_register_orchestrator('of_team', 'of_team', 'v2');
SELECT name, version, owner FROM df.orchestrators WHERE name = 'of_team' ORDER BY version;

-- an administrator replaces the function, not the owner
RESET ROLE;
SELECT FROM df_register_orchestrator('taken', 'of_other');
SELECT name, function, owner FROM df.orchestrators WHERE name = 'taken';

-- a name is either an orchestrator or an activity
SET ROLE regress_user;
SELECT FROM df_register_activity('taken', 'of_user');
\echo :LAST_ERROR_SQLSTATE
SELECT df_unregister('taken');
SELECT FROM df_register_activity('taken', 'of_user');
SELECT FROM df_register_orchestrator('taken', 'of_user');

-- who may not register at all
SET ROLE regress_nobody;
SELECT FROM df_register_orchestrator('x', 'of_user');
RESET ROLE;
SELECT FROM df_grant_user('regress_nobody');
SET ROLE regress_nobody;
SELECT FROM df_register_orchestrator('x', 'of_user');
SELECT df_unregister('taken');

RESET ROLE;
DROP OWNED BY regress_team, regress_team_member, regress_nobody;
DROP ROLE regress_team, regress_team_member;

/* test/lib/roles.sql: the roles of the tests, once per cluster. */

CREATE ROLE regress_user LOGIN;     -- may start and register
CREATE ROLE regress_other LOGIN;    -- may start
CREATE ROLE regress_nobody LOGIN;   -- no grants at all
CREATE ROLE regress_worker LOGIN;   -- what workers connect as

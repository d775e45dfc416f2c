-- needs: module:c_orchestrator
-- An orchestrator in C; one that catches every error is suspended all the same.

CREATE FUNCTION c_chain(n jsonb) RETURNS jsonb LANGUAGE c AS '$libdir/c_orchestrator';
CREATE FUNCTION c_swallows(n jsonb) RETURNS jsonb LANGUAGE c AS '$libdir/c_orchestrator';
SELECT df_register_orchestrator('c_chain'), df_register_orchestrator('c_swallows');
SELECT df_start('c_chain', '5', 'chain'), df_start('c_swallows', '5', 'swallows');
CALL test.run(room => 0);
SELECT id, i.status, i.output, i.tasks FROM unnest('{chain,swallows}'::text[]) AS id, test.instance(id) i;
CALL test.run();
SELECT id, i.status, i.output, i.turns, i.tasks FROM unnest('{chain,swallows}'::text[]) AS id, test.instance(id) i;

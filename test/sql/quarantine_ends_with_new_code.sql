-- A quarantined instance is tried again as soon as its function has changed, and stays where it is as long as it has not.

CREATE TABLE word (word text);
INSERT INTO word VALUES ('first');
CALL test.orchestrator('says', $$
BEGIN
    PERFORM df_call_activity('hold', (SELECT to_jsonb(word) FROM word));
    RETURN df_call_activity('echo', '"end"');
END $$);
SELECT df_start('says', NULL, 's');
CALL test.run();
UPDATE word SET word = 'second';
CALL test.answer('s', 1);
CALL test.run();
SELECT status, turns, blocked FROM test.instance('s');

-- nothing helps but another definition: not looking, not an event, not the old value
CALL test.run();
SELECT df_raise_event('s', 'hello');
CALL test.run();
SELECT status, turns, blocked IS NOT NULL AS blocked FROM test.instance('s');
CALL test.orchestrator('says', $$
BEGIN
    PERFORM df_call_activity('hold', '"third"');
    RETURN df_call_activity('echo', '"end"');
END $$);
CALL test.run();
SELECT status, turns, blocked FROM test.instance('s');
CALL test.orchestrator('says', $$
BEGIN
    PERFORM df_call_activity('hold', '"first"');
    RETURN df_call_activity('echo', '"end"');
END $$);
CALL test.run();
SELECT status, output, blocked FROM test.instance('s');
SELECT test.history('s');

-- terminated and suspended while it stands
UPDATE word SET word = 'first';
CALL test.orchestrator('says', 'BEGIN RETURN df_call_activity(''hold'', (SELECT to_jsonb(word) FROM word)); END');
SELECT df_start('says', NULL, 't'), df_start('says', NULL, 'u');
CALL test.run();
UPDATE word SET word = 'second';
CALL test.answer('t', 1);
CALL test.answer('u', 1);
CALL test.run();
SELECT id, i.status, i.blocked IS NOT NULL AS blocked FROM unnest('{t,u}'::text[]) AS id, test.instance(id) i;
SELECT df_terminate('t', 'enough'), df_suspend('u');
CALL test.run();
CALL test.orchestrator('says', 'BEGIN RETURN df_call_activity(''hold'', ''"first"''); END');
CALL test.run();
SELECT df_resume('u');
CALL test.run();
SELECT id, i.status, i.output, i.blocked FROM unnest('{t,u}'::text[]) AS id, test.instance(id) i;

-- as a failure, when so set: a rewind with new code goes on where it stood
SET pgdf.on_nondeterminism = fail;
CALL test.orchestrator('says', 'BEGIN RETURN df_call_activity(''hold'', (SELECT to_jsonb(word) FROM word)); END');
SELECT df_start('says', NULL, 'v');
CALL test.run();
UPDATE word SET word = 'first';
CALL test.answer('v', 1, 'c', '"result"');
CALL test.run();
SELECT status, error_type FROM test.instance('v');
CALL test.orchestrator('says', 'BEGIN RETURN df_call_activity(''hold'', ''"second"''); END');
SELECT df_rewind('v');
CALL test.run();
SELECT status, output, error FROM test.instance('v');

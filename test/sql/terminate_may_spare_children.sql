-- df_terminate(recursive => false) ends the instance and none of its children.

CALL test.orchestrator('child', $$ BEGIN RETURN df_call_activity('hold'); END $$);
CALL test.orchestrator('parent', $$ BEGIN RETURN df_call_sub_orchestrator('child', instance_id => df_text(input)); END $$);
SELECT df_start('parent', '"spared"', 'a'), df_start('parent', '"ended"', 'b');
CALL test.run() \gset
SELECT df_terminate('a', recursive => false), df_terminate('b');
CALL test.run() \gset
SELECT instance_id, runtime_status FROM df.instances ORDER BY 1;

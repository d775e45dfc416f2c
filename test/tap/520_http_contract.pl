# The HTTP API is the contract, case by case: codes, headers, bodies.  See test/http/contract.txt.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', "SELECT df_grant_worker('regress_user')");
$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION echoes(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
CREATE FUNCTION waits(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_set_custom_status('{"at": "work"}');
    RETURN df_wait_event('go');
END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Broken', 'it broke'); END $$;
CREATE FUNCTION sleeps() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM df_sleep('2 s'); RETURN 'awake'; END $$;
CREATE FUNCTION parents() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_call_sub_orchestrator('echoes', '"child"', 'child');
END $$;
CREATE FUNCTION work(input jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(2) $$;
CREATE FUNCTION works() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM df_call_activity('work', '1');
    PERFORM df_call_sub_orchestrator('echoes', '"child"', 'child of history');
    PERFORM df_sleep('1 ms');
    RETURN '"end"';
END $$;
CREATE FUNCTION opens() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_call_activity('nobody_offers_this', '{"n": 1}');
END $$;
SELECT df_register_orchestrator(f) FROM unnest('{echoes,waits,fails,sleeps,parents,works,opens}'::text[]) AS f;
SELECT df_register_orchestrator('versioned', 'echoes', v) FROM unnest('{1,2}'::text[]) AS v;
SELECT df_register_activity('work', 'work');

SELECT df_start('waits', '{"in": 1}', 'running', tags => '{"who": "me"}'), df_start('echoes', NULL, 'pending', '2100-01-01Z');
SELECT df_start('waits', NULL, id) FROM unnest('{suspended,terminated,to-terminate,to-terminate-2,to-suspend,to-signal,to-signal-null,to-signal-once,old-3}'::text[]) AS id;
SELECT df_start('echoes', '"out"', id) FROM unnest('{completed,used,to-restart,old-1,old-2}'::text[]) AS id;
SELECT df_start('fails', NULL, id) FROM unnest('{failed,to-rewind}'::text[]) AS id;
SELECT df_start('parents', NULL, 'parent'), df_start('works', NULL, 'history'), df_start('opens', NULL, 'open');
SELECT df_start('echoes', to_jsonb(n), 'list-' || n, tags => '{"list": "yes"}') FROM generate_series(1, 5) AS n;
SQL

my $worker = start_http_worker($node, user => 'regress_user', args => [ '--http-max-body', 262144 ]);

wait_for_status($node, $_, 'Running') foreach qw(running suspended terminated old-3 open);
wait_for_status($node, $_, qr/^(Completed|Failed)$/)
  foreach qw(completed used to-restart old-1 old-2 failed to-rewind parent history list-5);
$node->safe_psql('postgres', <<'SQL');
SELECT df_suspend('suspended', 'pause'), df_terminate('terminated', 'no use');
UPDATE df.instance_state SET created_at = '2001-01-01Z'::timestamptz + (substr(instance_id, 5)::int - 1) * interval '31 days'
WHERE instance_id LIKE 'old-%';
SQL
wait_for_status($node, 'suspended', 'Suspended');
wait_for_status($node, 'terminated', 'Terminated');
df_start($node, 'sleeps', undef, id => 'soon', user => 'regress_user');

my $origin = 'http://' . http_address($worker);
my $document = temp_dir() . '/openapi.json';
my ($out, $err) = ('', '');

write_file($document, http($worker, GET => '/openapi.json')->{body});
IPC::Run::run(
	[
		$ENV{NODE} // 'node', "$ENV{PGDF_TEST_DIR}/http/contract.js", "$ENV{PGDF_TEST_DIR}/http/contract.txt",
		$origin, $document, 'hundred=' . 'h' x 100
	],
	'>' => \$out, '2>' => \$err);
is($err, '', 'the cases were run');
foreach my $line (split(/\n/, $out))
{
	if ($line =~ /^(not )?ok - (.*)/) { ok(!$1, $2); }
	else { diag($line); }
}
cmp_ok(scalar(() = $out =~ /^(not )?ok - /mg), '>=', 120, 'all of them');

done_testing();

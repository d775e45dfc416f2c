# The client of Durable Functions, npm's package durable-functions, works with our server as with its own.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();

$node->safe_psql('postgres', "SELECT df_grant_worker('regress_user')");
$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION echoes(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Bad', 'always'); END $$;
SELECT df_register_orchestrator(f) FROM unnest('{echoes,waits,fails}'::text[]) AS f;
SQL

my $worker = start_http_worker($node, user => 'regress_user');

drive('no key', $worker);
$worker->term;

# the key travels as code, in the URLs
write_file("$dir/keys", 'k' x 40 . "\n");
chmod(0600, "$dir/keys");
$worker = start_http_worker($node, user => 'regress_user', name => 'keyed', args => [ '--http-key-file', "$dir/keys" ]);
drive('with a key', $worker, 'k' x 40);

done_testing();

sub drive
{
	my ($name, $server, @key) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run(
		[ $ENV{NODE} // 'node', "$ENV{PGDF_TEST_DIR}/http/client.js", 'http://' . http_address($server), @key ],
		'>' => \$out, '2>' => \$err);
	foreach my $line (split(/\n/, $out))
	{
		if ($line =~ /^(not )?ok - (.*)/) { ok(!$1, "$name, $2"); }
		else { diag($line); }
	}
	cmp_ok(scalar(() = $out =~ /^ok - /mg), '>=', 15, "$name: all steps") || diag($err);
	return;
}

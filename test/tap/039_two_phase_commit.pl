# PREPARE TRANSACTION: a start that is prepared is not there until it is committed, then found by polling; one that is
# rolled back leaves nothing.  With pgdf.notify on, a worker asleep makes PREPARE fail, and nothing is half done.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "max_prepared_transactions = 10\n");
my $worker = start_worker($node);
my $start = "SET ROLE regress_user; BEGIN; SELECT df_start('one', '7', 'ID')";

$node->safe_psql('postgres', q{
	CREATE FUNCTION one(n int) RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('noop', to_jsonb(n)) $$;
	SELECT df_register_orchestrator('one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');
wait_for(sub { return asleep() }, 'the worker to sleep');

my ($status, undef, $error) = $node->psql('postgres', sql('noisy') . "; PREPARE TRANSACTION 'noisy'");

isnt($status, 0, 'with NOTIFY it cannot be prepared');
like($error, qr/cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/, 'PostgreSQL says why');
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances}), '0', 'nothing has happened');

$node->safe_psql('postgres', 'SET pgdf.notify = off; ' . sql('kept') . "; PREPARE TRANSACTION 'kept'");
$node->safe_psql('postgres', 'SET pgdf.notify = off; ' . sql('dropped') . "; PREPARE TRANSACTION 'dropped'");
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances}), '0', 'what is prepared is not to be seen');

# it outlives the server, and what it holds stops no worker
$node->stop('immediate');
$node->start;
df_start($node, 'one', '1', id => 'meanwhile', user => 'regress_user');
wait_for_status($node, 'meanwhile', 'Completed');
$node->safe_psql('postgres', "COMMIT PREPARED 'kept'");
$node->safe_psql('postgres', "ROLLBACK PREPARED 'dropped'");
wait_for_status($node, 'kept', 'Completed');
is($node->safe_psql('postgres', q{SELECT string_agg(instance_id, ' ' ORDER BY instance_id) FROM df.instances}), 'kept meanwhile',
	'what was committed has run, what was rolled back is not there');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
is($worker->term, 0, 'the worker ends well');

sub sql
{
	my ($id) = @_;

	return $start =~ s/ID/$id/r;
}

sub asleep
{
	return $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid > 2}) > 0;
}

done_testing();

# A backend that does not answer, as behind a dead network: the worker notices, connects anew, and goes on.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "pgdf.turn_timeout = '1s'\n");

$node->safe_psql('postgres', q{
	CREATE FUNCTION run_noop(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity('noop', to_jsonb(n));
	END $$;
	SELECT df_register_orchestrator('run_noop');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node, name => 'silent');

wait_for_status($node, df_start($node, 'run_noop', '1', user => 'regress_user'), 'Completed');

# engine connections
wait_for_idle();
my @stopped = backends(q{query LIKE '%df.work%'});
cmp_ok(scalar(@stopped), '>', 0, 'there is an engine connection');
kill('STOP', @stopped);

my $started = time();
my $id = df_start($node, 'run_noop', '2', user => 'regress_user');

wait_for_status($node, $id, 'Completed');
cmp_ok(time() - $started, '<', bar(10), 'a silent engine connection is given up');
like($worker->log, qr/lost connection to database \(engine connection\)/, 'and the log says so');
kill('CONT', @stopped);
wait_for(sub { return !grep { kill(0, $_) } @stopped }, 'the end of backends that were given up');
ok(1, 'a backend that was given up does not stay');

# control connection
wait_for_idle();
@stopped = backends(q{query NOT LIKE '%df.work%' AND query NOT LIKE 'SET %'});
is(scalar(@stopped), 1, 'there is a control connection');
kill('STOP', @stopped);
$worker->wait_log(qr/lost connection to database \(control connection\)/, 15);
kill('CONT', @stopped);
$worker->wait_log(qr/connected to database "postgres" again/);
wait_for_status($node, df_start($node, 'run_noop', '3', user => 'regress_user'), 'Completed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.worker_sessions'), '1', 'it is the same session');
is($worker->term, 0, 'the worker stops');

sub backends
{
	my ($condition) = @_;

	return split(/\n/, $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE usename = 'regress_worker' AND ($condition)"));
}

sub wait_for_idle
{
	wait_for(sub {
		return $node->safe_psql('postgres', q{
			SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 7}) > 0
		  && $node->safe_psql('postgres', q{
			SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_worker' AND state <> 'idle'}) == 0;
	}, 'the worker to be idle');
	return;
}

doctor_finds_nothing($node);
done_testing();

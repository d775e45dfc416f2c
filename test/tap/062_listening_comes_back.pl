# The connection on which a worker listens is ended again and again, each time when something is about to be started: the worker
# listens again and looks, so that nothing waits for the poll.  A hundred times with PGDF_TEST_STRICT=1, else twenty.

use strict;
use warnings;

use Pgdf::Test;
use Time::HiRes qw(time);

my $times = $ENV{PGDF_TEST_STRICT} ? 100 : 20;
my $node = new_node('main');
my $worker = start_worker($node);
my @waited;

$node->safe_psql('postgres', q{
	CREATE FUNCTION quick() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '1'; END $$;
	SELECT df_register_orchestrator('quick');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

foreach my $n (1 .. $times)
{
	wait_for(sub { return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks
		WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 7}) > 0 }, 'the worker to be idle');

	my $ended = $node->safe_psql('postgres', qq{
		SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE usename = 'regress_worker' AND query NOT LIKE '%df.work%' AND query NOT LIKE 'SET %';
		SET ROLE regress_user;
		SELECT FROM df_start('quick', NULL, 'i$n')});
	my $begun = time();

	cmp_ok($ended, '>=', 1, 'the connection that listens is ended') if $n == 1;
	wait_for_status($node, "i$n", 'Completed');
	push @waited, time() - $begun;
}
@waited = sort { $a <=> $b } @waited;
diag(sprintf('until it was done: median %.2f s, at most %.2f s', $waited[ $#waited / 2 ], $waited[-1]));
cmp_ok($waited[ $#waited / 2 ], '<=', bar(0.4), 'the worker is back, and looks, at once');
cmp_ok($waited[-1], '<', bar(5), 'nothing waited for longer than the poll');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.worker_sessions'), '1', 'it is the same session');
is($worker->term, 0, 'the worker stops');
doctor_finds_nothing($node);
done_testing();

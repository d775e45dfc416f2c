# PostgreSQL is restarted, and crashes, during a run: the worker comes back by itself and nothing is lost.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION count_up(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := '0';
	BEGIN
		FOR i IN 1 .. n LOOP
			total := df_call_activity('noop', to_jsonb(total::int + 1));
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('count_up');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node);
my $id = df_start($node, 'count_up', '1500', user => 'regress_user');
my $seen = 0;

foreach my $mode (qw(fast immediate kill))
{
	wait_for(sub { return completed($id) > $seen + 100 }, 'progress');
	if ($mode eq 'kill') { kill9_server($node); }
	else { $node->stop($mode); }
	ok($worker->is_running, "the worker outlives the server ($mode)");
	$node->start;
	$seen = completed($id);
	cmp_ok($seen, '<', 1500, 'the run is not over');

	my $started = time();

	wait_for(sub { return completed($id) > $seen }, 'the run to go on');
	cmp_ok(time() - $started, '<', bar(3), 'it goes on soon');
}

wait_for_status($node, $id, 'Completed', timeout => 120);
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '1500', 'the result is right');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskCompleted'"),
	'1500', 'each task was recorded once');
is($worker->term, 0, 'it was the same worker all the time');

sub completed
{
	my ($instance) = @_;

	return $node->safe_psql('postgres', "SELECT tasks_completed FROM df_status('$instance')");
}

doctor_finds_nothing($node);
done_testing();

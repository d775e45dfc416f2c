# Workers and the server are killed in the middle of a map of 100,000 items: each item has exactly one outcome.

use strict;
use warnings;

use Pgdf::Test;

my $items = 100000;
my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION map_all(size int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		items df_task;
	BEGIN
		SELECT df_map_agg('noop', to_jsonb(g) ORDER BY g) INTO items FROM generate_series(1, size) g;
		RETURN (SELECT jsonb_build_object('count', count(*), 'sum', sum(result::bigint),
				'in_order', bool_and(result::bigint = n), 'failed', count(failure))
			FROM df_map_results(items));
	END $$;
	SELECT df_register_orchestrator('map_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

# few places, so that it takes a while
my @args = (args => [ '--max-activities', 100 ]);
my $left = start_worker($node, name => 'left', @args);
my $right = start_worker($node, name => 'right', @args);
my $id = df_start($node, 'map_all', $items, user => 'regress_user');

wait_for_items(2000);
$left->kill9;
my $at_kill = completed();

cmp_ok($at_kill, '<', $items, "a worker is killed after $at_kill items");
wait_for_items($at_kill + 2000);
$left = start_worker($node, name => 'left again', @args);
wait_for_items($at_kill + 4000);
kill9_server($node);
$node->start;
wait_for(sub { return defined eval { completed() } }, 'the server');
my $after_crash = completed();

cmp_ok($after_crash, '<', $items, "the server is killed after $after_crash items");
cmp_ok($after_crash, '>=', $at_kill + 4000, 'what was committed is there');
wait_for_status($node, $id, 'Completed');

is($node->safe_psql('postgres', "SELECT output FROM df_status('$id')"),
	qq({"sum": @{[ $items * ($items + 1) / 2 ]}, "count": $items, "failed": 0, "in_order": true}),
	'every item has its result');
is($node->safe_psql('postgres', "SELECT tasks_completed || ' of ' || tasks_total FROM df_status('$id')"),
	"$items of $items", 'each was counted once');
is($node->safe_psql('postgres', "SELECT string_agg(event_type, ' ' ORDER BY event_id) FROM df_history('$id') WHERE event_type LIKE 'Task%'"),
	'TaskScheduled TaskCompleted', 'history has two events of it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks'), '0', 'no chunk is left');
is($node->safe_psql('postgres', q{SELECT string_agg(finding || ' ' || detail, ', ') FROM df.doctor() WHERE severity = 'violation'}),
	'', 'nothing is wrong');
$_->term foreach $left, $right;

sub completed { return $node->safe_psql('postgres', "SELECT tasks_completed FROM df_status('$id')"); }

sub wait_for_items
{
	my ($wanted) = @_;

	wait_for(sub { return completed() >= $wanted }, "$wanted items");
	return;
}

done_testing();

# Parts of a large fan-out are recorded while others are claimed; workers and the server are killed meanwhile: each
# activity has exactly one outcome.

use strict;
use warnings;

use Pgdf::Test;

my $n = 20000;
my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION sum_up(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT jsonb_build_object('count', count(*), 'sum', sum(x::bigint), 'in_order', bool_and(x::bigint = i))
			FROM unnest(df_when_all(ARRAY(SELECT df_activity('noop', to_jsonb(g)) FROM generate_series(1, n) g)))
				WITH ORDINALITY AS r (x, i));
	END $$;
	SELECT df_register_orchestrator('sum_up');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

# few places, so that there are many parts
my @args = (args => [ '--max-activities', 200 ]);
my $worker = start_worker($node, name => 'first', @args);
my $in_inbox = inbox_rows();
my $id = df_start($node, 'sum_up', $n, user => 'regress_user');

wait_for_tasks(5000);
cmp_ok(inbox_rows() - $in_inbox, '<', 100, 'no part is recorded by way of the inbox: none meets another one on its way');
$worker->kill9;
my $at_kill = completed();

cmp_ok($at_kill, '<', $n, "a worker is killed after $at_kill activities");
$worker = start_worker($node, name => 'second', @args);
wait_for_tasks($at_kill + 2000);
kill9_server($node);
$node->start;
wait_for(sub { return defined eval { completed() } }, 'the server');
my $after_crash = completed();

cmp_ok($after_crash, '<', $n, "the server is killed after $after_crash activities");
cmp_ok($after_crash, '>=', $at_kill + 2000, 'what was committed is there');
wait_for_status($node, $id, 'Completed');

is($node->safe_psql('postgres', "SELECT output FROM df_status('$id')"),
	qq({"sum": @{[ $n * ($n + 1) / 2 ]}, "count": $n, "in_order": true}), 'every activity has its result');
is($node->safe_psql('postgres', "SELECT count(*) || ' ' || count(DISTINCT task_id) FROM df_history('$id') WHERE event_type = 'TaskCompleted'"),
	"$n $n", 'each was recorded once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks'), '0', 'no task is left');
is($node->safe_psql('postgres', q{SELECT string_agg(finding || ' ' || detail, ', ') FROM df.doctor() WHERE severity = 'violation'}),
	'', 'nothing is wrong');
$worker->term;

sub completed { return $node->safe_psql('postgres', "SELECT tasks_completed FROM df_status('$id')"); }

sub inbox_rows { return $node->safe_psql('postgres', 'SELECT last_value FROM df.inbox_seq'); }

sub wait_for_tasks
{
	my ($wanted) = @_;

	wait_for(sub { return completed() >= $wanted }, "$wanted activities");
	return;
}

done_testing();

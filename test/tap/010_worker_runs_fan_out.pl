# A worker runs a fan-out of activities; the orchestrator is woken once at fan-in.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION sum_up(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity('noop', to_jsonb(i)) FROM generate_series(1, n) i))) x);
	END $$;
	SELECT df_register_orchestrator('sum_up');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node);
my $id = df_start($node, 'sum_up', '2000', user => 'regress_user');

wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '2001000', 'every result arrived');
is($node->safe_psql('postgres', "SELECT turns FROM df.instance_state WHERE instance_id = '$id'"),
	'2', 'the orchestrator ran twice: to schedule, and at fan-in');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks'), '0', 'no task is left');

# after it has gone to sleep it is woken by NOTIFY, long before its fallback poll
wait_for(sub {
	return $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 7}) > 0;
}, 'the worker to be idle');

my $started = time();

wait_for_status($node, df_start($node, 'sum_up', '1', user => 'regress_user'), 'Completed');
cmp_ok(time() - $started, '<', 4.5, 'an idle worker is woken, and does not wait for its poll');

is($worker->term, 0, 'the worker stops');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.worker_sessions'), '0', 'and its session has ended');

done_testing();

# The worker's connections are terminated again and again: nothing is lost, nothing is done twice, LISTEN comes back.

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
my $id = df_start($node, 'count_up', '1000', user => 'regress_user');
my $killed = 0;

wait_for(sub {
	$killed += $node->safe_psql('postgres', q{SELECT count(*) FROM (
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'regress_worker' ORDER BY random() LIMIT 1) x});
	return df_status($node, $id) eq 'Completed';
}, 'the end', 120);
cmp_ok($killed, '>', 10, 'connections were terminated');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '1000', 'the result is right');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskCompleted'"),
	'1000', 'each task was recorded once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.worker_sessions'), '1', 'it is the same session');

wait_for(sub {
	return $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 7}) > 0;
}, 'the worker to be idle');

my $started = time();

wait_for_status($node, df_start($node, 'count_up', '1', user => 'regress_user'), 'Completed');
cmp_ok(time() - $started, '<', 4.5, 'NOTIFY reaches the worker again');
is($worker->term, 0, 'the worker stops');

doctor_finds_nothing($node);
done_testing();

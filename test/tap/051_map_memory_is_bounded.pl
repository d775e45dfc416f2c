# A map of 100,000 items: memory of worker and backends does not grow with it, and it is done in a few seconds.

use strict;
use warnings;

use Pgdf::Test;

my $items = 100000;
my $backend_limit_kb = 256 * 1024;
my $node = new_node('main', conf => "shared_buffers = 32MB\n");

$node->safe_psql('postgres', q{
	CREATE FUNCTION map_all(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		items df_task;
	BEGIN
		SELECT df_map_agg('noop', jsonb_build_object('n', g, 'path', repeat('directory/', 8) || g) ORDER BY g)
			INTO items FROM generate_series(1, n) g;
		RETURN (SELECT jsonb_build_object('count', count(*), 'sum', sum((result ->> 'n')::bigint)) FROM df_map_results(items));
	END $$;
	SELECT df_register_orchestrator('map_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node, args => [ '--max-activities', 1000 ]);
my $started = time();
my $id = df_start($node, 'map_all', $items, user => 'regress_user');

wait_for_status($node, $id, 'Completed');
my $seconds = time() - $started;

is($node->safe_psql('postgres', "SELECT output FROM df_status('$id')"),
	qq({"sum": @{[ $items * ($items + 1) / 2 ]}, "count": $items}), 'every item has its result');
# 3 s on a machine with nothing else to do
cmp_ok($seconds, '<', 60, sprintf('done in %.1f s', $seconds));
is($node->safe_psql('postgres', "SELECT turns FROM df.instance_state WHERE instance_id = '$id'"), '2', 'in two turns');

my $peak_kb = peak_kb($worker->pid);

cmp_ok($peak_kb, '<', memory_limit_kb(), "the worker needed $peak_kb kB");
foreach my $pid (split(/\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgdf%'})))
{
	$peak_kb = peak_kb($pid);
	cmp_ok($peak_kb, '<', $backend_limit_kb, "a backend needed $peak_kb kB");
}
is($node->safe_psql('postgres', "SELECT df_purge('$id')"), '1', 'it is purged');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM df.map_inputs) + (SELECT count(*) FROM df.map_results)'),
	'0', 'and leaves nothing');
$worker->term;

sub peak_kb
{
	my ($pid) = @_;

	return slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die "no peak of process $pid";
}

done_testing();

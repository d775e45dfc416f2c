# Work of the engine's own, such as writing the inputs of a large map, may take longer than a turn may: its backend is left
# alone, and the worker waits for it. Here a constraint makes it long.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "pgdf.turn_timeout = '300ms'\n");

$node->safe_psql('postgres', q{
	CREATE FUNCTION map_some(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		items df_task;
	BEGIN
		SELECT df_map_agg('noop', to_jsonb(g) ORDER BY g) INTO items FROM generate_series(1, n) g;
		RETURN (SELECT to_jsonb(sum(result::int)) FROM df_map_results(items));
	END $$;
	SELECT df_register_orchestrator('map_some');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

# 130 times 0.1 s; a call is overdue after 5 s, and again 6 s later
$node->safe_psql('postgres', 'ALTER TABLE df.map_inputs ADD CHECK (pg_catalog.pg_sleep(0.1) IS NOT NULL)');

my $worker = start_worker($node);
my $id = df_start($node, 'map_some', '130', user => 'regress_user');

wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '8515', 'it is done');
is($node->safe_psql('postgres', "SELECT turns FROM df.instance_state WHERE instance_id = '$id'"), '2', 'in two turns');
unlike(slurp($node->logfile), qr/terminating connection due to administrator command/, 'no backend was terminated');
unlike($worker->log, qr/lost connection/, 'no connection was lost');
is($worker->term, 0, 'the worker stops');

done_testing();

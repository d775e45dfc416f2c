# When many instances are ready, a worker advances them by two calls side by side: both of its engine connections run turns.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION backend() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(pg_backend_pid()); END $$;
	CREATE FUNCTION crowd() RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_call_activity('noop', '1');
		RETURN df_record(to_jsonb(pg_backend_pid()));
	END $$;
	SELECT df_register_orchestrator('crowd');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

$node->safe_psql('postgres', q{ALTER DATABASE postgres SET pgdf.call_budget = '200ms'});	# on a busy machine, too
my $worker = start_worker($node, args => [ '--max-activities', 200 ]);

$node->safe_psql('postgres', q{SELECT count(df_start('crowd')) FROM generate_series(1, 3000)},
	connstr => $node->connstr('postgres') . ' user=regress_user');
wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df.instance_state WHERE completed_at IS NULL') eq '0' },
	'all have ended');

is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instance_state WHERE status = 1 AND turns = 2 AND tasks_completed = 1}),
	'3000', 'each has had its two turns and its activity once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT output::text FROM df.instance_state GROUP BY 1 HAVING count(*) > 300) AS b}),
	'2', 'two backends have done a good part each');
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.doctor()}), '0', 'the doctor finds nothing');
is($worker->term, 0, 'the worker stops');

done_testing();

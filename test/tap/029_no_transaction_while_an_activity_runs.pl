# While an activity outside the database runs, its worker has no transaction open, and holds no lock on a row.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $worker = start_worker($node, config => { exec => { Hold => { argv => [ '/bin/sh', '-c',
	qq{touch $dir/runs; while ! test -e $dir/go; do sleep 0.01; done; cat} ] } } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION hold() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('Hold', '1'); END $$;
	SELECT df_register_orchestrator('hold');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $id = df_start($node, 'hold', undef, user => 'regress_user');

wait_for(sub { return -e "$dir/runs" }, 'the command to run');
wait_for(sub { return query("SELECT clock_timestamp() > claimed_at + interval '1.5 seconds' FROM df.tasks") eq 't' },
	'the command to have run for a while');

# its own calls, such as the sweep, take milliseconds
is(query(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_worker' AND xact_start < clock_timestamp() - interval '1 second'}),
	'0', 'no transaction is as old as the activity');
is(query(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'regress_worker' AND state LIKE 'idle in transaction%'}),
	'0', 'nor does one idle');
is(query('SELECT count(*) FROM (SELECT FROM df.tasks FOR UPDATE SKIP LOCKED) AS free'), '1', 'its task is not locked');
is(query('SELECT count(*) FROM (SELECT FROM df.instance_state FOR UPDATE SKIP LOCKED) AS free'), '1', 'nor its instance');

write_file("$dir/go", '');
wait_for_status($node, $id, 'Completed');
is($worker->term, 0, 'the worker stops');
done_testing();

sub query { return $node->safe_psql('postgres', $_[0]); }

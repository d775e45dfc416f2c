# SIGTERM: nothing more is claimed, what runs is finished and recorded, nothing is run twice, exit 0.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my %config = (exec => { Hold => { argv => [ '/bin/sh', '-c',
	qq{echo "\$PGDF_IDEMPOTENCY_KEY" >> $dir/starts; while ! test -e $dir/go; do sleep 0.01; done; cat} ] } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION hold_all(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity('Hold', to_jsonb(i)) FROM generate_series(1, n) i))) x);
	END $$;
	SELECT df_register_orchestrator('hold_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

# idle
my $worker = start_worker($node, config => \%config);
my $started = time();

is($worker->term, 0, 'an idle worker stops');
cmp_ok(time() - $started, '<', bar(1), 'within a second');

# busy: five places for twenty tasks
$worker = start_worker($node, name => 'draining', config => \%config, args => [ '--max-activities', 5 ]);
my $id = df_start($node, 'hold_all', '20', user => 'regress_user');

wait_for(sub { return starts() == 5 }, 'five commands to run');
$worker->signal('TERM');
$worker->wait_log(qr/shutting down, 5 activities are running/);
write_file("$dir/go", '');
is($worker->wait_exit, 0, 'a busy worker stops when its activities have ended');
is(starts(), 5, 'and claimed nothing more');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 1'), '0', 'no claim is left behind');

$worker = start_worker($node, config => \%config);
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '210', 'another worker finishes the rest');
is(starts(), 20, 'nothing was run twice');

# out of time: what runs is stopped and given back
unlink("$dir/go", "$dir/starts");
$worker->term;
$worker = start_worker($node, config => \%config, args => [ '--drain', '200 ms' ]);
$id = df_start($node, 'hold_all', '3', user => 'regress_user');
wait_for(sub { return starts() == 3 }, 'three commands to run');
$started = time();
is($worker->term, 0, 'a worker out of time stops, too');
cmp_ok(time() - $started, '<', 5, 'soon after');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 0'), '3', 'its tasks are queued again');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.worker_sessions'), '0', 'its session has ended');

# a second signal hurries
$worker = start_worker($node, name => 'hurried', config => \%config);
wait_for(sub { return starts() == 6 }, 'the commands to run again');
$worker->signal('TERM');
$worker->wait_log(qr/shutting down, 3 activities are running/);
$started = time();
is($worker->term, 0, 'a second SIGTERM does not wait for activities');
cmp_ok(time() - $started, '<', 5, 'which would take thirty seconds');

sub starts { return scalar(split(/\n/, slurp("$dir/starts"))); }

doctor_finds_nothing($node);
done_testing();

# A worker is stopped for longer than its lease and comes back: its results are void, and it begins a new session.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main', conf => "pgdf.lease = '2s'\npgdf.reconnect_grace = '500ms'\n");
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

my $zombie = start_worker($node, name => 'zombie', config => \%config);
my $id = df_start($node, 'hold_all', '5', user => 'regress_user');

wait_for(sub { return starts() == 5 }, 'five commands to run');

my $other = start_worker($node, name => 'other', config => \%config);

$zombie->stop;
wait_for(sub { return starts() == 10 }, 'the tasks to be taken over when the lease has run out');
write_file("$dir/go", '');
wait_for_status($node, $id, 'Completed');
$zombie->cont;
$zombie->wait_log(qr/session was given up by another worker/);
wait_for(sub { return $node->safe_psql('postgres', "SELECT count(*) FROM df.worker_sessions") eq '2' },
	'the worker to have a session again');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '15', 'the result is right');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskCompleted'"),
	'5', 'each task was recorded once');

# it is as good as new
is($other->term, 0, 'the other worker stops');
wait_for_status($node, df_start($node, 'hold_all', '2', user => 'regress_user'), 'Completed');
is($zombie->term, 0, 'the worker that came back works, and stops');

sub starts { return scalar(split(/\n/, slurp("$dir/starts"))); }

doctor_finds_nothing($node);
done_testing();

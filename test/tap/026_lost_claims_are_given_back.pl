# The answer of an engine call is lost after its commit: what it had claimed is found again, what runs is left alone.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my %config = (exec => { Hold => { argv => [ '/bin/sh', '-c',
	qq{echo x >> $dir/starts; while ! test -e $dir/go; do sleep 0.01; done; cat} ] } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION hold_all(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity('Hold', to_jsonb(i)) FROM generate_series(1, n) i))) x);
	END $$;
	CREATE FUNCTION think(seconds float8) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_sleep(seconds);
	END $$;
	SELECT df_register_orchestrator('hold_all'), df_register_orchestrator('think');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

# two places are taken, so that three tasks stay queued
my $worker = start_worker($node, name => 'forgetful', config => \%config, args => [ '--max-activities', 3 ]);
my $id = df_start($node, 'hold_all', '5', user => 'regress_user');

wait_for(sub { return starts() == 3 }, 'three commands to run');

# what a lost answer leaves behind: claims of this worker that it does not know of
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM df.worker_sessions s,
		df.work(s.worker_key, '{default}', '{hold}', 10, 0, 'scan', '{}', '{}', '{}', '', '{}') w WHERE w.what = 'T'}),
	'2', 'two tasks are claimed behind its back');

# a call is lost, while it might have claimed something
write_file("$dir/go", '');
wait_for(sub { return $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks') == 2 }, 'the known ones to be recorded');
df_start($node, 'think', '2', user => 'regress_user');
wait_for(sub {
	return $node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE wait_event = 'PgSleep' AND usename = 'regress_worker'}) > 0;
}, 'a call to terminate');

wait_for_status($node, $id, 'Completed');
$worker->wait_log(qr/gave back 2 claims whose answer was lost/);
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '15', 'the result is right');
is(starts(), 5, 'nothing was run twice');
is($worker->term, 0, 'the worker stops');

sub starts { return scalar(split(/\n/, slurp("$dir/starts"))); }

done_testing();

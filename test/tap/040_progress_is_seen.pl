# How far a running activity is can be seen in df_waits: of a command, of a SQL activity before it commits.
# A report with a void fence ends the activity.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $gate = "$dir/gate";
my $says = q{
	use IO::Handle;
	open(my $progress, '>&=', $ENV{PGDF_PROGRESS_FD}) or die;
	$progress->autoflush(1);
	print $progress $_ foreach @ARGV[1 .. $#ARGV];
	select(undef, undef, undef, 0.02) until -e $ARGV[0];
	print '"done"';
};
my $worker = start_worker($node, args => [ '--blob-store', "file://$dir/blobs" ], config => { exec => {
	Says => { argv => [ $^X, '-e', $says, $gate, qq({"step": 1}\n), qq({"step": 2}\n), "not JSON\n", qq({"half": ) ] },
	SaysMuch => { argv => [ $^X, '-e', $says, $gate, '"' . 'x' x 20_000 . qq("\n), "[3]\n", "\n" ] },
	SaysOften => { argv => [ $^X, '-e', q{
		open(my $progress, '>&=', 3); my $end = time() + 2; my $n = 0;
		while (time() <= $end) { syswrite($progress, ++$n . "\n"); }
		print $n;
	} ] },
	Ends => { argv => [ $^X, '-e', $says, '/', "1\n" ] },
	Stays => { argv => [ $^X, '-e', q{
		open(my $progress, '>&=', 3); open(my $pid, '>', $ARGV[0]); print $pid "$$\n"; close($pid);
		while (1) { syswrite($progress, "1\n"); select(undef, undef, undef, 0.1); }
	}, "$dir/pid" ] },
} });

$node->safe_psql('postgres', q{
	CREATE TABLE effects (n int);
	CREATE FUNCTION slow() RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO effects VALUES (1);
		PERFORM df_heartbeat('{"rows": 1}');
		PERFORM df_heartbeat('{"rows": 2}');
		PERFORM pg_advisory_xact_lock(1);
		RETURN 'done';
	END $$;
	SELECT df_register_activity('slow');
	CREATE FUNCTION call_one(name text, input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name, input);
	END $$;
	SELECT df_register_orchestrator('call_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub start { return df_start($node, 'call_one', encode_json({ name => $_[0], input => $_[1] }), user => 'regress_user'); }
sub progress { return $node->safe_psql('postgres', "SELECT progress FROM df_waits('$_[0]')"); }
sub result { return $node->safe_psql('postgres', "SELECT df_result('$_[0]', '1 s')"); }

# commands
my $id = start('Says');
my $much = start('SaysMuch');

wait_for(sub { progress($id) eq '{"step": 2}' }, 'progress of a command');
ok(1, 'the last line that is JSON is shown');
wait_for(sub { progress($much) eq '[3]' }, 'progress after a line that is too long');
ok(1, 'a line that is too long is passed over');
write_file($gate, '');
wait_for_status($node, $_, 'Completed') foreach $id, $much;
is(result($id), '"done"', 'what follows does not keep the command from its end');

$id = start('Ends');
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks'), '0', 'a report just before the end does no harm');

# many reports: at most one a second is written
$id = start('SaysOften');
wait_for(sub { progress($id) > 0 }, 'progress of a command that says much');
wait_for_status($node, $id, 'Completed');
cmp_ok(result($id), '>', 1000, 'many reports were made');
my $fenced = $node->safe_psql('postgres', 'SELECT fenced FROM df.workers');
is($fenced, '0', 'no report counts as a late result');

# a SQL activity in its transaction
my $holder = $node->background_psql('postgres');

$holder->query_safe('SELECT pg_advisory_lock(1)');
$id = start('slow');
wait_for(sub { progress($id) eq '{"rows": 1}' || progress($id) eq '{"rows": 2}' }, 'progress of a SQL activity');
wait_for(sub { progress($id) eq '{"rows": 2}' }, 'its newest progress');
is($node->safe_psql('postgres', 'SELECT count(*) FROM effects'), '0', 'a SQL activity is seen before it commits');
$holder->query_safe('SELECT pg_advisory_unlock(1)');
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM effects'), '1', 'and then its effects are there');
$holder->quit;

# somebody else has the task: the next report finds that out
$id = start('Stays');
wait_for(sub { progress($id) eq '1' }, 'a command that does not end');
my $pid = slurp("$dir/pid") + 0;

ok(is_alive($pid), 'it runs');
$node->safe_psql('postgres', 'UPDATE df.tasks SET fence = fence + 1');
wait_for(sub { !is_alive($pid) }, 'the end of a command whose fence is void');
ok(1, 'an activity with a void fence is stopped');

is($worker->term, 0, 'the worker stops');
done_testing();

# Whatever a plugin does, it costs its attempt: crashes, hangs, garbage; the worker lives and everything else goes on.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Plugin;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();

chmod(0755, $dir);
compile($dir, 'misbehave');
my $worker = start_worker($node, env => { SECRET => 'x' }, config => {
	'plugin-dir' => $dir,
	plugins => { misbehave => { processes => 3, env => [ 'LISTED=y', 'HOME' ] } },
	exec => { Command => { argv => ['/bin/cat'] } } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION call_one(name text, input jsonb DEFAULT NULL, retry jsonb DEFAULT NULL, timeout interval DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name, input, retry, timeout);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('call_one');
	CREATE FUNCTION echo_all(names text[], n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity(names[1 + i % cardinality(names)], to_jsonb(i)) FROM generate_series(1, n) i))) x);
	END $$;
	SELECT df_register_orchestrator('echo_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub start
{
	my ($name, %more) = @_;

	return df_start($node, 'call_one', encode_json({ name => $name, %more }), user => 'regress_user');
}

sub result
{
	my ($id) = @_;

	wait_for_status($node, $id, 'Completed');
	return JSON::PP->new->utf8->allow_nonref->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

sub result_of { return result(start(@_)); }
sub pid_of { return $node->safe_psql('postgres', "SELECT progress ->> 'pid' FROM df_waits('$_[0]')"); }

# the processes of this worker's plugins
sub hosts
{
	return grep { slurp("/proc/$_/cmdline") =~ /\0plugin-host\0/ && slurp("/proc/$_/stat") =~ /\) [^XZ] (\d+) / && $1 == $worker->pid }
	  map { m!/proc/(\d+)$! } glob('/proc/[0-9]*');
}

# what it is given
my $large = 'x' x 1_000_000;

is(result_of('Echo', input => $large), $large, 'a megabyte goes in and out');
is(result_of('Echo', input => "\x{e9}\n\"\\"), "\x{e9}\n\"\\", 'text stays as it is');
my $id = start('Tell', timeout => '50 s');
my $told = result($id);

is($told->{$_->[0]}, $_->[1], "it is given its $_->[0]")
  foreach [ attempt => 1 ], [ timeout => 50_000 ], [ instance => $id ], [ activity => 'Tell' ], [ listed => 'y' ], [ size => 1 ];
like($told->{key}, qr/./, 'and its idempotency key');
is($told->{home}, JSON::PP::false, 'it has no variable that is not listed');
is($told->{started}, 1, 'the start function was called once');
$worker->wait_log(qr/told what it was given/);
isnt($told->{pid}, $worker->pid, 'the worker itself has not loaded it');
is(join(' ', map { m!/(\d+)$! } glob("/proc/$told->{pid}/fd/*")), '0 1 2 3', 'no descriptor of the worker is open');

# failures
my $failure = result_of('Fail');

is($failure->{errorType}, 'TooLate', 'a failure is one');
is($failure->{errorMessage}, 'it is too late', 'with its message');
is($failure->{isNonRetriable}, JSON::PP::true, 'for good');
is($failure->{properties}{hour}, 25, 'and its properties');
is(result_of('Nothing')->{errorType}, 'NoResult', 'an activity must say something');
is(result_of('NotJson')->{errorType}, 'InvalidOutput', 'a result must be JSON');
is(result_of('TooMuch')->{errorType}, 'OutputTooLarge', 'a result has its limit');
is(result_of('ReportMuch'), 1, 'an activity may report as much as it likes');

# the end of its process
$failure = result_of('Crash');
is($failure->{errorType}, 'Crashed', 'a crash is a failure');
is($failure->{isNonRetriable}, JSON::PP::false, 'which may be tried again');
# a sanitizer makes an exit of it
is($failure->{properties}{signal} // 11, 11, 'with its signal');
like($failure->{properties}{stderr}, qr/^about to crash$/m, 'and what it said last');
$failure = result_of('Leave');
is($failure->{errorType}, 'Crashed', 'exit() is one, too');
is($failure->{properties}{exit_status}, 0, 'with its status');
is(result_of('CrashAtFirst', retry => { max_attempts => 3, first_delay => 0 }), 'third', 'retries come through');
is(result_of('Garbage')->{errorType}, 'Crashed', 'who does not keep to the protocol is ended');
$worker->wait_log(qr/does not keep to the protocol/);
my $left = result_of('LeaveProcess');

ok(is_alive($left), 'an activity may leave a process behind');

# one that crashes every time, amid others: it fails when its attempts are used up, and nothing else does
$id = start('Crash', retry => { max_attempts => 5, first_delay => 0 });
my $others = df_start($node, 'echo_all', '{"names": ["Echo", "Command", "noop"], "n": 60}', user => 'regress_user');

is(result($others), 1830, 'others go on beside one that crashes every time');
is(result($id)->{errorType}, 'Crashed', 'which fails');
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.dead_letters}), '0', 'it is no dead letter: the worker has answered');

# time
$id = start('Hang', timeout => '500 ms');
wait_for(sub { pid_of($id) }, 'an activity that hangs');
my $pid = pid_of($id);

is(result($id)->{errorType}, 'Timeout', 'a time-out is a failure');
wait_for(sub { !is_alive($pid) }, 'the end of a process that hangs');
ok(1, 'and the end of the process');

# cancellation: asked first, then made to (on a busy machine a process may not be given the second that it has to answer)
wait_for(sub {
	$id = start('WaitPolitely');
	wait_for(sub { pid_of($id) }, 'an activity that waits');
	$pid = pid_of($id);
	$node->safe_psql('postgres', "SELECT df_terminate('$id')");
	my $asked = time();

	wait_for(sub { return time() > $asked + 3 }, 'the time after which it would have been killed');
	return is_alive($pid);
}, 'a process that outlives its cancelled activity');
ok(is_alive($pid), 'who stops when asked is not killed');
$id = start('Hang');
wait_for(sub { pid_of($id) }, 'an activity that hangs');
$pid = pid_of($id);
$node->safe_psql('postgres', "SELECT df_terminate('$id')");
wait_for(sub { !is_alive($pid) }, 'the end of a process that does not listen');
ok(1, 'who does not is');
wait_for(sub { hosts() == 3 }, 'three processes');

# more of them than processes: they wait, and that is no attempt
my @ids = map { start('WaitPolitely', retry => { max_attempts => 2 }, timeout => '1 h') } 1 .. 3;

wait_for(sub { 3 == grep { pid_of($_) } @ids }, 'three that run');
my $waits = start('Echo', input => 7, timeout => '10 ms');

wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM df.tasks WHERE is_started}) eq '3' }, 'three attempts');
is($node->safe_psql('postgres', q{SELECT state || ' ' || attempts FROM df.tasks WHERE NOT is_started}), '1 0', 'the fourth is claimed, and has no attempt');
$node->safe_psql('postgres', "SELECT df_terminate('$ids[0]')");
is(result($waits), 7, 'its time-out begins when it runs');
$waits = start('Echo', input => 8);

# the worker is told to stop: what waits is given back, what runs is stopped
my $fourth = start('WaitPolitely');

wait_for(sub { pid_of($fourth) }, 'a third that runs');
$waits = start('Echo', input => 9);
wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 1') eq '4' }, 'a fourth that waits');
my @hosts = hosts();

$worker->signal('TERM');
$worker->signal('TERM');
is($worker->wait_exit, 0, 'the worker stops');
wait_for(sub { !grep { is_alive($_) } @hosts, $left }, 'the end of all processes');
ok(1, 'and with it all processes of its plugins');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT state::text, ' ') FROM df.tasks}), '0', 'everything is given back');

# killed: nothing of it runs on
$worker = start_worker($node, config => { 'plugin-dir' => $dir, plugins => { misbehave => { processes => 4, env => ['LISTED=y'] } } });
is(result($waits), 9, 'the next worker goes on');
$id = start('Hang');
wait_for(sub { pid_of($id) }, 'an activity that hangs');
@hosts = hosts();
is(scalar(@hosts), 4, 'four processes');
$worker->kill9;
wait_for(sub { !grep { is_alive($_) } @hosts }, 'the end of all processes');
ok(1, 'a worker that is killed takes them along');
done_testing();

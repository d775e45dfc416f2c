# Commands of the worker's configuration: input, output, exit status, standard error, limits, surroundings.

use strict;
use warnings;

use Encode;
use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
# perl itself ignores SIGFPE (0x80); glibc's own signals 32 and 33 nobody can change, and make's children ignore them
my $report = q{
	use JSON::PP;
	opendir(my $fds, '/proc/self/fd');
	my @open = sort { $a <=> $b } grep { /^\d+$/ && $_ != fileno($fds) } readdir($fds);
	my ($status) = do { local $/; open(my $f, '<', '/proc/self/status'); <$f> };
	print JSON::PP->new->encode({ args => \@ARGV, env => \%ENV, fds => [ map { $_ + 0 } @open ],
		group => getpgrp() == $$ ? 1 : 0, no_new_privs => $status =~ /NoNewPrivs:\s+1/ ? 1 : 0,
		ignored => hex(($status =~ /SigIgn:\s+(\w+)/)[0]) & ~0x180000080, blocked => $status =~ /SigBlk:\s+0+$/m ? 0 : 1 });
};
my @odd = ('; rm -rf /', '$(id)', '-x', "new\nline", '', '*', "caf\xc3\xa9");
my $worker = start_worker($node, env => { SECRET => 'x', LISTED => 'y' }, config => { exec => {
	Echo => { argv => ['/bin/cat'] },
	Report => { argv => [ $^X, '-e', $report ],
		env => [ 'LISTED', 'SET=z', 'NOT_THERE' ] },
	Fails => { argv => [ '/bin/sh', '-c', 'echo "first" >&2; echo "the reason" >&2; exit 3' ] },
	Killed => { argv => [ '/bin/sh', '-c', 'kill -9 $$' ] },
	NotJson => { argv => [ '/bin/echo', 'hello' ] },
	Silent => { argv => ['/bin/true'] },
	Missing => { argv => ['/nonexistent/command'] },
	NotExecutable => { argv => ['/etc/passwd'] },
	Talks => { argv => [ '/bin/sh', '-c', 'head -c 100000 /dev/zero | tr "\\\\0" e >&2; exit 1' ] },
	Floods => { argv => [ '/bin/cat', '/dev/zero' ] },
	Deaf => { argv => [ '/bin/sh', '-c', 'exec <&-; echo true' ] },
	Sleeps => { argv => [ '/bin/sh', '-c', "trap '' TERM; sleep 600 & echo \$! \$\$ > $dir/pids; wait; sleep 600" ],
		timeout => '200 ms' },
	Leaves => { argv => [ '/bin/sh', '-c', "sleep 600 >/dev/null 2>&1 & echo \$! > $dir/left; echo 1" ] },
	Arguments => { argv => [ $^X, '-MJSON::PP', '-e', 'print JSON::PP->new->encode(\@ARGV)', '--', @odd ] },
} });

$node->safe_psql('postgres', q{
	CREATE FUNCTION run_one(name text, input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name, input);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('run_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub result_of
{
	my ($name, $input) = @_;
	my $id = df_start($node, 'run_one', qq({"name": "$name", "input": ) . ($input // 'null') . '}', user => 'regress_user');

	wait_for_status($node, $id, 'Completed');
	return JSON::PP->new->utf8->allow_nonref->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

is_deeply(result_of('Echo', '{"a": [1, "é", null]}'), { a => [ 1, "\xe9", undef ] }, 'input and output are JSON');
is_deeply(result_of('eCHO', '"' . 'x' x 1_000_000 . '"'), 'x' x 1_000_000, 'a megabyte passes through');

my $surroundings = result_of('Report');

is_deeply($surroundings->{fds}, [ 0 .. 3 ], 'no descriptor of the worker is open');
is($surroundings->{env}{LISTED} . $surroundings->{env}{SET}, 'yz', 'listed variables are there');
ok(!exists $surroundings->{env}{SECRET}, 'others are not');
ok(!exists $surroundings->{env}{PGUSER}, 'nor those of the connection');
is($surroundings->{env}{PGDF_ATTEMPT}, 1, 'the attempt is there');
like($surroundings->{env}{PGDF_IDEMPOTENCY_KEY}, qr/./, 'the idempotency key is there');
like($surroundings->{env}{PGDF_INSTANCE_ID}, qr/^[0-9a-f]{32}$/, 'the instance is there');
is($surroundings->{$_->[0]}, $_->[1], $_->[2])
  foreach [ group => 1, 'a process group of its own' ], [ no_new_privs => 1, 'no new privileges' ],
  [ ignored => 0, 'no signal is ignored' ], [ blocked => 0, 'no signal is blocked' ];

is_deeply(result_of('Arguments'), [ map { Encode::decode('UTF-8', $_) } @odd ], 'arguments arrive verbatim, no shell sees them');

my $failure = result_of('Fails');

is($failure->{errorType}, 'ExitStatus', 'exit status 3 is a failure');
is(properties($failure)->{exit_status}, 3, 'which tells it');
is(properties($failure)->{stderr}, "first\nthe reason\n", 'and standard error');
is(properties(result_of('Killed'))->{signal}, 9, 'a signal is a failure');
is(error_type(result_of('NotJson')), 'InvalidOutput', 'output must be JSON');
is(error_type(result_of('Silent')), 'InvalidOutput', 'no output is not JSON');
is(error_type(result_of($_)), 'CommandNotExecuted', "$_ cannot be executed") foreach qw(Missing NotExecutable);
is(length(properties(result_of('Talks'))->{stderr}), 4096, 'only the end of a long standard error is kept');
is(error_type(result_of('Floods')), 'OutputTooLarge', 'output is bounded');
is(result_of('Deaf', '"' . 'x' x 200_000 . '"'), JSON::PP::true, 'a command need not read its input');

is(error_type(result_of('Sleeps')), 'Timeout', 'a time-out is a failure');
my @pids = split(' ', slurp("$dir/pids"));
wait_for(sub { return !grep { alive($_) } @pids }, 'the whole process group to be killed');
ok(1, 'the whole process group was killed');

is(result_of('Leaves'), 1, 'a command that leaves a process behind ends');
wait_for(sub { return !alive(slurp("$dir/left") + 0) }, 'what it left to be killed');
ok(1, 'what it left was killed');

my ($rss) = slurp('/proc/' . $worker->pid . '/status') =~ /VmHWM:\s+(\d+) kB/;

SKIP: {
	skip('a sanitizer needs memory of its own', 1) if slurp($ENV{PGDF}) =~ /__asan_init/;
	cmp_ok($rss, '<', memory_limit_kb(), 'the worker stays small');
}
is($worker->term, 0, 'the worker stops');

sub error_type { return $_[0]{errorType}; }
sub properties { return $_[0]{properties}; }

# a zombie that waits for its new parent is gone
sub alive { return slurp("/proc/$_[0]/stat") =~ /\) [^ZX] /; }

done_testing();

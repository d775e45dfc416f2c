# A command has its limits, and a directory of its own that goes with it, also when the worker was killed.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $scratch = "$dir/scratch";

# processes and threads of this user, which is what the kernel counts; other tests run at the same time
my $own = grep { my @stat = stat($_); @stat && $stat[4] == $< } glob('/proc/[0-9]*/task/[0-9]*');
my $surroundings = q{
	use Cwd; use JSON::PP;
	my $limits = do { local $/; open(my $f, '<', '/proc/self/limits'); <$f> };
	my %limit = map { $_->[0] => ($limits =~ /^Max $_->[1]\s+(\S+)/m)[0] } [ cpu => 'cpu time' ], [ size => 'file size' ],
		[ memory => 'address space' ], [ files => 'open files' ], [ processes => 'processes' ], [ core => 'core file size' ];
	opendir(my $here, '.'); my @files = grep { !/^\.\.?$/ } readdir($here);
	print JSON::PP->new->encode({ limit => \%limit, cwd => getcwd(), tmpdir => $ENV{TMPDIR}, files => \@files,
		mode => sprintf('%o', (stat('.'))[2] & 07777), uid => $> + 0, umask => sprintf('%o', umask()) });
};
my %limits = (cpu => '20 s', 'file-size' => '1 MB', memory => '2 GB', 'open-files' => 100, processes => $own + 60);
my %settings = (args => [ '--scratch-dir', $scratch ], config => { exec => {
	Surroundings => { argv => [ $^X, '-e', $surroundings ], limits => \%limits },
	Unlimited => { argv => [ $^X, '-e', $surroundings ] },
	Own => { argv => [ $^X, '-e', $surroundings ], user => "$<", env => ['TMPDIR=/elsewhere'] },
	WritesMuch => { argv => [ '/bin/dd', 'if=/dev/zero', 'of=out', 'bs=1M', 'count=1024' ], limits => \%limits },
	Computes => { argv => [ $^X, '-e', '1 while 1' ], limits => { cpu => 1 } },
	Remembers => { argv => [ $^X, '-e', 'my $x = "x" x 1_000_000_000; print 1' ], limits => { memory => '300 MB' } },
	# never more than 400, whatever happens
	Forks => { argv => [ $^X, '-e', q{
		my $n = 0;
		while ($n < 400) { my $pid = fork(); last if !defined $pid; if (!$pid) { sleep(600); exit; } $n++; }
		print $n;
	} ], limits => \%limits },
	Litters => { argv => [ '/bin/sh', '-c', 'umask 0; i=0; top=$PWD; while [ $i -lt 1500 ]; do mkdir d f.$i; echo x > f.$i/file; ln -s / link; cd -P d; i=$((i+1)); done;'
		. ' cd "$top"; mkdir closed; echo x > closed/file; mkdir closed/in; echo x > closed/in/file; chmod 0 closed/in; chmod 0 closed; echo 1' ] },
	Escapes => { argv => [ $^X, '-MPOSIX', '-e', q{
		if (!fork()) { POSIX::setsid(); if (fork()) { exit; } open(STDOUT, '>', '/dev/null'); open(STDERR, '>', '/dev/null');
			open(my $file, '>', "$ARGV[0].tmp"); print $file $$; close($file); rename("$ARGV[0].tmp", $ARGV[0]);
			my $pid = fork(); sleep(600); exit; }
		select(undef, undef, undef, 0.01) until -e $ARGV[0];
		print do { local @ARGV = ($ARGV[0]); <> };
	}, "$dir/escaped" ] },
	Stays => { argv => [ '/bin/sh', '-c', "echo \$PWD > $dir/where; echo x > file; mkdir d; sleep 600 & echo \$! \$\$ > $dir/pids; wait" ] },
} });

mkdir($scratch) or die;
my $worker = start_worker($node, %settings);

$node->safe_psql('postgres', q{
	CREATE FUNCTION run_one(name text, retry jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name, retry => retry);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('run_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub result_of
{
	my ($name) = @_;
	my $id = df_start($node, 'run_one', qq({"name": "$name"}), user => 'regress_user');

	wait_for_status($node, $id, 'Completed');
	return JSON::PP->new->utf8->allow_nonref->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

sub left { return map { glob("$_/*") } glob("$scratch/pgdf-*"); }

my $seen = result_of('Surroundings');

is_deeply($seen->{limit}, { cpu => 20, size => 1024 * 1024, memory => 2 * 1024 * 1024 * 1024, files => 100,
		processes => $own + 60, core => 0 }, 'the limits are those of the configuration');
like($seen->{cwd}, qr{^\Q$scratch\E/pgdf-\w{6}/\d+$}, 'a directory of its own');
is_deeply($seen->{files}, [], 'which is empty');
is($seen->{mode}, '700', 'and closed to others');
is($seen->{umask}, '77', 'as is what it makes');
is($seen->{tmpdir}, $seen->{cwd}, 'for temporary files too');
isnt(result_of('Unlimited')->{limit}{processes}, $own + 60, 'without limits those of the worker hold');
$seen = result_of('Own');
is($seen->{uid}, $<, 'its user may be the one of the worker');
is($seen->{tmpdir}, '/elsewhere', 'the configuration may say otherwise');

is(result_of('WritesMuch')->{properties}{signal}, 25, 'a file has its limit: SIGXFSZ');
is(result_of('Computes')->{properties}{signal}, 24, 'computing has its limit: SIGXCPU');
is(result_of('Remembers')->{errorType}, 'ExitStatus', 'memory has its limit');
my $forked = result_of('Forks');

cmp_ok(ref $forked ? 0 : $forked, '<', 400, 'a fork bomb has its limit');
is(result_of('Litters'), 1, 'a command may leave a deep tree and closed directories');
wait_for(sub { !left() }, 'all directories to be removed');
ok(-d '/usr', 'links are not followed');

# a process in a session of its own, whose parent has ended, and its child
my $escaped = result_of('Escapes');

wait_for(sub { !grep { (slurp("/proc/$_/environ") =~ m!\Q$scratch\E/!) && is_alive($_) } $escaped, map { m!/proc/(\d+)$! } glob('/proc/[0-9]*') },
	'the end of what left its group');
ok(!is_alive($escaped), 'what leaves its group is ended, too');

# the worker is killed: nothing runs on, and the next one removes what is left
df_start($node, 'run_one', '{"name": "Stays", "retry": {"max_attempts": 1}}', user => 'regress_user');
wait_for(sub { slurp("$dir/pids") =~ /\n/ }, 'the command');
my $where = slurp("$dir/where") =~ s/\n//r;

$worker->kill9;
wait_for(sub { !grep { is_alive($_) } split(' ', slurp("$dir/pids")) }, 'the end of the command');
ok(-e "$where/file", 'what it wrote is left');
my $second = start_worker($node, %settings);

ok(!-e $where, 'the next worker removes it');
like($second->log, qr/removed directory "[^"]*" of a worker that was killed/, 'and says so');
is($second->term, 0, 'a worker stops');
is_deeply([ glob("$scratch/*") ], [], 'and leaves nothing');

# settings that cannot be
sub refused
{
	my ($command, $message, $what) = @_;
	my $refused = start_worker($node, wait => 0, name => 'refused', config => { exec => { X => { argv => ['/bin/true'], %{$command} } } });

	is($refused->wait_exit, 2, $what);
	like($refused->log, $message, 'and says why');
}

refused({ user => 'nobody-of-that-name' }, qr/user "nobody-of-that-name" of command "X" does not exist/, 'an unknown user is refused');
refused({ user => 'root' }, qr/command "X" cannot run as user "root"/, 'another user is refused without root');
refused({ limits => { cpus => 1 } }, qr/invalid key "limits" of command "X"/, 'an unknown limit is refused');
refused({ limits => { memory => 0 } }, qr/invalid key "limits" of command "X"/, 'no limit of zero');
done_testing();

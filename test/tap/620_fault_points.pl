# needs: faults
# Every step between claim, run, record, turn and commit fails, in every way: all work is done, effects exactly once.
#
# Each point of extension/fault.h and worker/fault.h, with each action: crash, error, hang beyond the lease, duplicate.
# Several databases of one server go through them at the same time; a crash of the server hits them all.

use strict;
use warnings;

use List::Util qw(shuffle);
use Pgdf::Chaos qw(compile_step);
use Pgdf::Chaos::Load qw(exec_settings load_sql);
use Pgdf::FaultBuild;
use Pgdf::Process qw(poll spawn_worker);
use Pgdf::Test;
use POSIX ();
use Time::HiRes qw(sleep time);

my $lanes = $ENV{PGDF_FAULT_LANES} // 8;
my $hang_ms = 1000;
my %by_hand = map { $_ => 'kill' } qw(attached attach_answered takeover_begun takeover_done);

$by_hand{detach_made} = 'term';

my @combinations = shuffle(map { my $point = $_; map { [ $point, $_ ] } qw(crash error hang duplicate) }
	  fault_points('extension'), fault_points('worker'));

# an error cannot be raised after the commit
@combinations = grep { "@{$_}" ne 'after_commit error' } @combinations;
@combinations = grep { "@{$_}" =~ /$ENV{PGDF_FAULT_ONLY}/ } @combinations if $ENV{PGDF_FAULT_ONLY};

my $dir = temp_dir();
my $node = new_node('main', conf => <<"CONF");
restart_after_crash = on
max_connections = 200
pgdf.lease = '600ms'
pgdf.reconnect_grace = '200ms'
pgdf.max_deliveries = 1000
CONF

compile_step("$dir/step");
$node->safe_psql('postgres', load_sql() . <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION little(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN df_call_activity('noop', to_jsonb(n))::int + df_call_activity('noop', '1')::int;
END $$;
CREATE FUNCTION everything(input jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	life int := coalesce((input ->> 'life')::int, 1);
	total bigint := coalesce((input ->> 'total')::bigint, 0);
BEGIN
	total := total + (SELECT sum(x::bigint) FROM unnest(df_when_all(
		ARRAY(SELECT df_activity('noop', to_jsonb(i)) FROM generate_series(1, 5) i))) x);
	total := total + df_await(step('effect', 10 + life))::bigint;
	total := total + df_await(step('slow_effect', 20 + life))::bigint;
	total := total + df_call_activity('Step', to_jsonb(df_instance_id() || ':' || 30 + life || ':150'))::bigint;
	PERFORM df_when_all_settled(ARRAY[step('Once', 40 + life, df_retry(1))]);
	PERFORM df_sleep('10 ms');
	total := total + df_call_sub_orchestrator('little', '6')::bigint;
	total := total + (SELECT sum(x::bigint) FROM jsonb_array_elements(df_call_map('noop', '[1, 2, 3]')) x);
	total := total + df_wait_event('number')::bigint;
	IF life = 1 THEN
		PERFORM df_continue_as_new(jsonb_build_object('life', 2, 'total', total));
	END IF;
	RETURN total;
END $$;
SELECT df_register_orchestrator('little'), df_register_orchestrator('everything');
SQL

# 15 + 11 + 21 + 31 + 7 + 6 in the first life, 3 more in the second, and the events
my $expected = 91 + 94 + 5 + 7;

use_fault_build($node, 'postgres');
foreach my $lane (1 .. $lanes)
{
	$node->safe_psql('template1', "CREATE DATABASE lane$lane TEMPLATE postgres");
	$node->safe_psql("lane$lane", 'SELECT df_adopt()');
}

my @pids;

foreach my $lane (1 .. $lanes)
{
	my @mine = @combinations[ grep { $_ % $lanes == $lane - 1 } 0 .. $#combinations ];
	my $pid = fork() // die "could not fork: $!";

	if ($pid == 0)
	{
		eval { run_lane($lane, @mine); 1 } or note_result($lane, 'all', "not ok lane $lane: " . ($@ =~ s/\n/ /gr));
		POSIX::_exit(0);
	}
	push @pids, $pid;
}
waitpid($_, 0) foreach @pids;

my %results = map { /^(\S+ \S+) (.*)$/ ? ($1 => $2) : () } map { split(/\n/, slurp("$dir/results.$_")) } 1 .. $lanes;

is($results{"@{$_}"} // 'was not reached', 'ok', "@{$_}") foreach sort { "@{$a}" cmp "@{$b}" } @combinations;
is($results{'lane all'} // '', '', 'no lane broke off');
done_testing();

# ------------------------------------------------------------------- a lane

sub note_result
{
	my ($lane, $what, $text) = @_;

	open(my $fh, '>>', "$dir/results.$lane") or die "could not write results: $!";
	print $fh ($what eq 'all' ? 'lane all' : $what) . " $text\n";
	close($fh);
	return;
}

sub run_lane
{
	my ($lane, @mine) = @_;
	my $self = { db => "lane$lane", lane => $lane, faults => "$dir/faults$lane", log => "$dir/log$lane", workers => [], n => 0 };

	mkdir($self->{faults});
	query($self, "ALTER DATABASE $self->{db} SET pgdf.fault_dir = '$self->{faults}'");
	query($self, "ALTER DATABASE $self->{db} SET pgdf.fault_hang = '$hang_ms ms'");
	push @{ $self->{workers} }, new_worker($self) foreach 1 .. 2;
	foreach my $combination (@mine)
	{
		note_result($lane, "@{$combination}", eval { try($self, @{$combination}); 'ok' } // $@ =~ s/\s+/ /gr);
	}
	$_->kill9 foreach @{ $self->{workers} };
	return;
}

# What a statement returns, however often the server has to be asked.
sub query
{
	my ($self, $sql, %opts) = @_;
	my ($answer, $out, $err);

	poll(
		sub {
			my $connstr = $node->connstr($self->{db}) . ($opts{user} ? " user=$opts{user}" : '');
			my $status = eval { $node->psql($self->{db}, $sql, stdout => \$out, stderr => \$err, connstr => $connstr) };

			$answer = $out if defined $status && $status == 0;
			return defined $answer;
		}, 30) or die "no answer to $sql: $err\n";
	return $answer;
}

sub new_worker
{
	my ($self) = @_;
	my $name = "l$self->{lane}w" . ++$self->{n};

	local $ENV{PGDF} = $ENV{PGDF_FAULTS};
	return spawn_worker(
		conninfo => $node->connstr($self->{db}) . ' user=regress_worker',
		dir => Pgdf::Test::worker_dir(),
		name => $name,
		wait => 0,
		args => [ '--drain', '1 s' ],
		env => fault_worker_env($self->{faults}, $hang_ms),
		config => { exec => exec_settings("$dir/step", $self->{log}, "$dir/marks", $name) });
}

sub tend
{
	my ($self) = @_;

	foreach my $worker (@{ $self->{workers} })
	{
		$worker = new_worker($self) if !$worker->is_running;
	}
	return;
}

# Dies with what went wrong.
sub try
{
	my ($self, $point, $action) = @_;
	my $id = "$point-$action";
	my $armed = "$self->{faults}/$point.$action";
	my $begun = time();

	write_file($armed, '');
	query($self, "SELECT df_start('everything', '{}', '$id', if_exists => 'ignore')", user => 'regress_user');
	query($self, "SELECT df_raise_event('$id', 'number', '$_', 'event-$_')", user => 'regress_user') foreach 5, 7;
	disturb($self, $id, $by_hand{$point}) if $by_hand{$point};

	poll(
		sub {
			tend($self);
			return query($self, 'SELECT count(*) FROM df.instance_state WHERE completed_at IS NULL') eq '0'
			  && query($self, 'SELECT count(*) FROM df.inbox') eq '0';
		}, 40)
	  or die 'not done: ' . query($self, "SELECT runtime_status, tasks_completed, tasks_total, blocked_reason FROM df_status('$id')") . "\n";
	die "the fault did not strike\n" if -e $armed && !poll(sub { tend($self); !-e $armed }, 10);

	check($self, $id);
	note(sprintf('%s %s: %.1f s', $point, $action, time() - $begun));
	return;
}

# While an activity runs, its worker is killed or asked to end.
sub disturb
{
	my ($self, $id, $how) = @_;
	my $runner;

	poll(sub { tend($self); ($runner) = slurp($self->{log}) =~ /^S \Q$id\E:31 (\w+) /m; return $runner; }, 30)
	  or die "the activity did not begin\n";
	foreach my $worker (@{ $self->{workers} })
	{
		next if $worker->name !~ /^\Q$runner\E\./;
		$worker->signal($how eq 'kill' ? 'KILL' : 'TERM');
	}
	return;
}

sub check
{
	my ($self, $id) = @_;
	my $status = query($self, "SELECT runtime_status, output FROM df_status('$id')");
	my $effects = query($self, "SELECT string_agg(split_part(key, ':', 2), ',' ORDER BY key) FROM effects WHERE key LIKE '$id:%'");
	my $violations = query($self, "SELECT * FROM df.doctor(true, settle => '0') WHERE severity = 'violation'");

	die "it is $status\n" if $status ne "Completed|$expected";
	die "effects are $effects\n" if $effects ne '11,12,21,22';
	die "doctor: $violations\n" if $violations ne '';
	foreach my $n (41, 42)
	{
		my $times = () = slurp($self->{log}) =~ /^S \Q$id\E:$n /mg;

		die "what may run once was run $times times\n" if $times > 1;
	}
	return;
}

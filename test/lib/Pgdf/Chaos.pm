# test/lib/Pgdf/Chaos.pm: the chaos driver.
#
#   my $report = chaos(tasks => 10000, workers => 6, kills => 60, crashes => 4, seed => 42);
#   ok(!@{ $report->{wrong} });
#   diag($_) foreach report_lines($report);
#
# A load whose every result is known beforehand runs while workers are killed, stopped and asked to end, connections
# are cut, and the server crashes.  A client keeps a synced log of what was acknowledged to it; activities note their
# executions in a file.  Then df.doctor, and the book-keeping: $report->{wrong} has a line for each promise that was
# broken.  The seed decides about load and faults, though not about what runs when.

package Pgdf::Chaos;

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(max min sum);
use Pgdf::Chaos::Client;
use Pgdf::Chaos::Faults;
use Pgdf::Chaos::Load qw(exec_settings load_plan load_sql);
use Pgdf::Chaos::Proxy;
use Pgdf::Process qw(is_alive poll slurp spawn_worker);
use Pgdf::Test;
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(chaos compile_step report_lines);

# Activities that a worker runs at the same time.
my $slots = 15;
my $lease = 2;

# Options: tasks, workers, kills, stops, terms, disconnects, holes, crashes, pause (seconds between faults), seed,
# name (of the server), conf (more settings of it), prepare (sub that gets the node), calm (seconds allowed after the last fault).
sub chaos
{
	my (%opts) = @_;
	my $tasks = $opts{tasks} // 10000;
	my $kills = $opts{kills} // 60;
	my $crashes = $opts{crashes} // 4;
	my $seed = $opts{seed} // $ENV{PGDF_TEST_SEED} // int(time() * 1000) % 1000000007;

	srand($seed);
	note("PGDF_TEST_SEED=$seed");

	my $run = prepare(%opts, tasks => $tasks);
	my @faults = Pgdf::Chaos::Faults->schedule(
		kill => $kills,
		stop => $opts{stops} // int($kills / 6),
		term => $opts{terms} // int($kills / 10),
		disconnect => $opts{disconnects} // int($kills / 4),
		hole => $opts{holes} // int($kills / 12),
		immediate => int(($crashes + 2) / 3),
		power => int(($crashes + 1) / 3),
		backend => int($crashes / 3));
	my $pause = $opts{pause} // 0.12;
	my $begun = time();
	my $client = start_client($run, 0.8 * @faults * ($pause + 0.06) / @{ $run->{operations} });

	strike($run, $pause, @faults);
	$run->{faults}->calm;
	$run->{is_calm} = time();
	settle($run, $client, $opts{calm} // 90);
	$run->{seconds} = time() - $begun;

	my $report = { seed => $seed, tasks => $tasks, run => $run, wrong => [] };

	judge($run, $report);
	measure($run, $report);
	stop_all($run, $report);
	return $report;
}

# ---------------------------------------------------------------------- before

sub prepare
{
	my (%opts) = @_;
	my $dir = temp_dir();
	my $node = new_node($opts{name} // 'chaos', conf => "restart_after_crash = on\npgdf.lease = '${lease}s'\npgdf.max_deliveries = 1000\n" . ($opts{conf} // ''));
	my ($instances, @operations) = load_plan($opts{tasks});
	my $run = { node => $node, dir => $dir, log => "$dir/executed", marks => "$dir/marks", acknowledged => "$dir/acknowledged",
		instances => $instances, operations => \@operations, step => "$dir/step" };

	compile_step($run->{step});
	$node->safe_psql('postgres', load_sql(), connstr => $node->connstr('postgres') . ' user=regress_user');
	$opts{prepare}->($node) if $opts{prepare};
	mkdir($_) foreach "$dir/proxy", $run->{marks};
	$run->{proxy} = Pgdf::Chaos::Proxy->start(dir => "$dir/proxy", upstream => $node->host, port => $node->port);
	$run->{faults} = Pgdf::Chaos::Faults->new(node => $node, proxy => $run->{proxy}, workers => $opts{workers} // 6,
		lease => $lease, spawn => sub { return spawn($run, $_[0]); });
	return $run;
}

sub compile_step
{
	my ($program) = @_;

	system($ENV{CC} // 'cc', '-O2', '-o', $program, "$ENV{PGDF_TEST_DIR}/chaos/step.c") == 0
	  or die "could not compile step.c\n";
	return;
}

# Every worker has a name of its own; the first is behind the proxy.
sub spawn
{
	my ($run, $i) = @_;
	my $node = $run->{node};
	my $host = $i == 0 ? "$run->{dir}/proxy" : $node->host;
	my $name = 'w' . ++$run->{nworkers};

	my $worker = spawn_worker(
		conninfo => "host='$host' port=" . $node->port . ' dbname=postgres user=regress_worker',
		dir => Pgdf::Test::worker_dir(),
		name => $name,
		wait => 0,
		args => [ '--max-activities', $slots, '--drain', '2 s' ],
		env => $run->{worker_env},
		config => { exec => exec_settings($run->{step}, $run->{log}, $run->{marks}, $name) });

	$worker->{name} = $name;
	return $worker;
}

sub start_client
{
	my ($run, $pace) = @_;
	my $pid = fork() // die "could not fork: $!";

	return $pid if $pid != 0;
	$SIG{TERM} = 'DEFAULT';
	my $is_done = eval {
		my $client = Pgdf::Chaos::Client->new(log => $run->{acknowledged}, sessions => {
			map { $_ => $run->{node}->connstr('postgres') . " user=$_" } qw(regress_user regress_other) });

		$client->run($pace, @{ $run->{operations} });
		1;
	};
	print STDERR $@ if !$is_done;
	POSIX::_exit($is_done ? 0 : 1);
}

# ---------------------------------------------------------------------- during

sub strike
{
	my ($run, $pause, @faults) = @_;

	foreach my $fault (@faults)
	{
		my $next = time() + rand(2 * $pause);

		while (time() < $next)
		{
			$run->{faults}->tend;
			sleep(0.01);
		}
		$run->{faults}->strike($fault);
	}
	return;
}

sub settle
{
	my ($run, $client, $timeout) = @_;
	my $end = time() + $timeout;
	my $faults = $run->{faults};

	$run->{is_settled} = poll(
		sub {
			$faults->tend;
			$run->{client_exit} = $? if !defined $run->{client_exit} && waitpid($client, POSIX::WNOHANG) == $client;
			return 0 if !defined $run->{client_exit};
			return ($faults->query(q{SELECT NOT EXISTS (SELECT FROM df.instance_state WHERE completed_at IS NULL)
				AND NOT EXISTS (SELECT FROM df.inbox)}) // '') eq 't';
		}, $timeout);
	if (!defined $run->{client_exit})
	{
		kill('KILL', $client);
		waitpid($client, 0);
	}
	return;
}

# ----------------------------------------------------------------------- after

sub wrong { my ($report, $text) = @_; push @{ $report->{wrong} }, $text; return; }

sub rows
{
	my ($run, $sql) = @_;

	return map { [ split(/\|/, $_, -1) ] } split(/\n/, $run->{node}->safe_psql('postgres', $sql));
}

sub judge
{
	my ($run, $report) = @_;
	my %found = map { $_->[0] => $_ } rows($run, q{SELECT instance_id, runtime_status, output, failure_details ->> 'errorMessage' FROM df.instances});
	my %effects = map { $_->[0] => $_ }
	  rows($run, q{SELECT split_part(key, ':', 1), count(*), count(DISTINCT key) FROM public.effects GROUP BY 1});

	wrong($report, 'not everything came to its end in time') if !$run->{is_settled};
	wrong($report, 'the client did not come to its end') if ($run->{client_exit} // 1) != 0;
	foreach my $note (split(/\n/, slurp($run->{acknowledged})))
	{
		my ($what, $id, $n) = split(/ /, $note);

		$report->{acknowledged}++;
		wrong($report, "acknowledged but missing: $note") if !$found{$id};
	}
	foreach my $id (sort keys %{ $run->{instances} })
	{
		my ($expected, $row) = ($run->{instances}{$id}, $found{$id});
		my $status = $expected->{kind} eq 'doomed' ? 'Terminated' : 'Completed';

		next if !$row;
		wrong($report, "lost: instance $id is $row->[1] ($row->[3]), expected $status") if $row->[1] ne $status;
		wrong($report, "instance $id has output $row->[2], expected $expected->{output}")
		  if $row->[1] eq 'Completed' && $row->[2] ne $expected->{output};
		my ($count, $distinct) = $effects{$id} ? @{ $effects{$id} }[ 1, 2 ] : (0, 0);
		wrong($report, "doubled: instance $id has $count effects of $distinct, expected $expected->{effects}")
		  if $count != $expected->{effects} || $distinct != $expected->{effects};
	}
	foreach my $owner (undef, qw(regress_user regress_other))
	{
		my $call = defined $owner ? "df.doctor(replay => '$owner', settle => '0') WHERE finding = 'I10'" : "df.doctor(true, settle => '0')";

		wrong($report, 'doctor: ' . join(' ', @{$_}))
		  foreach rows($run, "SELECT * FROM $call");
	}
	judge_executions($run, $report);
	judge_exits($run, $report);
	return;
}

# What was run outside of the database: how often, and by whom.
sub judge_executions
{
	my ($run, $report) = @_;
	my %runs;

	foreach my $line (split(/\n/, slurp($run->{log})))
	{
		my ($what, $key, $worker, $time) = split(/ /, $line);

		push @{ $runs{$key} }, { worker => $worker, time => $time / 1e6 } if $what eq 'S';
	}
	foreach my $key (keys %runs)
	{
		my $n = @{ $runs{$key} };

		$report->{executed} += $n;
		$report->{steps}++;
		wrong($report, "at most once: $key was run $n times") if $key =~ /^once-/ && $n > 1;
		$report->{again} += $n - 1 if $key !~ /^(stubborn|mends)-/;
	}
	$run->{runs} = \%runs;
	return;
}

# Workers end when they are killed or asked to (143: before they could listen; 1: the server was down).
sub judge_exits
{
	my ($run, $report) = @_;

	foreach my $left (@{ $run->{faults}{left} })
	{
		next if $left->{is_asked} && $left->{exit} =~ /^(0|1|137|143)$/;
		wrong($report, "worker $left->{name} ended with $left->{exit}");
	}
	return;
}

# How long it took until what a killed worker had was begun again, and until something was recorded after a crash.
sub measure
{
	my ($run, $report) = @_;
	my @crashes = @{ $run->{faults}{crashed} };

	foreach my $kill (@{ $run->{faults}{killed} })
	{
		foreach my $key (keys %{ $run->{runs} })
		{
			# some are run again in any case
			next if $key =~ /^(stubborn|mends)-/;

			my $runs = $run->{runs}{$key};
			my ($had) = sort { $b->{time} <=> $a->{time} } grep { $_->{time} < $kill->{time} } @{$runs};
			my $next = min(map { $_->{time} } grep { $_->{time} > $kill->{time} && $_->{worker} ne $kill->{worker} } @{$runs});

			next if !$had || $had->{worker} ne $kill->{worker} || !defined $next;
			# a server that is down delays what the kill did not
			next if grep { $_->{time} > $kill->{time} - 3 && $_->{time} - 3 < $next } @crashes;
			push @{ $report->{after_kill} }, $next - $kill->{time};
		}
	}
	foreach my $crash (@crashes)
	{
		my ($row) = rows($run, "SELECT extract(epoch FROM min(event_time)) FROM df.history WHERE event_type IN (5, 6)"
			. " AND event_time > to_timestamp($crash->{time})");

		push @{ $report->{after_crash} }, $row->[0] - $crash->{time} if $row && $row->[0] && $crash->{time} < $run->{is_calm};
	}
	return;
}

sub stop_all
{
	my ($run, $report) = @_;

	foreach my $worker (@{ $run->{faults}{slots} })
	{
		my $exit = eval { $worker->term };

		wrong($report, 'worker ' . $worker->name . ' ended with ' . ($exit // 'nothing')) if ($exit // 1) != 0;
	}
	$run->{proxy}->stop;
	return;
}

# The figures, for people.
sub report_lines
{
	my ($report) = @_;
	my $run = $report->{run};
	my $counts = $run->{faults}{counts};
	my $percentiles = sub {
		my @values = sort { $a <=> $b } @{ $_[0] // [] };

		return 'none' if !@values;
		return sprintf('%d, p50 %.2f s, p99 %.2f s, max %.2f s', scalar(@values), $values[ $#values / 2 ],
			$values[ int($#values * 0.99 + 0.5) ], $values[-1]);
	};

	return (
		sprintf('seed %d: %d tasks, %d instances, %.1f s', $report->{seed}, $report->{tasks}, scalar(keys %{ $run->{instances} }), $run->{seconds}),
		'faults: ' . join(', ', map { "$_ $counts->{$_}" } sort keys %{$counts}),
		sprintf('acknowledged %d; activities begun %d for %d tasks, %d of them again', $report->{acknowledged} // 0,
			$report->{executed} // 0, $report->{steps} // 0, $report->{again} // 0),
		'begun again after a worker was killed: ' . $percentiles->($report->{after_kill}),
		'recorded again after the server accepted: ' . $percentiles->($report->{after_crash}),
		sprintf('broken promises: %d', scalar(@{ $report->{wrong} })));
}

1;

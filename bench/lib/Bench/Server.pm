# bench/lib/Bench/Server.pm: the benchmark's cluster, its databases and workers, and what they have used.
#
# Rule: every measurement has a database of its own, and warm workers.

package Bench::Server;

use strict;
use warnings;

use Carp;
use Exporter 'import';
use POSIX ();
use Pgdf::Process qw(poll slurp spawn_worker);

our @EXPORT_OK = qw(sql client pgbench fresh_database conninfo start_workers start_gateway stop_workers workers
  usage used peak_kb http_client);

my $database = 'postgres';
my $databases = 0;
my @workers;
my $gateways = 0;
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

sub conninfo { return "host=$ENV{PGHOST} dbname=$database user=" . ($_[0] // 'postgres'); }

# Run a program and return what it prints.
sub output_of
{
	my (@argv) = @_;

	open(my $pipe, '-|', @argv) or croak "could not run $argv[0]: $!";
	local $/;
	my $out = <$pipe>;
	close($pipe) or croak "$argv[0] ended with status $?";
	return $out // '';
}

# The answer of a query, unaligned; of several statements, all answers.
sub sql
{
	my ($sql, $user) = @_;
	my $out = output_of('psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-d', conninfo($user), '-c', $sql);

	chomp $out;
	return $out;
}

sub client { return output_of("$ENV{BENCH_DIR}/client", @_); }

# Transactions a second of a script.  clients, seconds or count (transactions of each client), user, define => {...}
sub pgbench
{
	my ($script, %opts) = @_;
	my $path = "$ENV{BENCH_RUN}/script.sql";

	open(my $file, '>', $path) or croak "could not write \"$path\": $!";
	print $file $script;
	close($file) or croak "could not write \"$path\": $!";
	my $out = output_of('pgbench', '-n', '-f', $path, '-M', 'prepared', '-c', $opts{clients} // 1,
		($opts{count} ? ('-t', $opts{count}) : ('-T', $opts{seconds} // 3)),
		(map { ('-D', "$_=$opts{define}{$_}") } keys %{ $opts{define} // {} }),
		conninfo($opts{user}));

	$out =~ /^tps = ([\d.]+) /m or croak "pgbench printed no tps:\n$out";
	return $1;
}

# Make a new database the current one: with the workloads, or with the floors.
sub fresh_database
{
	my ($template) = @_;
	my $old = $database;

	stop_workers();
	$database = 'postgres';
	sql("DROP DATABASE IF EXISTS $old WITH (FORCE)") if $old ne 'postgres';
	my $name = 'bench_' . ++$databases;

	sql("CREATE DATABASE $name TEMPLATE $template");
	sql('CHECKPOINT');
	$database = $name;
	sql('SELECT df_adopt()') if sql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pgdf'});
	return;
}

# Workers, and what else spawn_worker() takes for them.
sub start_workers
{
	my ($count, %opts) = @_;

	foreach (1 .. $count)
	{
		push @workers, spawn_worker(
			conninfo => conninfo('bench_worker'),
			dir => $ENV{BENCH_RUN},
			query => \&sql,
			%opts);
	}
	return;
}

# "pgdf gateway" as bench_user; returns its address as [host, port].  It counts as a worker.
sub start_gateway
{
	my (%opts) = @_;
	my $log = "$ENV{BENCH_RUN}/gateway." . ++$gateways . '.log';
	my $gateway = Pgdf::Process->start(
		argv => [ $ENV{PGDF}, 'gateway', '--http', '127.0.0.1:0', '--dbname', conninfo('bench_user'), @{ $opts{args} // [] } ],
		log => $log);

	push @workers, $gateway;
	return [ split(/:/, $gateway->wait_log(qr!serving HTTP on http://(\S+)!)) ];
}

sub http_client
{
	my ($address, @args) = @_;

	return output_of("$ENV{BENCH_DIR}/http_client", @{$address}, @args);
}

sub stop_workers
{
	$_->term foreach @workers;
	@workers = ();
	return;
}

sub workers { return @workers; }

# Processor seconds of a process, and of those of its children that have ended.
sub cpu_of
{
	my ($pid) = @_;
	my @fields = split(' ', slurp("/proc/$pid/stat") =~ s/.*\) //sr);

	return 0 if !@fields;
	return ($fields[11] + $fields[12] + $fields[13] + $fields[14]) / $ticks;
}

sub postmaster { return (split(/\n/, slurp("$ENV{BENCH_RUN}/data/postmaster.pid")))[0]; }

sub backends
{
	my $pid = postmaster();

	return split(' ', slurp("/proc/$pid/task/$pid/children"));
}

# What has been used so far: server and worker processor seconds, position in the WAL.
sub usage
{
	my %usage = (wal => sql('SELECT pg_current_wal_insert_lsn()'), server => 0, worker => 0);

	$usage{server} += cpu_of($_) foreach postmaster(), backends();
	$usage{worker} += cpu_of($_->pid) foreach @workers;
	return \%usage;
}

# The difference between two of them; commits are counted in the WAL.
sub used
{
	my ($before, $after) = @_;
	my $dump = "pg_waldump --path '$ENV{BENCH_RUN}/data/pg_wal' --stats=record --rmgr Transaction"
	  . " --start $before->{wal} --end $after->{wal} 2>/dev/null";
	my $stats = `$dump`;    # it may complain of the end, where the next record is still missing

	return {
		server => $after->{server} - $before->{server},
		worker => $after->{worker} - $before->{worker},
		wal => sql("SELECT '$after->{wal}'::pg_lsn - '$before->{wal}'"),
		commits => $stats =~ /^Transaction\/COMMIT\s+(\d+)/m ? $1 : 0,
	};
}

# The most that a worker, and that a backend, has had of its own in memory so far (kB), shared buffers left out.
sub peak_kb
{
	my ($worker, $backend) = (0, 0);

	foreach my $pid (map { $_->pid } @workers)
	{
		$worker = $1 if slurp("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m && $1 > $worker;
	}
	foreach my $pid (backends())
	{
		my $status = slurp("/proc/$pid/status");
		my $shared = $status =~ /^RssShmem:\s+(\d+)/m ? $1 : 0;
		my $own = $status =~ /^VmHWM:\s+(\d+)/m ? $1 - $shared : 0;

		$backend = $own if $own > $backend;
	}
	return ($worker, $backend);
}

1;

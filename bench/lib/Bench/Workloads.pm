# bench/lib/Bench/Workloads.pm: the workloads, as a table; each row says how it is run and what it is compared with.
#
# A workload is {name, sizes, floor, run}: run($n) is called once for each size and returns one or more
# rows: {seconds, rate, ...}.  measure() adds what the run used.  To add one, add a row here.

package Bench::Workloads;

use strict;
use warnings;

use Bench::Files qw(copy_with_fsync make_files);
use Bench::Http qw(http_starts http_statuses);
use Bench::Server qw(client conninfo fresh_database peak_kb pgbench sql start_workers stop_workers usage used workers);
use Exporter 'import';
use JSON::PP;
use Pgdf::Azurite;
use Pgdf::Process qw(slurp);
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(workloads);

my $sustain = $ENV{SUSTAIN} // 20;
my $idle_seconds = $ENV{IDLE_SECONDS} // 15;

sub workloads
{
	return (
		# name, sizes, floor, how; rates are of activities, steps, instances or files a second
		[ 'W1', [ 100, 1000, 10_000, 100_000 ], 'batch100', sub { one_instance('fan_out', 'noop', $_[0]) } ],
		[ 'W1m', [ 1_000_000 ], 'batch100', \&map_over_query ],
		[ 'W1s', [ 10_000 ], 'batch100', sub { one_instance('fan_out', 'bench_noop', $_[0]) } ],
		[ 'W2', [ 100, 1000 ], 'insert1', sub { one_instance('chain', 'noop', $_[0]) } ],
		[ 'W2s', [ 100, 1000 ], 'insert1', sub { one_instance('chain', 'bench_noop', $_[0]) } ],
		[ 'W3', [ 10_000 ], 'batch100', sub { many_instances($_[0], 'noop', 1) } ],
		[ 'W3x3', [ 10_000 ], 'batch100', sub { many_instances($_[0], 'noop', 3) } ],
		[ 'W3s', [ 10_000 ], 'batch100', sub { many_instances($_[0], 'bench_noop', 1) } ],
		[ 'W3sx3', [ 10_000 ], 'batch100', sub { many_instances($_[0], 'bench_noop', 3) } ],
		[ 'W4', [500], undef, sub { latency($_[0], 'noop') } ],
		[ 'W4s', [500], undef, sub { latency($_[0], 'bench_noop') } ],
		[ 'W5', [2000], 'insert1', \&start_singly ],
		[ 'W5set', [ 100_000 ], undef, \&start_as_set ],
		[ 'W6', [ 100_000 ], undef, \&idle ],
		[ 'W7', [undef], undef, \&sustained ],
		[ 'W8', [ 10_000 ], undef, sub { backup($_[0], 'file') } ],
		[ 'W8azure', [ 1000 ], undef, sub { backup($_[0], 'azure') } ],
		[ 'H1', [undef], undef, sub { http_statuses(\&measured) } ],
		[ 'H2', [undef], undef, sub { http_starts(\&measured) } ],
		(map { my $workers = $_; [ "W9/W1/$_", [ 10_000 ], undef, sub { one_instance('fan_out', 'noop', $_[0], workers => $workers) } ] } 1, 2, 4, 8),
		(map { my $workers = $_; [ "W9/W3/$_", [ 10_000 ], undef, sub { many_instances($_[0], 'noop', 1, workers => $workers) } ] } 1, 2, 4, 8),
	);
}

# Run a part between two looks at what has been used.
sub measured
{
	my ($part) = @_;
	my $before = usage();
	my $row = $part->();
	my $used = used($before, usage());

	$row->{wal_mb} = $used->{wal} / 1048576;
	$row->{commits} = $used->{commits};
	$row->{server_s} = $used->{server};
	$row->{worker_s} = $used->{worker};
	return $row;
}

# A database of its own, and workers whose sessions have made their plans.
sub prepare
{
	my (%opts) = @_;
	my $workers = $opts{workers} // 1;

	fresh_database('bench_workloads');
	start_workers($workers, args => [ '--max-activities', 1000, @{ $opts{args} // [] } ]) if $workers > 0;
	drain("SELECT count(df_start('bench_fan_out', '{\"n\": 300, \"activity\": \"$_\"}')) FROM generate_series(1, $workers * 3)")
	  foreach ($workers > 0 ? ('noop', 'bench_noop') : ());
	sql('CHECKPOINT');
	return;
}

# Run SQL that starts instances: seconds that it took, and then to the end of the last one.
sub drain
{
	my ($sql) = @_;

	return split(' ', client('drain', conninfo('bench_user'), conninfo(), $sql));
}

sub start_sql
{
	my ($kind, $activity, $n, $count) = @_;

	return qq{SELECT count(df_start('bench_$kind', '{"n": $n, "activity": "$activity"}')) FROM generate_series(1, } . ($count // 1) . ')';
}

# One instance with n activities, at once or in sequence.
sub one_instance
{
	my ($kind, $activity, $n, %opts) = @_;

	prepare(%opts);
	return measured(sub {
		my ($started, $seconds) = drain(start_sql($kind, $activity, $n));

		return { seconds => $seconds, rate => $n / $seconds, note => note_of_turns() };
	});
}

sub note_of_turns
{
	return sql('SELECT turns FROM df.instance_state ORDER BY instance_key DESC LIMIT 1') . ' turns';
}

sub map_over_query
{
	my ($n) = @_;

	prepare();
	if (sql(q{SELECT count(*) FROM pg_proc WHERE proname = 'df_map_agg'}) eq '0')
	{
		return { note => 'df_map_agg is not there' };
	}
	return measured(sub {
		my ($started, $seconds) = drain(start_sql('map', 'noop', $n));
		my ($worker, $backend) = peak_kb();

		return {
			seconds => $seconds,
			rate => $n / $seconds,
			note => sprintf('%d MB worker, %d MB backend', $worker / 1024, $backend / 1024)
		};
	});
}

# n instances, started in one transaction; the time is from its commit to the end of the last.
sub many_instances
{
	my ($n, $activity, $steps, %opts) = @_;

	prepare(%opts);
	return measured(sub {
		my ($started, $seconds) = drain(start_sql('chain', $activity, $steps, $n));

		return { seconds => $seconds, rate => $n / $seconds, note => sprintf('started in %.2f s', $started) };
	});
}

# From df_start committed to df_wait returned, the system being idle before.
sub latency
{
	my ($n, $activity) = @_;

	prepare();
	return latency_row($n, $activity);
}

sub latency_row
{
	my ($n, $activity) = @_;

	return measured(sub {
		my $started = time();
		my @us = sort { $a <=> $b } split(' ', client('pairs', conninfo('bench_user'), $n, 25,
			qq{SELECT df_start('bench_chain', '{"n": 1, "activity": "$activity"}')},
			'SELECT runtime_status FROM df_wait($1)'));

		return { seconds => time() - $started, percentiles(@us) };
	});
}

# Of sorted microseconds.
sub percentiles
{
	my (@us) = @_;

	return map { ("p${_}_ms" => $us[ POSIX::ceil(@us * $_ / 100) - 1 ] / 1000) } 50, 95, 99;
}

sub start_singly
{
	my ($n) = @_;

	prepare(workers => 0);
	return measured(sub {
		my $rate = pgbench(qq{SELECT df_start('bench_chain', '{"n": 1, "activity": "noop", "text": "@{[ 'x' x 60 ]}"}');\n},
			count => $n, user => 'bench_user');

		return { seconds => $n / $rate, rate => $rate };
	});
}

sub start_as_set
{
	my ($n) = @_;

	prepare(workers => 0);
	return measured(sub {
		my $started = time();

		sql(qq{SELECT count(df_start('bench_chain', '{"n": 1, "activity": "noop", "text": "@{[ 'x' x 60 ]}"}')) FROM generate_series(1, $n)},
			'bench_user');
		my $seconds = time() - $started;

		return { seconds => $seconds, rate => $n / $seconds };
	});
}

# n instances that wait for tomorrow: what the worker uses, how often it asks, and how soon it is awake.
sub idle
{
	my ($n) = @_;

	prepare();
	my $before = latency_row(100, 'noop');
	my $ready = q{SELECT count(*) FROM df.instance_state WHERE awaited IS NULL AND completed_at IS NULL};

	sql(qq{SELECT count(df_start('bench_wait', to_jsonb(i))) FROM generate_series(1, $n) AS i}, 'bench_user');
	sleep(0.5) while sql($ready) ne '0';
	sql('VACUUM ANALYZE');
	sleep(2);
	my ($switches, $idle) = (switches(), undef);
	my $row = measured(sub { $idle = queries_while(sub { sleep($idle_seconds) }); return { seconds => $idle_seconds }; });
	my $after = latency_row(100, 'noop');

	$row->{p50_ms} = $after->{p50_ms};
	$row->{note} = sprintf('worker %.3f %% CPU, %.1f queries in 5 s, W4 p50 was %.2f',
		100 * $row->{worker_s} / $idle_seconds, $idle * 5 / $idle_seconds, $before->{p50_ms});
	return $row;
}

sub switches
{
	my ($worker) = workers();

	return slurp('/proc/' . $worker->pid . '/status') =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : 0;
}

# The most queries that any connection of a worker ran meanwhile.
sub queries_while
{
	my ($part) = @_;
	my $count = q{SELECT coalesce(max(c), 0) FROM (SELECT count(*) AS c FROM floor_log GROUP BY pid) AS q};
	my $log = "$ENV{BENCH_RUN}/server.log";
	my $size = -s $log;

	sql(q{ALTER ROLE bench_worker SET log_statement = 'none'});
	sql(q{ALTER SYSTEM SET log_min_duration_statement = 0; });
	sql('SELECT pg_reload_conf()');
	sleep(0.3);
	$size = -s $log;
	$part->();
	sql(q{ALTER SYSTEM RESET log_min_duration_statement});
	sql('SELECT pg_reload_conf()');

	my %queries;
	my $text = substr(slurp($log), $size);

	$queries{$1}++ while $text =~ /\[(\d+)\] bench_worker\@\S+ LOG:  duration: [\d.]+ ms  (?:execute|statement)/g;
	my ($most) = sort { $b <=> $a } values %queries;

	return $most // 0;
}

# W3 for a while, with another session's snapshot open: the rate of the last part against that of the first.
sub sustained
{
	prepare();
	my $part = $sustain / 5;
	my $snapshot = fork() // die "could not fork: $!";

	if ($snapshot == 0)
	{
		open(STDOUT, '>', '/dev/null');
		exec('psql', '-X', '-q', '-d', conninfo(), '-c', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM df.history; SELECT pg_sleep('
			  . ($sustain + 600) . ')');
	}
	sleep(0.5);
	my $row = measured(sub {
		client('sustain', conninfo('bench_user'), conninfo(), $sustain, 2000, start_sql('chain', 'noop', 1, 200));
		return { seconds => $sustain };
	});

	kill('INT', $snapshot);
	waitpid($snapshot, 0);
	my @rates = split(/\n/, sql(qq{
		SELECT count(*) / $part FROM df.instance_state, (SELECT min(completed_at) AS start FROM df.instance_state WHERE name = 'bench_chain') AS f
		 WHERE name = 'bench_chain' AND completed_at < start + interval '$sustain s'
		 GROUP BY floor(extract(epoch FROM completed_at - start) / $part) ORDER BY floor(extract(epoch FROM completed_at - start) / $part)}));

	$row->{n} = sql(q{SELECT count(*) FROM df.instance_state WHERE name = 'bench_chain'});
	$row->{rate} = $rates[-1];
	$row->{floor} = $rates[0];
	$row->{ratio} = $rates[-1] / $rates[0];
	$row->{note} = 'last fifth against the first (as floor)';
	return $row;
}

# E2_BackupSiteContent over n files of 1 KiB; compared with cp -r that syncs each file.
sub backup
{
	my ($n, $store) = @_;
	my $tree = "$ENV{BENCH_RUN}/tree";
	my $copy = "$ENV{BENCH_RUN}/copy";
	my %opts = (args => [ '--e2-root', $tree ]);
	my ($azurite, $floor);

	make_files($tree, $n, 1024);
	if ($store eq 'azure')
	{
		return { note => 'Azurite is not installed' } if !-d "$ENV{PGDF_TEST_DIR}/azurite/node_modules";
		mkdir("$ENV{BENCH_RUN}/azurite");
		$azurite = Pgdf::Azurite->new("$ENV{BENCH_RUN}/azurite");
		$opts{args} = [ @{ $opts{args} }, '--blob-store', 'azure:' ];
		$opts{env} = { AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string };
	}
	else
	{
		push @{ $opts{args} }, '--blob-store', "file://$copy.blobs";
		$floor = $n / copy_with_fsync($tree, $copy);
	}
	fresh_database('bench_workloads');
	start_workers(1, %opts);
	my $row = measured(sub {
		my ($started, $seconds) = drain("SELECT df_start('E2_BackupSiteContent', to_jsonb('$tree'::text))");

		return { seconds => $seconds, rate => $n / $seconds, floor => $floor };
	});

	stop_workers();
	$azurite->stop if $azurite;
	system('rm', '-rf', $tree, $copy, "$copy.blobs", "$ENV{BENCH_RUN}/azurite");
	$row->{note} = 'the floor is cp -r with a sync for each file' if $floor;
	return $row;
}

1;

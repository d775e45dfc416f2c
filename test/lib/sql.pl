# test/lib/sql.pl: the SQL suites (regress, isolation): a database for each test, several tests at a time.
#
# The server is the one that PGHOST, PGPORT ... name.  A test says in its first lines what it needs, as in
# "-- needs: worker plpython3u" ("# needs: ..." in a spec):
#   worker        a running worker on the test's database; without it nothing advances but what the test does itself
#   module:NAME   the library made of test/modules/NAME.c
#   other words   an extension that the server must offer, or else the test is skipped

use strict;
use warnings;

use File::Basename;
use File::Path 'make_path';
use Getopt::Long;
use Pgdf::Process qw(slurp spawn_worker);
use Time::HiRes 'time';

my %suites = (
	regress => {
		dir => $ENV{PGDF_TEST_DIR},
		files => 'sql/*.sql',
		command => [ $ENV{PG_REGRESS}, "--inputdir=$ENV{PGDF_TEST_DIR}" ]
	},
	isolation => {
		dir => "$ENV{PGDF_TEST_DIR}/isolation",
		files => 'specs/*.spec',
		command => [ $ENV{PG_ISOLATION_REGRESS}, "--inputdir=$ENV{PGDF_TEST_DIR}/isolation" ]
	});
my ($suite_name, $installcheck, $jobs, $deadline, $counts) = ('regress', 0, 4, $ENV{PGDF_TEST_DEADLINE} // 120, undef);
my (%running, %outcome, @databases);

GetOptions(
	'suite=s' => \$suite_name,
	'installcheck' => \$installcheck,
	'jobs=i' => \$jobs,
	'deadline=i' => \$deadline,
	'counts=s' => \$counts,
	'v' => sub { }) or die "wrong options\n";
$| = 1;

my $suite = $suites{$suite_name} or die "no such suite: $suite_name\n";
my $parent = $$;
my $output_dir = "$ENV{TESTDIR}/$suite_name";

make_path($output_dir);
psql('postgres', '-f', "$ENV{PGDF_TEST_DIR}/lib/roles.sql") if $installcheck;
run_all(tests_to_run(@ARGV));
show_failure($_) foreach sort grep { $outcome{$_} eq 'not ok' } keys %outcome;
write_counts();
exit(grep({ $_ eq 'not ok' } values %outcome) ? 1 : 0);

END
{
	my $status = $?;

	clean_server() if $installcheck && defined $parent && $$ == $parent;
	$? = $status;
}

sub tests_to_run
{
	my (@wanted) = @_;
	my %wanted = map { $_ => 1 } @wanted;
	my @tests = map { basename($_) =~ s/\.\w+$//r } sort glob("$suite->{dir}/$suite->{files}");

	return @wanted ? grep { $wanted{$_} } @tests : @tests;
}

sub run_all
{
	my (@tests) = @_;

	while (@tests || %running)
	{
		start_test(shift @tests) while @tests && keys %running < $jobs;
		finish_test();
	}
	return;
}

sub start_test
{
	my ($test) = @_;
	my $database = substr("pgdf_$test", 0, 63);
	my $pid;

	push @databases, $database;
	$pid = fork() // die "could not fork: $!\n";
	exit(run_test($test, $database)) if $pid == 0;
	$running{$pid} = { test => $test, started => time() };
	return;
}

sub finish_test
{
	my $pid = wait();
	my $run = delete $running{$pid} or return;
	my %names = (0 => 'ok', 77 => 'skipped');

	$outcome{ $run->{test} } = $names{ $? >> 8 } // 'not ok';
	$outcome{ $run->{test} } = 'not ok' if $? & 127;
	printf "%-8s %-56s %6d ms\n", $outcome{ $run->{test} }, $run->{test}, 1000 * (time() - $run->{started});
	return;
}

# In a process of its own; returns its exit code, 77 when the server lacks something.
sub run_test
{
	my ($test, $database) = @_;
	my $dir = "$output_dir/$test";
	my %needs = needs($test);
	my $with_worker = delete $needs{worker};
	my $worker;

	make_path("$dir/results");
	open(STDERR, '>', "$dir/setup.log") or die;
	expect_something($test);
	foreach my $need (keys %needs)
	{
		return 77 if !is_offered($need);
	}
	psql('postgres', '-c', "CREATE DATABASE \"$database\" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
	psql($database, '-f', $_) foreach grep { -e } map { "$ENV{PGDF_TEST_DIR}/lib/$_.sql" } qw(database helpers);
	$worker = start_worker($database, $dir) if $with_worker;

	open(STDOUT, '>', "$dir/run.log") or die;

	my $status = system('timeout', '-k', '10', $deadline, @{ $suite->{command} },
		"--outputdir=$dir", "--bindir=$ENV{BINDIR}", '--use-existing', "--dbname=$database", $test) == 0 ? 0 : 1;

	if ($worker && ($worker->is_running ? $worker->term : $worker->wait_exit) != 0)
	{
		print STDERR "the worker did not end well\n";
		$status = 1;
	}
	return $status;
}

# A test without an expected file has one difference: everything.
sub expect_something
{
	my ($test) = @_;

	return if grep { -e } glob("$suite->{dir}/expected/${test}{,_1,_2}.out");
	open(my $fh, '>', "$suite->{dir}/expected/$test.out") or die "could not write an expected file: $!\n";
	return;
}

sub start_worker
{
	my ($database, $dir) = @_;

	# a running server may not let just anybody in: there the worker is who runs the tests
	my $user = $installcheck ? '' : ' user=regress_worker';

	make_path("$dir/blobs");
	return spawn_worker(
		conninfo => "dbname='$database'$user",
		dir => $dir,
		query => sub { return psql($database, '-c', $_[0]); },
		args => [ '--blob-store', "file://$dir/blobs" ]);
}

sub needs
{
	my ($test) = @_;
	my ($file) = glob("$suite->{dir}/" . $suite->{files} =~ s/\*/$test/r);
	my @words;

	foreach my $line (split(/\n/, slurp($file)))
	{
		last if $line !~ /^(--|#|\s*$)/;
		push @words, split(' ', $1) if $line =~ /^(?:--|#) needs: (.*)/;
	}
	return map { $_ => 1 } @words;
}

sub is_offered
{
	my ($need) = @_;

	if (my ($module) = $need =~ /^module:(\w+)$/)
	{
		my $library = `pg_config --pkglibdir` =~ s/\n//r . "/$module.so";

		return -e $library;
	}
	return psql('postgres', '-c', "SELECT 1 FROM pg_available_extensions WHERE name = '$need'") eq '1';
}

# Run psql with -c SQL or -f FILE on a database; returns the output, dies when it fails.
sub psql
{
	my ($database, @args) = @_;

	open(my $fh, '-|', "$ENV{BINDIR}/psql", qw(-X -A -t -q -v ON_ERROR_STOP=1 -d), $database, @args)
	  or die "could not run psql: $!\n";
	local $/;
	my $output = <$fh> // '';
	close($fh) or die "psql ended with status $?: @args\n";
	$output =~ s{\n\z}{};
	return $output;
}

sub show_failure
{
	my ($test) = @_;
	my $dir = "$output_dir/$test";

	foreach my $file ("$dir/regression.diffs", "$dir/setup.log", "$dir/worker.log", "$dir/run.log")
	{
		my @lines = split(/\n/, slurp($file)) or next;

		@lines = (@lines[ 0 .. 79 ], '...') if @lines > 80;
		print "\n# $test: ", basename($file), "\n", map { "$_\n" } @lines;
		return if $file =~ /diffs$/;
	}
	return;
}

sub clean_server
{
	foreach my $database (@databases)
	{
		eval { psql('postgres', '-c', "DROP DATABASE IF EXISTS \"$database\" WITH (FORCE)"); };
	}
	foreach my $role (slurp("$ENV{PGDF_TEST_DIR}/lib/roles.sql") =~ /CREATE ROLE (\w+)/g)
	{
		eval { psql('postgres', '-c', "DROP ROLE $role"); };
	}
	return;
}

sub write_counts
{
	my @skipped = sort grep { $outcome{$_} eq 'skipped' } keys %outcome;

	print 'skipped (see their "needs:"): ', join(', ', @skipped), "\n" if @skipped;
	open(my $fh, '>', $counts) or die "could not write \"$counts\": $!\n";
	print $fh scalar(grep { $_ eq 'ok' } values %outcome), ' ',
	  scalar(grep { $_ eq 'not ok' } values %outcome), "\n";
	close($fh) or die "could not write \"$counts\": $!\n";
	return;
}

# E2_BackupSiteContent through the database: the total, each file once, workers that are killed, workers that share.

use strict;
use warnings;

use JSON::PP;
use Pgdf::E2;
use Pgdf::Test;

my $node = new_node('main');
my $base = temp_dir();
my $tree = "$base/tree";
my $store = "$base/store";
my %opts = (args => [ '--blob-store', "file://$store", '--e2-root', $base ]);
my $total = make_tree(2000);

# asked inside the server, as starting a client takes part of the time that is measured
$node->safe_psql('postgres', q{
	CREATE FUNCTION wait_for_takeover() RETURNS float8 LANGUAGE plpgsql AS $$
	BEGIN
		WHILE EXISTS (SELECT FROM df.tasks t JOIN df.worker_sessions w USING (worker_key)
					  WHERE t.state = 1 AND w.name LIKE 'killed%')
		LOOP
			PERFORM pg_sleep(0.005);
		END LOOP;
		RETURN extract(epoch FROM clock_timestamp());
	END $$});

# one worker, from the first line of the README
my $worker = start_worker($node, %opts);
my $id = backup($tree);

wait_for_status($node, $id, 'Completed');
is(result($id), $total, 'the result is the size of the tree');
is(bytes_below($store), $total, 'the blobs have that many bytes');
recorded_once($id, 2000);
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'OrchestratorStarted'"),
	3, 'three turns: start, list, all copies');

# an empty directory: one activity
mkdir("$base/empty") or die;
$id = backup("$base/empty");
wait_for_status($node, $id, 'Completed');
is(result($id), 0, 'an empty directory is 0 bytes');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskScheduled'"), 1, 'and one activity');

# input that is no path: nothing is scheduled
foreach my $input ('null', '""', '" "', '1', '{"path": "/tmp"}', undef)
{
	$id = df_start($node, 'E2_BackupSiteContent', $input, user => 'regress_user');
	wait_for_status($node, $id, 'Failed');
	my $failure = failure($id);

	like($failure->{errorMessage}, qr/"root"/, 'input ' . ($input // 'NULL') . ': the failure names the parameter');
	is($failure->{isNonRetriable}, JSON::PP::true, 'it is final');
	is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskScheduled'"), 0, 'nothing was scheduled');
}

# directories that cannot be listed
my %failing = (
	"$base/missing" => 'DirectoryNotFound', "$tree/dir0/file0" => 'NotADirectory', '/etc' => 'AccessDenied',
	"$base/../.." => 'AccessDenied');

foreach my $dir (sort keys %failing)
{
	$id = backup($dir);
	wait_for_status($node, $id, 'Failed');
	is(failure($id)->{errorType}, $failing{$dir}, "$failing{$dir} for " . $dir =~ s/^\Q$base\E//r);
}

# some files cannot be copied: the others are, then it fails, naming them
SKIP:
{
	skip('root reads every file', 3) if $> == 0;
	chmod(0, "$tree/dir1/file$_") or die foreach 21, 41;
	system('rm', '-rf', $store) == 0 or die;
	$worker->term;
	$worker = start_worker($node, %opts);
	$id = backup($tree);
	wait_for_status($node, $id, 'Failed');
	my @blobs = files_below($store);

	is(scalar(@blobs), 1998, 'the other files are copied');
	like(failure($id)->{errorMessage}, qr!"\Q$tree\E/dir1/file\d+": Permission denied!, 'the failure names a file');
	is(failure($id)->{errorType}, 'PermissionDenied', 'and has its own type');
	chmod(0600, "$tree/dir1/file$_") or die foreach 21, 41;
}

# kill -9 in the middle, then a new worker
system('rm', '-rf', $store) == 0 or die;
$worker->term;
$worker = start_worker($node, %opts, name => 'killed');
$id = backup($tree);
wait_for(sub { return blobs() >= 500 }, '500 blobs');
$worker->stop;
my $done = blobs();
my $held = $node->safe_psql('postgres', "SELECT count(*) FROM df.tasks WHERE state = 1");

cmp_ok($done, '<', 2000, "the worker is killed in the middle, after $done blobs");
cmp_ok($held, '>', 0, "it holds $held tasks");
my $killed_at = time();
$worker->kill9;
my $rescuer = start_worker($node, %opts, name => 'rescuer', wait => 0);

my $taken_over_at = $node->safe_psql('postgres', 'SELECT wait_for_takeover()');
cmp_ok($taken_over_at - $killed_at, '<', bar(1.5), 'its tasks are taken over in time');
wait_for_status($node, $id, 'Completed');
is(result($id), $total, 'the result is the size of the tree');
is(bytes_below($store), $total, 'the blobs have that many bytes');
recorded_once($id, 2000);
is(temporary_files(), 0, 'no temporary file is left behind');

# two workers share one backup
system('rm', '-rf', $store) == 0 or die;
$rescuer->term;
my @workers = map { start_worker($node, name => $_, args => [ '--blob-store', "file://$base/$_", '--max-activities', 10 ]) } qw(left right);
$id = backup($tree);
wait_for_status($node, $id, 'Completed');
is(result($id), $total, 'the result is the size of the tree');
recorded_once($id, 2000);
my @left = files_below("$base/left");
my @right = files_below("$base/right");
cmp_ok(scalar(@left), '>', 200, 'one did ' . scalar(@left));
cmp_ok(scalar(@right), '>', 200, 'the other did ' . scalar(@right));
my %both = map { $_ => 1 } @left, @right;
is(@left + @right, 2000, 'nothing was done twice');
is(scalar(keys %both), 2000, 'everything was done');

# no worker of this test was larger than it may be
cmp_ok(peak_kb($_->pid), '<', memory_limit_kb(), 'a worker has ' . peak_kb($_->pid) . ' kB at most') foreach @workers;
is($_->term, 0, 'a worker stops') foreach @workers;

done_testing();

sub make_tree
{
	my ($count) = @_;
	my $bytes = 0;

	mkdir($tree) or die;
	foreach my $i (0 .. $count - 1)
	{
		my $dir = "$tree/dir" . $i % 20;

		-d $dir || mkdir($dir) or die;
		write_bytes("$dir/" . ($i == 7 ? "bad\xff" : "file$i"), 'x' x ($i * 7 % 5000));
		$bytes += $i * 7 % 5000;
	}
	return $bytes;
}

sub backup { return df_start($node, 'E2_BackupSiteContent', item_of($_[0]), user => 'regress_user'); }
sub result { return $node->safe_psql('postgres', "SELECT df_result('$_[0]', '1 s')"); }

sub failure_text
{
	return $node->safe_psql('postgres', "SELECT failure_details FROM df_status('$_[0]')");
}

sub failure { return decode_json(failure_text($_[0])); }

# Every file is the input of one scheduled activity, which has one recorded result.
sub recorded_once
{
	my ($instance, $count) = @_;
	my $rows = $node->safe_psql('postgres', qq{
		SELECT count(*), count(DISTINCT s.payload::text), count(c.task_id), count(DISTINCT c.task_id)
		FROM df_history('$instance') s
			LEFT JOIN df_history('$instance') c ON c.task_id = s.task_id AND c.event_type = 'TaskCompleted'
		WHERE s.event_type = 'TaskScheduled' AND lower(s.name) = 'e2_copyfiletoblob'});

	is($rows, join('|', ($count) x 4), "each of $count files has one recorded result");
	return;
}

sub blobs
{
	my @found = -d $store ? grep { !/\.tmp$/ } files_below($store) : ();

	return scalar(@found);
}

sub bytes_below
{
	my ($dir) = @_;
	my $bytes = 0;

	$bytes += -s "$dir/$_" foreach files_below($dir);
	return $bytes;
}

sub temporary_files
{
	my @found = grep { /\.tmp$/ } files_below($store);

	return scalar(@found);
}

sub peak_kb
{
	my ($pid) = @_;

	return slurp("/proc/$pid/status") =~ /VmHWM:\s+(\d+)/ ? $1 : 1e9;
}

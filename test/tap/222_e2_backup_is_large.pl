# E2_BackupSiteContent on 10,000 files and a sparse one of 2 GiB: the total is right, the worker stays small.

use strict;
use warnings;

use Pgdf::E2;
use Pgdf::Test;

my $node = new_node('main');
my $base = temp_dir();
my $tree = "$base/tree";
my $total = 2 * 1024 * 1024 * 1024;

mkdir($tree) or die;
foreach my $i (0 .. 9999)
{
	my $dir = "$tree/dir" . int($i / 100);

	-d $dir || mkdir($dir) or die;
	write_bytes("$dir/file$i", 'x' x ($i % 1000));
	$total += $i % 1000;
}
open(my $fh, '>', "$tree/sparse") or die;
truncate($fh, 2 * 1024 * 1024 * 1024) or die;
close($fh) or die;

my $worker = start_worker($node, args => [ '--blob-store', "file://$base/store" ]);
my $id = df_start($node, 'E2_BackupSiteContent', item_of($tree), user => 'regress_user');

wait_for_status($node, $id, 'Completed', timeout => 180);
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), $total, 'the result is the size of the tree');

my @blobs = files_below("$base/store");
is(scalar(@blobs), 10001, 'each file has its blob');
is(-s "$base/store/backups$tree/sparse", 2 * 1024 * 1024 * 1024, 'the sparse one too');

my ($peak_kb) = slurp('/proc/' . $worker->pid . '/status') =~ /VmHWM:\s+(\d+)/;
cmp_ok($peak_kb, '<', memory_limit_kb(), "the worker has $peak_kb kB at most");

is($node->safe_psql('postgres', qq{
	SELECT count(*), count(DISTINCT task_id) FROM df_history('$id') WHERE event_type = 'TaskCompleted'}),
	'10002|10002', 'each task has one recorded result');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'OrchestratorStarted'"),
	3, 'three turns: start, list, all copies');
is($worker->term, 0, 'the worker stops');

done_testing();

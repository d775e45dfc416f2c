# E2_BackupSiteContent into Azurite: the server goes away in the middle and comes back; no secret leaves the worker.

use strict;
use warnings;

use Pgdf::Azurite;
use Pgdf::E2;
use Pgdf::Test;

my $node = new_node('main');
my $base = temp_dir();
my $tree = "$base/tree";
my $azurite = Pgdf::Azurite->new($base);
my $port = $azurite->port;
my $total = make_tree(1000);
my %env = (AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string);
my $worker = start_worker($node, env => \%env, args => [ '--max-activities', 20, '--log-level', 'debug' ]);

# a failure that may be tried again is: nobody answers for a while
my $id = backup();
wait_for(sub { return blobs() >= 100 }, 'a hundred blobs');
$azurite->stop;    # not killed: what Azurite has acknowledged is in its memory for some seconds
my $before = retries();
wait_for(sub { return retries() > $before }, 'a copy that is to be tried again');
$azurite->start(port => $port);
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), $total, 'the result is the size of the tree');

my $blobs = $azurite->blobs('backups');
my $bytes = 0;

$bytes += $_ foreach values %{$blobs};
is(scalar(keys %{$blobs}), 1000, 'each file has its blob');
is($bytes, $total, 'the blobs have that many bytes');
is($azurite->get('backups', substr($tree, 1) . '/dir5/file25'), 'x' x 175, 'and what the files have');

# a failure that may not: the wrong key
my $canary = 'Y2FuYXJ5LWNhbmFyeS1jYW5hcnk=';

$worker->term;
$worker = start_worker($node, name => 'wrong', args => [ '--log-level', 'debug' ],
	env => { AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string(key => $canary) });
$id = backup();
wait_for_status($node, $id, 'Failed');
like($node->safe_psql('postgres', "SELECT failure_details FROM df_status('$id')"), qr/BlobStoreAccessDenied/, 'a wrong key fails the backup');
is($node->safe_psql('postgres', "SELECT count(*) FROM df_history('$id') WHERE event_type = 'TaskFailed'"), 1000, 'after each copy was tried');
is(slurp("/proc/" . $worker->pid . "/cmdline") =~ /$canary/ ? 'told' : 'kept', 'kept', 'the key is not in the command line');
$worker->term;

# what the database and the logs hold
my $dump = "$base/dump.sql";

$node->command_ok([ 'pg_dump', '-p', $node->port, '-h', $node->host, '-f', $dump, '-d', 'postgres' ], 'the database is dumped');
my @places = ($dump, $worker->log_file, $node->logfile, glob($worker->log_file =~ s![^/]*$!*.log!r));
foreach my $secret ($canary, $Pgdf::Azurite::key, 'SharedKey devstoreaccount1', 'AccountKey=')
{
	is_deeply([ grep { index(slurp($_), $secret) >= 0 } @places ], [], 'nothing holds ' . substr($secret, 0, 9) . '...');
}
ok(length(slurp($dump)) > 1000000, 'though there is something to look at');

done_testing();

sub make_tree
{
	my ($count) = @_;
	my $sum = 0;

	mkdir($tree) or die;
	foreach my $i (0 .. $count - 1)
	{
		my $dir = "$tree/dir" . $i % 20;

		-d $dir || mkdir($dir) or die;
		write_bytes("$dir/file$i", 'x' x ($i * 7));
		$sum += $i * 7;
	}
	return $sum;
}

sub backup { return df_start($node, 'E2_BackupSiteContent', item_of($tree), user => 'regress_user'); }

sub blobs
{
	my @names = eval { keys %{ $azurite->blobs('backups') } };

	return scalar(@names);
}

sub retries
{
	return $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE last_failure IS NOT NULL');
}

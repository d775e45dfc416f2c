# E2_CopyFileToBlob into Azurite: what fails, which failures may be tried again, and that no secret is told.

use strict;
use warnings;

use IO::Socket::INET;
use Pgdf::Azurite;
use Pgdf::E2;
use Pgdf::Process;
use Pgdf::Test;
use POSIX qw(mkfifo);

my $base = temp_dir();
my $azurite = Pgdf::Azurite->new($base);
my %env = (AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string);
my $prefix = substr($base, 1);
my $canary = 'Y2FuYXJ5LWNhbmFyeS1jYW5hcnk=';
my $told = '';

write_bytes("$base/file", 'contents');
write_bytes("$base/large", 'large' x (4 * 2**20));

# a wrong key, and a SAS that may not write
fails({ env => { AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string(key => $canary) } },
	'BlobStoreAccessDenied!', qr/status 403/, 'a wrong key');
fails(
	{ env => { AZURE_STORAGE_CONNECTION_STRING => 'BlobEndpoint=' . $azurite->endpoint . ';SharedAccessSignature=' . $azurite->shared_access_signature(permissions => 'r') } },
	'BlobStoreAccessDenied!', qr/status 403/, 'a shared access signature for reading');

# a SAS that may
my $sas = $azurite->shared_access_signature;
my $out = run_e2('copy', ["$base/file"], env => { AZURE_STORAGE_CONNECTION_STRING => 'BlobEndpoint=' . $azurite->endpoint . ";SharedAccessSignature=?$sas" });

$told .= $out->{text};
is($out->{outcome}[0]{result}, 8, 'a shared access signature for writing');
is($azurite->get('backups', "$prefix/file"), 'contents', 'does write, and creates the container');

# nobody listens
my $nobody = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
my $port = $nobody->sockport;

close($nobody);
fails({ env => { AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string =~ s/:\d+\//:$port\//r } },
	'BlobStoreUnavailable', qr/no answer from Azure Blob Storage/, 'a port where nobody listens');
fails({ env => { AZURE_STORAGE_CONNECTION_STRING => "AccountName=acct;AccountKey=$canary;EndpointSuffix=invalid" } },
	'BlobStoreUnavailable', qr/no answer from Azure Blob Storage/, 'a host that does not exist');

# connection strings that are wrong: the worker does not start
foreach my $wrong ("AccountName=acct;AccountKey=$canary;BlobEndpoint=ftp://x", "AccountKey=$canary", "AccountName=acct;AccountKey=$canary.", $canary)
{
	$out = run_e2('copy', [], env => { AZURE_STORAGE_CONNECTION_STRING => $wrong });
	is($out->{exit}, 256, 'a wrong connection string');
	like($out->{err}, qr/invalid AZURE_STORAGE_CONNECTION_STRING: /, 'is named');
	$told .= $out->{text};
}
$out = run_e2('copy', [], blob_store => 'azure:');
is($out->{exit}, 256, 'azure: without a connection string');
$out = run_e2('copy', ["$base/file"], blob_store => 'azure:', env => \%env);
is($out->{outcome}[0]{result}, 8, 'azure: with one');
$out = run_e2('copy', ["$base/file"], blob_store => 'azure://', env => \%env);
is($out->{outcome}[0]{result}, 8, 'azure:// is the same');
$out = run_e2('copy', ["$base/file"], blob_store => "file://$base/store", env => \%env);
is(read_bytes("$base/store/backups$base/file"), 'contents', 'a store that is given wins over the connection string');

# a file that changes is not committed
write_bytes("$base/log.$_", 'x' x (16 * 2**20)) foreach 1 .. 5;
my $writer = Pgdf::Process->start(
	argv => [ $^X, '-e', 'my @h = map { open(my $h, ">>", $_) or die; $h } @ARGV; while (1) { syswrite($_, "x") foreach @h; }', glob("$base/log.*") ],
	log => "$base/writer.log");

wait_for(sub { return -s "$base/log.5" > 16 * 2**20 }, 'the writer');
$out = run_e2('copy', [ glob("$base/log.*") ], env => \%env);
my ($changed) = grep { type_of($out->{outcome}[$_]) eq 'FileChanged!' } 0 .. 4;

# a busy machine may let the writer sleep during a copy, but not during all of them
ok(defined $changed, 'a file that changes all the time is a failure');
is($azurite->get('backups', "$prefix/log." . (1 + ($changed // 0))), undef, 'and leaves no blob');
$writer->kill9;

# the server dies between two copies of one worker, with the connection open, and comes back
mkfifo("$base/inputs", 0600) or die;
my $driver = Pgdf::Process->start(
	argv => [ '/bin/sh', '-c', 'exec "$0" --at-once=1 copy < "$1"', "$ENV{PGDF_TEST_DIR}/unit/e2_driver", "$base/inputs" ],
	log => "$base/driver.log", env => \%env);

open(my $inputs, '>', "$base/inputs") or die;
$inputs->autoflush(1);
print $inputs item_of("$base/file"), "\n";
$driver->wait_log(qr/"n": 1, "result": 8/);
$port = $azurite->port;
$azurite->kill9;
$azurite->start(port => $port);
print $inputs item_of("$base/large"), "\n";
$driver->wait_log(qr/"n": 2, "result": 20971520/);
pass('a kept connection that died is replaced');

# the server stands still: the copy waits, and can be cancelled; then it dies: that is a failure to try again
$azurite->process->stop;
$out = run_e2('copy', [ ("$base/file") x 50, ("$base/large") x 50 ], env => \%env, cancel_after => 300);
is(scalar(grep { type_of($_) eq 'Canceled' } @{ $out->{outcome} }), 100, '100 copies to a server that stands still are cancelled');
cmp_ok($out->{ms}, '<', 10000, 'without waiting for it');
print $inputs item_of("$base/large"), "\n";
close($inputs);
wait_for(sub { return sockets_to($driver->pid, $port) > 0 }, 'a connection');
$azurite->kill9;
like($driver->wait_log(qr/"n": 3, (.*)/), qr/"BlobStoreUnavailable".*"final": false/, 'a server that dies during a copy');
$driver->wait_exit;
$told .= $driver->log;

# the server goes away in the middle of a large file, and comes back: what was sent need not be sent again
$azurite->start(port => $port);
truncate("$base/large", 160 * 2**20) or die;
my $run = start_e2('copy', ["$base/large"], env => \%env);
wait_for(sub { return @{ $azurite->blocks('backups', "$prefix/large", 'Uncommitted') } >= 3 }, 'some blocks');
$azurite->stop;
$azurite->start(port => $port);
$out = finish_e2($run);
is($out->{outcome}[0]{result}, 160 * 2**20, 'a large file is sent across a restart of the server');
is(scalar(@{ $azurite->blocks('backups', "$prefix/large") }), 20, 'in 20 blocks');
is($azurite->get('backups', "$prefix/large") eq read_bytes("$base/large"), 1, 'and holds what the file has');
$told .= $out->{text};

# nothing that was said holds a secret
my ($signature) = $sas =~ /sig=([^&]+)/;

foreach my $secret ($canary, $Pgdf::Azurite::key, $signature, 'sig=', 'SharedKey', 'Authorization:', 'AccountKey=')
{
	is(index($told, $secret), -1, 'nothing tells ' . substr($secret, 0, 8) . '...');
}
done_testing();

sub fails
{
	my ($opts, $type, $message, $what) = @_;
	my $failed = run_e2('copy', [ "$base/file", "$base/large" ], %{$opts});

	is(type_of($_), $type, "$what: $type") foreach @{ $failed->{outcome} };
	like($failed->{outcome}[0]{failure}{message}, $message, "$what: the failure says why");
	$told .= $failed->{text};
	return;
}

# Connections of a process to a port, by inode.
sub sockets_to
{
	my ($pid, $to) = @_;
	my $hex = sprintf('%04X', $to);
	my %inodes = map { $_ => 1 } map { (readlink($_) // '') =~ /^socket:\[(\d+)\]/ } glob("/proc/$pid/fd/*");

	return scalar(grep { /^\s*\d+: \S+ \S+:$hex 01 (?:\S+\s+){5}(\d+)/ && $inodes{$1} } split(/\n/, slurp('/proc/net/tcp')));
}

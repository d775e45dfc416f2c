# E2_CopyFileToBlob with a file:// store: keys, contents, what is never opened, what fails and how.

use strict;
use warnings;

use IO::Socket::UNIX;
use Pgdf::E2;
use Pgdf::Test;
use POSIX qw(mkfifo);

my $base = temp_dir();
my $tree = "$base/tree";
my $store = "$base/a store/new";
my $url = "file://$base/a%20store/new";
my $prefix = "backups$tree";

# a name, and the name that its blob has
my %names = (
	'plain' => 'plain',
	'sp ace&+=;@' => 'sp ace&+=;@',
	"caf\xc3\xa9 \xf0\x9f\x90\x98" => "caf\xc3\xa9 \xf0\x9f\x90\x98",
	'a\\b?c#d%e' => 'a%5Cb%3Fc%23d%25e',
	"tab\tnl\n" => 'tab%09nl%0A',
	"bad\xff\xfe" => 'bad%FF%FE',
	'%2e%2e' => '%252e%252e',
	'...' => '...',
	'dot.' => 'dot.',
	'.pgdf-0000000000000000-0.tmp' => '%2Epgdf-0000000000000000-0.tmp');
my %contents = map { $_ => "contents of $_" x (1 + length($_) * 100) } keys %names;

$contents{plain} = '';
mkdir($tree) or die;
write_bytes("$tree/$_", $contents{$_}) foreach keys %names;

# what is copied
my @order = sort keys %names;
my $out = run_e2('copy', [ map { "$tree/$_" } @order ], blob_store => $url);

is_deeply(
	[ map { $_->{result} } @{ $out->{outcome} } ],
	[ map { length($contents{$_}) } @order ],
	'the result is the number of bytes');
is_deeply([ files_below($store) ], [ sort map { "$prefix/$_" } values %names ], 'each has its key, and nothing else is there');
is(read_bytes("$store/$prefix/$names{$_}"), $contents{$_}, "contents of $names{$_}") foreach @order;
is((stat("$store/$prefix/plain"))[2] & 0777, 0600, 'others cannot read a blob');

# again, with other contents
write_bytes("$tree/plain", 'now there is something');
$out = run_e2('copy', ["$tree/plain"], blob_store => $url);
is($out->{outcome}[0]{result}, 22, 'a blob is replaced');
is(read_bytes("$store/$prefix/plain"), 'now there is something', 'by what the file has now');

# what is not copied
mkfifo("$tree/fifo", 0600) or die;
IO::Socket::UNIX->new(Local => "$tree/socket", Listen => 1) or die;
symlink('plain', "$tree/link") or die;
mkdir("$tree/dir") or die;
symlink('dir', "$tree/link_to_dir") or die;
write_bytes("$tree/dir/file", 'x');

fails($_, 'NotARegularFile!', qr/regular file/) foreach "$tree/fifo", "$tree/socket", "$tree/link", "$tree/dir", '/dev/null', '/dev/tty', '/';
fails("$tree/link_to_dir/file", 'AccessDenied!', qr/symbolic link/);
fails("/proc/$$/environ", 'AccessDenied!', qr/kernel/);
fails("$tree/gone", 'FileNotFound!', qr!^could not copy file "\Q$tree\E/gone": No such file or directory$!);
fails("$tree/gone\xff", 'FileNotFound!', qr!gone\\xff!);
fails("$tree/plain/file", 'FileNotFound!', qr/plain/);
fails("$tree/dir/../plain", 'AccessDenied!', qr/"\.\."/);
fails(\$_, 'InvalidInput!', qr/the path must/) foreach 'null', '7', '{}', '" "', '"plain"';

SKIP:
{
	skip('root reads every file', 2) if $> == 0;
	chmod(0, "$tree/dot.") or die;
	fails("$tree/dot.", 'PermissionDenied!', qr/Permission denied/);
}

# what the store cannot hold
my $long = '?' x 100;

write_bytes("$tree/$long", 'x');
fails("$tree/$long", 'InvalidBlobName!', qr/300 bytes.* 255/);
mkdir("$store/$prefix/dir") or die;
write_bytes("$store/$prefix/occupied", 'x');
mkdir("$tree/occupied") or die;
write_bytes("$tree/occupied/file", 'x');
fails("$tree/occupied/file", 'BlobConflict!', qr/Not a directory/);
rename("$tree/dir", "$tree/other") or die;
write_bytes("$tree/dir", 'x');
fails("$tree/dir", 'BlobConflict!', qr/could not replace the blob: /);
is_deeply([ grep { /\.tmp$/ && !/%2E/ } files_below($store) ], [], 'no failure leaves a temporary file');

SKIP:
{
	skip('root writes everywhere', 2) if $> == 0;
	chmod(0500, "$store/$prefix") or die;
	fails("$tree/plain", 'BlobStoreAccessDenied!', qr/Permission denied/);
	chmod(0700, "$store/$prefix") or die;
}
SKIP:
{
	my @small = ('unshare', '-Urm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"');

	mkdir("$base/small") or die;
	skip('no file system of our own here', 3) if system(@small, "$base/small", 'true') != 0;
	write_bytes("$base/large", 'x' x 100000);
	my $text = `echo '"$base/large"' | @{[quoted(@small)]} $base/small $ENV{PGDF_TEST_DIR}/unit/e2_driver --blob-store=file://$base/small copy; true`;

	like($text, qr/"type": "BlobStoreFull"/, 'a full disk');
	like($text, qr/No space left on device/, 'says that it is full');
	like($text, qr/"final": false/, 'and may be tried again');
}

# no store at all
is(type_of(run_e2('copy', ["$tree/plain"])->{outcome}[0]), 'BlobStoreNotConfigured!', 'without a store nothing is copied');
foreach my $bad ('file://relative', 'file:///a?b', 'file:///a%0', 's3://bucket', 'file:///dev/null/x', '/plain')
{
	my $failed = run_e2('copy', [], blob_store => $bad);

	is($failed->{exit}, 256, "a worker does not start with the store $bad");
	like($failed->{err}, qr/blob store/, 'and says why');
}

# a store in the tree that is backed up
$out = run_e2('list', [$base], blob_store => $url);
is_deeply([ grep { index(path_of($_), $store) == 0 } @{ $out->{outcome}[0]{result} } ], [], 'the store itself is not listed');
ok(scalar(@{ $out->{outcome}[0]{result} }) > 10, 'but what is beside it');
like($out->{err}, qr/left directory "\Q$store\E" out: it is the blob store/, 'and that is reported');

# a path longer than PATH_MAX
my $deep = make_deep("$base/deep", 200, 40);

$out = run_e2('copy', [$deep], blob_store => "file://$base/for_deep");
is($out->{outcome}[0]{result}, 1, 'a file with a path longer than PATH_MAX is copied');
$out = run_e2('list', ["$base/for_deep"]);
is_deeply($out->{outcome}[0]{result}, ["$base/for_deep/backups$deep"], 'and its blob has as long a path');

done_testing();

sub fails
{
	my ($input, $type, $message) = @_;
	my $failed = run_e2('copy', [$input], blob_store => $url)->{outcome}[0];
	my $shown = substr(ref $input ? $$input : $input =~ s/^\Q$base\E//r, 0, 40);

	is(type_of($failed), $type, "a copy of $shown is $type");
	like($failed->{failure}{message}, $message, "the failure of $shown says why");
	return;
}

sub quoted { return join(' ', map { "'$_'" } @_); }

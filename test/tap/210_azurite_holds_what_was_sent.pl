# E2_CopyFileToBlob into Azure Blob Storage (Azurite): names, contents, blocks, the container, bounded memory.

use strict;
use warnings;

use Pgdf::Azurite;
use Pgdf::E2;
use Pgdf::Test;

my $base = temp_dir();
my $azurite = Pgdf::Azurite->new($base);
my %env = (AZURE_STORAGE_CONNECTION_STRING => $azurite->connection_string);
my $prefix = substr($base, 1);
my $megabyte = join('', map { chr(rand 256) } 1 .. 4096) x 256;

# a name, and the name that its blob has
my %names = (
	'plain' => 'plain',
	'sp ace&+=;@,\'"<>[]{}|^`~!$()*:' => 'sp ace&+=;@,\'"<>[]{}|^`~!$()*:',
	"caf\xc3\xa9 \xf0\x9f\x90\x98 \xe6\x97\xa5\xe6\x9c\xac" => "caf\xc3\xa9 \xf0\x9f\x90\x98 \xe6\x97\xa5\xe6\x9c\xac",
	"e\xcc\x81" => "e\xcc\x81",
	'a\\b?c#d%e' => 'a%5Cb%3Fc%23d%25e',
	"tab\tnl\n\x7f\xc2\x85" => 'tab%09nl%0A%7F%C2%85',
	"bad\xff\xfe" => 'bad%FF%FE',
	'%2e%2e' => '%252e%252e',
	'%20' => '%2520',
	'dot.' => 'dot%2E',
	'...' => '..%2E',
	'.hidden' => '.hidden');
my %contents = map { $_ => "contents of $_" } keys %names;

$contents{plain} = '';
write_bytes("$base/$_", $contents{$_}) foreach keys %names;

# nothing is there yet: the first of a hundred copies at once creates the container
my @order = sort keys %names;
my $out = run_e2('copy', [ map { "$base/$_" } @order ], env => \%env);

is_deeply([ map { $_->{result} // $_->{failure} } @{ $out->{outcome} } ], [ map { length($contents{$_}) } @order ], 'the result is the number of bytes');
is_deeply([ sort keys %{ $azurite->blobs('backups') } ], [ sort map { "$prefix/$_" } values %names ], 'each has its blob, and there is no other');
is($azurite->get('backups', "$prefix/$names{$_}"), $contents{$_}, "contents of $names{$_}") foreach @order;

# sizes around what decides how a file is sent: buffers of 64 KiB, blocks of 8 MiB
my %sizes = (
	one => 1, buffer_less => 65535, buffer => 65536, buffer_more => 65537, two_buffers => 131072,
	block => 8 * 2**20, block_more => 8 * 2**20 + 1, two_blocks => 16 * 2**20, many => 37 * 2**20 + 12345);

write_bytes("$base/$_", substr($megabyte x 38, 0, $sizes{$_})) foreach keys %sizes;
@order = sort keys %sizes;
$out = run_e2('copy', [ map { "$base/$_" } @order ], env => \%env);
is_deeply([ map { $_->{result} // $_->{failure} } @{ $out->{outcome} } ], [ map { $sizes{$_} } @order ], 'files of many sizes');
is($azurite->get('backups', "$prefix/$_") eq read_bytes("$base/$_"), 1, "contents of $sizes{$_} bytes") foreach @order;
is_deeply($azurite->blocks('backups', "$prefix/block"), [], '8 MiB are sent at once');
is_deeply($azurite->blocks('backups', "$prefix/block_more"), [ 8 * 2**20, 1 ], 'one byte more in two blocks');
is_deeply($azurite->blocks('backups', "$prefix/two_blocks"), [ (8 * 2**20) x 2 ], '16 MiB in two blocks');
is_deeply($azurite->blocks('backups', "$prefix/many"), [ (8 * 2**20) x 4, 5 * 2**20 + 12345 ], '37 MiB in five blocks');

# again, with other contents
write_bytes("$base/many", 'small now');
write_bytes("$base/one", $megabyte x 9);
$out = run_e2('copy', [ "$base/many", "$base/one" ], env => \%env);
is($azurite->get('backups', "$prefix/many"), 'small now', 'blocks are replaced by a blob that was sent at once');
is($azurite->get('backups', "$prefix/one") eq $megabyte x 9, 1, 'and the other way round');

# eight copies of one file at once: one whole blob
write_bytes("$base/shared", $megabyte x 20);
my @runs = map { start_e2('copy', [ ("$base/shared") x 4 ], env => \%env) } 1 .. 2;
my @results = map { @{ finish_e2($_)->{outcome} } } @runs;
is(scalar(grep { ($_->{result} // 0) == 20 * 2**20 || type_of($_) eq 'BlobConflict' } @results), 8, 'copies of one file at once, by two processes');
ok((grep { defined $_->{result} } @results) > 0, 'some win');
is($azurite->get('backups', "$prefix/shared") eq $megabyte x 20, 1, 'the blob is whole');

# a hundred at once, and a sparse file of 160 MiB, in bounded memory
write_bytes("$base/medium.$_", substr($megabyte, $_, 2**20 - 100)) foreach 1 .. 10;
open(my $fh, '>', "$base/sparse") or die;
truncate($fh, 160 * 2**20) or die;
close($fh);
$out = run_e2('copy', [ "$base/sparse", map { "$base/medium." . (1 + $_ % 10) } 1 .. 99 ], env => \%env, at_once => 100);
is($out->{outcome}[0]{result}, 160 * 2**20, '160 MiB are sent');
is(scalar(grep { ($_->{result} // 0) == 2**20 - 100 } @{ $out->{outcome} }), 99, 'beside 99 files of 1 MiB');
cmp_ok($out->{peak_kb}, '<', memory_limit_kb(), "in $out->{peak_kb} kB and $out->{ms} ms");

# names that the service cannot have
my $deep = join('/', $base, ('d') x 260);

system('mkdir', '-p', $deep) == 0 or die;
write_bytes("$deep/file", 'x');
mkdir("$base/" . 'l' x 250) && mkdir("$base/" . 'l' x 250 . '/' . "\xc3\xbc" x 120) or die;
my $long = "$base/" . 'l' x 250 . '/' . "\xc3\xbc" x 120;
foreach (1 .. 3)
{
	$long .= '/' . 'l' x 250;
	mkdir($long) or die;
}
write_bytes("$long/x", 'x');
$out = run_e2('copy', [ "$deep/file", "$long/x" ], env => \%env);
is(type_of($out->{outcome}[0]), 'InvalidBlobName!', 'more than 254 path segments');
like($out->{outcome}[0]{failure}{message}, qr/254 path segments/, 'are named as the reason');
is(type_of($out->{outcome}[1]), 'InvalidBlobName!', 'more than 1,024 characters');
like($out->{outcome}[1]{failure}{message}, qr/1,024 characters/, 'are named as the reason');

$azurite->stop;
done_testing();

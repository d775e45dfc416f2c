# --e2-root: nothing outside of it is read, whatever the path looks like.

use strict;
use warnings;

use Pgdf::E2;
use Pgdf::Test;

my $base = temp_dir();
my $root = "$base/root";
my $canary = 'canary-of-what-must-not-be-read';
my %opts = (blob_store => "file://$base/store", e2_root => $root);

mkdir($_) or die foreach $root, "$root/dir", "$root/..dir", "$base/outside", "$base/root2";
write_bytes("$root/dir/file", 'inside');
write_bytes("$root/..dir/..file", 'inside');
write_bytes($_, $canary) foreach "$base/outside/secret", "$base/secret", "$base/root2/secret";
symlink($_->[0], "$root/$_->[1]") or die
  foreach ['../outside', 'link'], ["$base/outside", 'absolute'], ['../outside/secret', 'to_secret'], ['/', 'slash'],
  ['/proc/self/cwd', 'cwd'], ['/proc/self/root', 'proc_root'], ['dir', 'link_to_dir'], ['loop', 'loop'], ['..', 'up'];

# what is allowed
my @inside = ("$root/dir/file", "$root//dir/./file", "$root/..dir/..file", "/.//$root/dir/file/");
my $out = run_e2('copy', \@inside, %opts);

is_deeply([ map { $_->{result} } @{ $out->{outcome} } ], [ (6) x @inside ], 'files below the root are copied');
$out = run_e2('list', [ $root, "$root/dir" ], %opts);
is_deeply($out->{outcome}[0]{result}, [ "$root/..dir/..file", "$root/dir/file" ], 'the root can be listed');
is_deeply($out->{outcome}[1]{result}, ["$root/dir/file"], 'and what is below it');

# what is not: every way out that we know of, into every place worth going to
my @ways = (
	'', '/..', '/../', '/dir/..', '/dir/../..', '/dir/../../', '//..//', '/./..', '/.././../', '/..dir/..',
	'/link', '/absolute', '/slash', '/slash' . $base, '/cwd', '/cwd/..', '/proc_root', '/proc_root' . $base, '/up',
	'/up/up', '/link/..', '/link_to_dir/../..', '/dir/file/../../..', '/loop', '/to_secret', '/%2e%2e', '/%2e%2e%2f',
	'/..%2f', '/..%5c', '/..\\', '/..%c0%af', "/..\xc0\xaf", "/\xc0\xae\xc0\xae", '/.%00./', '/...', '/....//',
	"/..\n", "/..\t", '/.. ', '/ ..', '2', "2/", '/../root2', '/dir/../../outside', '/../../../../../../..' . $base);
my @targets = ('/secret', '/outside/secret', '/root2/secret', '/etc/passwd', '');
my @hostile = map { my $way = $_; map { "$root$way$_" } @targets } @ways;

push(@hostile, "$base/secret", "$base/outside/secret", '/etc/passwd', '/', '/proc/self/environ', '/proc/1/environ',
	'/dev/mem', "/proc/self/root$base/secret", "/dev/fd/0", substr($root, 0, -1), "$root\\..\\secret", "$base/root/../secret");
ok(@hostile >= 200, scalar(@hostile) . ' hostile paths');

$out = run_e2('copy', \@hostile, %opts);
is(scalar(@{ $out->{outcome} }), scalar(@hostile), 'each was answered');
is_deeply([ grep { type_of($_) eq 'result' } @{ $out->{outcome} } ], [], 'none was copied');
is_deeply([ grep { !$_->{failure}{final} } @{ $out->{outcome} } ], [], 'none is worth trying again');

$out = run_e2('list', \@hostile, %opts);
my %listed = map { path_of($_) => 1 } map { @{ $_->{result} // [] } } @{ $out->{outcome} };

is_deeply([ grep { index($_, "$root/") != 0 } keys %listed ], [], 'no list has a path outside of the root');
is_deeply([ grep { (read_bytes("$base/store/$_") // '') =~ /$canary/ } files_below("$base/store") ], [], 'nothing from outside is in the store');

# a start directory outside
foreach my $dir ('/', '/etc', $base, "$base/root2", "$root/..", "$root/link", "$root/link_to_dir", "$root/slash/etc")
{
	is(type_of(run_e2('list', [$dir], %opts)->{outcome}[0]), 'AccessDenied!', 'no list of ' . $dir =~ s/^\Q$base\E//r);
}

# names made of the bytes that matter, at random but the same each time
srand(20261123);
my @bytes = ('.', '..', '/', '//', '\\', '%2e', "\xc0\xae", 'dir', 'link', 'up', 'secret', ' ', "\n");
my @random = map { join('', $root, '/', map { $bytes[ rand @bytes ] } 1 .. 1 + rand 8) } 1 .. 2000;

$out = run_e2('copy', \@random, %opts);
is(scalar(grep { $_ } @{ $out->{outcome} }), 2000, '2,000 random paths are answered');
is_deeply([ grep { (read_bytes("$base/store/$_") // '') =~ /$canary/ } files_below("$base/store") ], [], 'and nothing from outside is in the store');

# a root that does not exist
my $failed = run_e2('list', [], e2_root => "$base/missing");

is($failed->{exit}, 256, 'a worker does not start with a root that is missing');
like($failed->{err}, qr!--e2-root "\Q$base\E/missing": No such file or directory!, 'and says why');

done_testing();

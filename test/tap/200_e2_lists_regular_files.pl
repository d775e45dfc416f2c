# E2_GetFileList: which files it lists, in which order, as what; and when it fails.

use strict;
use warnings;

use IO::Socket::UNIX;
use Pgdf::E2;
use Pgdf::Test;
use POSIX qw(mkfifo);

my $base = temp_dir();
my $tree = "$base/tree";
my @files = (
	'.hidden', '.hidden_dir/.x', 'a-b', 'a/b', 'a/c/d', 'a.b', "bad\xff\xfe", "cut\xe6\x97", "caf\xc3\xa9", "e\xcc\x81",
	'empty', 'sp ace', '#?%\\', "new\nline", '"quotes"', '-rf', '~', '...', "\xf0\x9f\x90\x98", '.pgdf-x.tmp', "\x01\x1b\x7f");

make_tree();

# what is listed
my $list = list_of($tree);
my @expected = map { "$tree/$_" } sort @files;

is_deeply([ map { path_of($_) } @{$list} ], \@expected, 'all regular files and no others, in the order of their bytes');
is(scalar(grep { ref } @{$list}), 2, 'what is not UTF-8 is {"b64": ...}');
like(run_e2('list', [$tree])->{err}, qr/listed 21 files, of which 2 have paths that are not UTF-8/, 'and reported');
is_deeply(list_of("$tree/.//./"), $list, 'the directory may be spelled in other ways');
is_deeply(list_of("$tree/a"), [ "$tree/a/b", "$tree/a/c/d" ], 'a directory in it');
is_deeply(list_of("$tree/void"), [], 'an empty directory');
is_deeply(list_of("$base/to_tree"), $list, 'a directory that is given by a symbolic link is listed under its real path');

# a path longer than PATH_MAX
my $deep = make_deep("$base/deep", 200, 40);
my $found = list_of("$base/deep");

is(scalar(@{$found}), 1, 'one file in a deep tree');
ok(length($found->[0]) > 8000 && $found->[0] eq $deep, 'its path is longer than PATH_MAX');

# what is refused
fails(\'null', 'InvalidInput!', qr/"E2".*path must be a JSON string/);
fails(\$_, 'InvalidInput!', qr/path must/) foreach '1', '[]', '{"path": "/"}', '{"b64": "!"}', '"relative"', '""';
fails(\'"  "', 'InvalidInput!', qr/path must not be blank/);
fails(\'"/a\u0000b"', 'InvalidInput!', qr/zero byte/);
fails("$tree/../tree", 'AccessDenied!', qr/"\.\." component/);
fails("$tree/missing", 'DirectoryNotFound!', qr!"\Q$tree\E/missing": .*No such file or directory!);
fails("$tree/a/b", 'NotADirectory!', qr!"\Q$tree\E/a/b"!);
fails("$tree/a/b/c", 'NotADirectory!', qr!"\Q$tree\E/a/b/c"!);
fails("$tree/fifo", 'NotADirectory!', qr/fifo/);
fails("$tree/loop", 'AccessDenied!', qr/symbolic link/);
fails('/proc', 'AccessDenied!', qr/kernel/);
fails('/proc/self/fd', 'AccessDenied!', qr/kernel/);

# a directory that cannot be read, as a start and below one
SKIP:
{
	skip('root reads every directory', 2) if $> == 0;
	chmod(0, "$tree/void") or die;
	fails("$tree/void", 'PermissionDenied!', qr!"\Q$tree\E/void": .*Permission denied!);
	fails($tree, 'PermissionDenied!', qr!"\Q$tree\E/void": .*Permission denied!);
	chmod(0700, "$tree/void") or die;
}

done_testing();

sub make_tree
{
	mkdir($_) or die "could not make $_: $!" foreach $tree, "$tree/a", "$tree/a/c", "$tree/.hidden_dir", "$tree/void";
	write_bytes("$tree/$_", $_ eq 'empty' ? '' : "in $_") foreach @files;
	mkfifo("$tree/fifo", 0600) or die;
	IO::Socket::UNIX->new(Local => "$tree/socket", Listen => 1) or die "no socket: $!";
	symlink('a/b', "$tree/link_to_file") or die;
	symlink('a', "$tree/link_to_dir") or die;
	symlink('..', "$tree/a/up") or die;
	symlink('loop', "$tree/loop") or die;
	symlink('/etc', "$tree/out") or die;
	symlink($tree, "$base/to_tree") or die;
	return;
}

sub list_of
{
	my ($dir) = @_;
	my $out = run_e2('list', [$dir]);

	diag($out->{text}) if type_of($out->{outcome}[0]) ne 'result';
	return $out->{outcome}[0]{result};
}

sub fails
{
	my ($input, $type, $message) = @_;
	my $failed = run_e2('list', [$input])->{outcome}[0];
	my $shown = ref $input ? $$input : $input =~ s/^\Q$base\E//r;

	is(type_of($failed), $type, "a list of $shown is $type");
	like($failed->{failure}{message}, $message, "the failure of $shown says why");
	return;
}

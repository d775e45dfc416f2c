# bench/lib/Bench/Files.pm: a tree of small files, and its copy with one sync for each.

package Bench::Files;

use strict;
use warnings;

use Exporter 'import';
use IO::Handle;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(copy_with_fsync make_files);

my $per_dir = 1000;

sub path_of { return sprintf('%s/dir%d/file%d', $_[0], $_[1] / $per_dir, $_[1]); }

sub make_dirs
{
	my ($root, $n) = @_;

	mkdir($root);
	mkdir("$root/dir$_") foreach 0 .. ($n - 1) / $per_dir;
	return;
}

sub write_file
{
	my ($path, $bytes, $is_synced) = @_;

	open(my $file, '>:raw', $path) or die "could not write \"$path\": $!\n";
	print $file $bytes;
	$file->flush;
	$file->sync if $is_synced;
	close($file) or die "could not write \"$path\": $!\n";
	return;
}

sub make_files
{
	my ($root, $n, $size) = @_;

	make_dirs($root, $n);
	write_file(path_of($root, $_), chr(65 + $_ % 26) x $size, 0) foreach 0 .. $n - 1;
	return;
}

# The seconds it takes.
sub copy_with_fsync
{
	my ($from, $to) = @_;
	my @files = glob("$from/*/*");
	my $started = time();

	make_dirs($to, scalar @files);
	foreach my $path (@files)
	{
		open(my $file, '<:raw', $path) or die "could not read \"$path\": $!\n";
		local $/;
		write_file($to . substr($path, length($from)), scalar <$file>, 1);
	}
	return time() - $started;
}

1;

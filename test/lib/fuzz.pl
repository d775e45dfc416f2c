# test/lib/fuzz.pl: run fuzz targets for so many seconds each, show what they found, write "passed failed" to a file.
#
# A target begins with its files below --corpus, and with what earlier runs have left in --grown, if that is given.

use strict;
use warnings;

use File::Path qw(make_path);
use Getopt::Long;
use POSIX qw(:sys_wait_h);

my ($program, $corpus, $grown, $found, $counts);
my ($seconds, $jobs, $verbose) = (10, 2, 0);

GetOptions(
	'program=s' => \$program, 'corpus=s' => \$corpus, 'grown=s' => \$grown, 'found=s' => \$found,
	'seconds=i' => \$seconds, 'jobs=i' => \$jobs, 'counts=s' => \$counts, 'v' => \$verbose)
  or die "wrong options\n";
$| = 1;

my ($passed, $failed) = (0, 0);
my @waiting = @ARGV;
my %running;

while (@waiting || %running)
{
	while (@waiting && keys %running < $jobs)
	{
		my $target = shift @waiting;

		$running{ start($target) } = $target;
	}
	my $pid = waitpid(-1, 0);

	finish(delete $running{$pid}, $?) if defined $running{$pid};
}
write_counts();
exit($failed == 0 ? 0 : 1);

sub start
{
	my ($target) = @_;
	my $grows_in = ($grown // $found) . "/$target";
	my $pid = fork() // die "could not fork: $!\n";

	return $pid if $pid;
	make_path($grows_in);
	$ENV{FUZZ_TARGET} = $target;
	open(STDOUT, '>', "$found/$target.log") or POSIX::_exit(126);
	open(STDERR, '>&', \*STDOUT) or POSIX::_exit(126);
	exec($program, "-max_total_time=$seconds", '-timeout=10', '-max_len=4096', '-rss_limit_mb=1024',
		"-artifact_prefix=$found/found-$target-", $grows_in, grep { -d } "$corpus/$target")
	  or POSIX::_exit(127);
}

sub finish
{
	my ($target, $status) = @_;
	my $log = slurp("$found/$target.log");
	my ($runs) = $log =~ /Done (\d+) runs/;

	if ($status == 0 && $runs)
	{
		$passed++;
		printf("ok       %-24s %10d runs\n", $target, $runs);
		return;
	}
	$failed++;
	print("not ok   $target\n");
	show($log);
	return;
}

# What went wrong, and where; with -v all of it.
sub show
{
	my @lines = split(/\n/, $_[0]);

	@lines = grep { /does not hold|ERROR|SUMMARY|runtime error|^\s+#\d+ .* in (?!fuzzer::|__sanitizer)/ } @lines if !$verbose;
	splice(@lines, 40) if @lines > 40 && !$verbose;
	print(map { "# $_\n" } @lines);
	return;
}

sub slurp
{
	my ($path) = @_;

	open(my $fh, '<', $path) or return '';
	local $/;
	return <$fh> // '';
}

sub write_counts
{
	return if !defined $counts;
	open(my $fh, '>', $counts) or die "could not write \"$counts\": $!\n";
	print $fh "$passed $failed\n";
	close($fh);
	return;
}

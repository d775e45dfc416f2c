# test/lib/tap.pl: run TAP tests (perl files and executables), show what failed, write "passed failed" to a file.

use strict;
use warnings;

use File::Basename;
use Getopt::Long;
use TAP::Harness;

my ($jobs, $deadline, $counts, $verbose) = (1, 240, undef, 0);

GetOptions('jobs=i' => \$jobs, 'deadline=i' => \$deadline, 'counts=s' => \$counts, 'v' => \$verbose)
  or die "wrong options\n";
$| = 1;

my ($passed, $failed) = (0, 0);

if (@ARGV)
{
	my $harness = TAP::Harness->new(
		{
			jobs => $jobs,
			verbosity => $verbose ? 1 : 0,
			timer => 1,
			exec => \&command,
		});
	my $results = $harness->runtests(map { [ $_, basename($_) ] } @ARGV);

	count_file($_, $results->parsers($_)) foreach $results->descriptions;
}
write_counts();
exit($failed == 0 ? 0 : 1);

sub command
{
	my ($self, $file) = @_;
	my @timeout = ('timeout', '-k', '10', $deadline);

	return [ @timeout, $^X, $file ] if $file =~ /\.pl$/;
	return [ @timeout, $file ];
}

# A file that broke off without a failed test counts as one failure.
sub count_file
{
	my ($name, $parser) = @_;
	my $file_failed = scalar($parser->failed);

	$file_failed = 1 if !$file_failed && ($parser->wait || $parser->parse_errors);
	$passed += scalar($parser->passed);
	$failed += $file_failed;
	show_log($name) if $file_failed;
	return;
}

# The end of what the test's log holds: the harness of the TAP tests keeps one for each file.
sub show_log
{
	my ($name) = @_;
	my $base = $name =~ s/\.pl$//r;
	my $path = "$ENV{TESTDIR}/tmp_check/log/regress_log_$base";

	open(my $fh, '<', $path) or return;
	my @lines = grep { !/^\[[\d:.]+\]\([\d.]+s\) ok / } <$fh>;
	@lines = @lines[ -40 .. -1 ] if @lines > 40;
	print "# the end of the log of $name:\n", map { "#   $_" } @lines;
	return;
}

sub write_counts
{
	open(my $fh, '>', $counts) or die "could not write \"$counts\": $!\n";
	print $fh "$passed $failed\n";
	close($fh) or die "could not write \"$counts\": $!\n";
	return;
}

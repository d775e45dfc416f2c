# A list of 10,000 files, many small ones and a sparse one of 2 GiB, a hundred at a time: in less than 64 MiB of memory.

use strict;
use warnings;

use Pgdf::E2;
use Pgdf::Test;

my $base = temp_dir();
my $limit_kb = memory_limit_kb();
my %opts = (blob_store => "file://$base/store", at_once => 100);

mkdir("$base/many") or die;
foreach my $dir (0 .. 99)
{
	mkdir("$base/many/$dir") or die;
	foreach my $file (0 .. 99)
	{
		write_bytes("$base/many/$dir/$file", 'x' x ($dir + $file));
	}
}

my $out = run_e2('list', ["$base/many"]);
my @files = map { path_of($_) } @{ $out->{outcome}[0]{result} };

is(scalar(@files), 10000, '10,000 files are listed');
cmp_ok($out->{peak_kb}, '<', $limit_kb, "in $out->{peak_kb} kB");

# a part of them is enough here; 222_e2_backup_is_large.pl copies as many
my @part = grep { m!/many/1\d/! } @files;
my $sum = 0;
my $sent = 0;

$sum += -s foreach @part;
$out = run_e2('copy', \@part, %opts);
$sent += $_->{result} // -1e9 foreach @{ $out->{outcome} };
is($sent, $sum, 'the results sum up to the size of the files');
@part = files_below("$base/store/backups$base/many");
is(scalar(@part), 1000, 'each has its blob');
cmp_ok($out->{peak_kb}, '<', $limit_kb, "in $out->{peak_kb} kB and $out->{ms} ms");

open(my $fh, '>', "$base/sparse") or die;
truncate($fh, 2 * 1024 * 1024 * 1024) or die;
seek($fh, 1024 * 1024 * 1024, 0) or die;
print $fh 'in the middle';
close($fh) or die;
$out = run_e2('copy', ["$base/sparse"], %opts);
is($out->{outcome}[0]{result}, 2 * 1024 * 1024 * 1024, '2 GiB are copied');
is(system('cmp', '-s', "$base/sparse", "$base/store/backups$base/sparse"), 0, 'byte by byte');
cmp_ok((stat("$base/store/backups$base/sparse"))[12], '<', 1024 * 1024, 'holes stay holes');
cmp_ok($out->{peak_kb}, '<', $limit_kb, "in $out->{peak_kb} kB and $out->{ms} ms");

# a hundred files that are not small, at once
write_bytes("$base/medium.$_", 'm' x (2 * 1024 * 1024)) foreach 1 .. 10;
$out = run_e2('copy', [ map { "$base/medium." . (1 + $_ % 10) } 1 .. 100 ], %opts);
is(scalar(grep { ($_->{result} // 0) == 2 * 1024 * 1024 } @{ $out->{outcome} }), 100, '100 copies of 2 MiB at once');
cmp_ok($out->{peak_kb}, '<', $limit_kb, "in $out->{peak_kb} kB");

done_testing();

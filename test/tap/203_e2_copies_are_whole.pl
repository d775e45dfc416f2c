# A blob is whole or as it was: files that change, cancelled and killed copies, two writers of one blob.

use strict;
use warnings;

use Math::BigInt;
use Pgdf::E2;
use Pgdf::Process;
use Pgdf::Test;

my $base = temp_dir();
my $store = "$base/store";
my %opts = (blob_store => "file://$store");
my $megabyte = join('', map { chr(rand 256) } 1 .. 4096) x 256;

# a file that is written all the time
write_bytes("$base/log", $megabyte x 16);
my $writer = Pgdf::Process->start(
	argv => [ $^X, '-e', 'open(my $fh, ">>", $ARGV[0]) or die; $| = 1; while (1) { syswrite($fh, "x"); }', "$base/log" ],
	log => "$base/writer.log");

wait_for(sub { return -s "$base/log" > 16 * 1024 * 1024 }, 'the writer');
my $out;

# a busy machine may let the writer sleep during a copy
foreach (1 .. 20)
{
	$out = run_e2('copy', ["$base/log"], %opts);
	last if type_of($out->{outcome}[0]) ne 'result';
	unlink("$store/backups$base/log") or die;
}
is(type_of($out->{outcome}[0]), 'FileChanged!', 'a file that changes all the time is a failure');
like($out->{outcome}[0]{failure}{message}, qr!^could not copy file "\Q$base\E/log": it !, 'that names it');
is_deeply([ files_below($store) ], [], 'and leaves no blob');

# a writer that stops for a while and is killed then: what it wrote is copied
$writer->stop;
my $size = -s "$base/log";
$out = run_e2('copy', ["$base/log"], %opts);
is($out->{outcome}[0]{result}, $size, 'a file that is open, but quiet, is copied');
$writer->kill9;

# a file that changes once, while it is copied; a change that comes too late to be noticed is made again
write_bytes("$base/once", $megabyte x 96);
foreach (1 .. 10)
{
	my $run = start_writing('once');

	append("$base/once", 'more');
	$out = finish_e2($run);
	last if ($out->{outcome}[0]{result} // 0) == -s "$base/once";
}
my $whole = -s "$base/once";
is($out->{outcome}[0]{result}, $whole, 'a file that changed once is tried again');
is(-s "$store/backups$base/once", $whole, 'and copied as it is then');

# a copy that is killed leaves the old blob; the next one takes over what is left of it
foreach (1 .. 10)
{
	my $run = start_writing('once');

	kill('KILL', $run->{pid});
	eval { finish_e2($run); };
	last if temporary_files("$store/backups$base") > 0;
}
append("$base/once", 'and more');
is(-s "$store/backups$base/once", $whole, 'a killed copy leaves the old blob');
is(temporary_files("$store/backups$base"), 1, 'and a temporary file');
$out = run_e2('copy', ["$base/once"], %opts);
is($out->{outcome}[0]{result}, $whole += 8, 'the next copy is whole');
is(temporary_files("$store/backups$base"), 0, 'and leaves no temporary file');

# a copy that is cancelled
append("$base/once", 'and more');
$out = run_e2('copy', ["$base/once"], %opts, cancel_after => 20);
is(type_of($out->{outcome}[0]), 'Canceled', 'a copy is cancelled');
is(-s "$store/backups$base/once", $whole, 'which leaves the old blob');
is(temporary_files("$store/backups$base"), 0, 'and no temporary file');

# several writers of one blob at once
write_bytes("$base/shared", $megabyte x 16);
my @runs = map { start_e2('copy', [ ("$base/shared") x 4 ], %opts) } 1 .. 4;
is_deeply(
	[ map { map { $_->{result} // $_->{failure} } @{ finish_e2($_)->{outcome} } } @runs ],
	[ (16 * 1024 * 1024) x 16 ],
	'16 copies of one file at once, by four processes');
is(read_bytes("$store/backups$base/shared") eq $megabyte x 16, 1, 'give one whole blob');
is(temporary_files("$store/backups$base"), 0, 'and leave no temporary file');

# what other writers left behind, under any number
write_bytes("$base/small", 'small');
run_e2('copy', ["$base/small"], %opts);
my $name = temporary_name('small');
write_bytes("$store/backups$base/" . $name =~ s/N/$_/r, 'left behind') foreach 0 .. 4;
$out = run_e2('copy', ["$base/small"], %opts);
is(read_bytes("$store/backups$base/small"), 'small', 'a copy beside what was left behind');
is(temporary_files("$store/backups$base"), 0, 'which is gone after it');

done_testing();

# Start to copy a file; returns when its temporary file is there.
sub start_writing
{
	my ($file) = @_;
	my $run = start_e2('copy', ["$base/$file"], %opts);

	wait_for(sub { return temporary_files("$store/backups$base") > 0 }, 'a temporary file');
	return $run;
}

sub append
{
	my ($path, $bytes) = @_;

	open(my $fh, '>>:raw', $path) or die "could not open $path: $!";
	print $fh $bytes;
	close($fh) or die;
	return;
}

# How many files there are that are being written.
sub temporary_files
{
	my ($dir) = @_;
	my @found = glob("$dir/.pgdf-*.tmp");

	return scalar(@found);
}

# FNV-1a, as blob_file.c has it.
sub temporary_name
{
	my ($leaf) = @_;

	my $hash = Math::BigInt->from_hex('cbf29ce484222325');
	my $prime = Math::BigInt->from_hex('100000001b3');
	my $size = Math::BigInt->from_hex('10000000000000000');

	$hash = $hash->bxor($_)->bmul($prime)->bmod($size) foreach unpack('C*', $leaf);
	return sprintf('.pgdf-%016s-N.tmp', $hash->to_hex);
}

# test/lib/Pgdf/E2.pm: run E2's activities by themselves, with unit/e2_driver, and look at what they did.
#
#   my $out = run_e2('list', [ $dir ], e2_root => ..., env => {...});
#   $out->{outcome}[0]          {result => ...} or {failure => {type, message, final, properties}}
#   $out->{peak_kb}             resident memory of the process at its largest
#
# A path is a string of bytes.

package Pgdf::E2;

use strict;
use warnings;

use Carp;
use Exporter 'import';
use File::Temp ();
use IPC::Run;
use JSON::PP;
use MIME::Base64;

our @EXPORT = qw(run_e2 start_e2 finish_e2 item_of path_of write_bytes read_bytes make_deep files_below type_of);

my $json = JSON::PP->new->utf8->allow_nonref;

# Inputs are paths, or references to JSON text.
sub run_e2
{
	my ($what, $inputs, %opts) = @_;

	return finish_e2(start_e2($what, $inputs, %opts));
}

# The same in two steps: a harness of IPC::Run that runs meanwhile.
sub start_e2
{
	my ($what, $inputs, %opts) = @_;
	my $in = join('', map { (ref $_ ? $$_ : item_of($_)) . "\n" } @{$inputs});
	my $run = { in => File::Temp->new, out => '', err => '' };

	# from a file, so that nobody needs to feed a process that runs beside the test
	print { $run->{in} } $in;
	close($run->{in}) or croak "could not write input: $!";

	local %ENV = (%ENV, %{ $opts{env} // {} });
	delete $ENV{AZURE_STORAGE_CONNECTION_STRING} if !$opts{env};
	$run->{harness} = IPC::Run::start([ driver(), e2_options(%opts), $what ],
		'<', $run->{in}->filename, '>', \$run->{out}, '2>', \$run->{err}, IPC::Run::timeout(180));
	$run->{pid} = $run->{harness}{KIDS}[0]{PID};
	return $run;
}

sub finish_e2
{
	my ($run) = @_;
	my $out = { outcome => [], err => '' };

	$run->{harness}->finish;
	$out->{exit} = $run->{harness}->full_result;
	$out->{err} = $run->{err};
	$out->{text} = $run->{out} . $run->{err};
	foreach my $line (split(/\n/, $run->{out}))
	{
		my $row = $json->decode($line);

		if (defined $row->{n}) { $out->{outcome}[ $row->{n} - 1 ] = $row; }
		else { $out = { %{$out}, %{$row} }; }
	}
	return $out;
}

sub e2_options
{
	my (%opts) = @_;

	return map { (my $name = $_) =~ tr/_/-/; "--$name=$opts{$_}" } grep { defined $opts{$_} && $_ ne 'env' } sort keys %opts;
}

sub driver
{
	my $driver = "$ENV{PGDF_TEST_DIR}/unit/e2_driver";

	-x $driver or croak "there is no \"$driver\": run make unit";
	return $driver;
}

# The JSON item of a path, as a list would have it.
sub item_of
{
	my ($path) = @_;
	my $text = $path;

	# strict UTF-8, as the worker and the server have it
	return $json->encode($text) if utf8::decode($text) && $text !~ /[\x{d800}-\x{dfff}]/ && $text !~ /[^\x{0}-\x{10ffff}]/;
	return $json->encode({ b64 => encode_base64($path, '') });
}

# The path of an item, decoded from JSON.
sub path_of
{
	my ($item) = @_;

	return decode_base64($item->{b64}) if ref $item;
	utf8::encode($item);
	return $item;
}

# "type" of a failure, with "!" when trying again does not help; or "result".
sub type_of
{
	my ($outcome) = @_;

	return 'nothing' if !$outcome;
	return 'result' if !$outcome->{failure};
	return $outcome->{failure}{type} . ($outcome->{failure}{final} ? '!' : '');
}

sub write_bytes
{
	my ($path, $bytes) = @_;

	open(my $fh, '>:raw', $path) or croak "could not write \"$path\": $!";
	print $fh $bytes;
	close($fh) or croak "could not write \"$path\": $!";
	return $path;
}

sub read_bytes
{
	my ($path) = @_;

	open(my $fh, '<:raw', $path) or return undef;
	local $/;
	my $bytes = <$fh>;
	return $bytes // '';
}

# Directories in directories, made from one to the next as no system call takes so long a path; returns the file in the last.
sub make_deep
{
	my ($path, $width, $depth) = @_;
	my $name = 'd' x $width;

	mkdir($path) or croak "could not make $path: $!";
	chdir($path) or croak "could not enter $path: $!";
	foreach (1 .. $depth)
	{
		mkdir($name) && chdir($name) or croak "could not make a deep directory: $!";
		$path .= "/$name";
	}
	write_bytes('file', 'x');
	chdir('/') or croak "could not leave: $!";
	return "$path/file";
}

# Paths of all regular files below a directory, relative to it, sorted by bytes.
sub files_below
{
	my ($dir, $prefix) = @_;
	my @found;

	$prefix //= '';
	opendir(my $dh, "$dir/$prefix") or croak "could not read \"$dir/$prefix\": $!";
	foreach my $name (grep { $_ ne '.' && $_ ne '..' } readdir($dh))
	{
		my $path = "$dir/$prefix$name";

		next if -l $path;
		push(@found, "$prefix$name") if -f $path;
		push(@found, files_below($dir, "$prefix$name/")) if -d $path;
	}
	return sort @found;
}

1;

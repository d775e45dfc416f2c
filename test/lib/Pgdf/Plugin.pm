# test/lib/Pgdf/Plugin.pm: plugins for the TAP tests, compiled as their authors do.

package Pgdf::Plugin;

use strict;
use warnings;

use Carp;
use Exporter 'import';
use File::Basename qw(dirname);
use IPC::Run;

our @EXPORT = qw(compile run_compiler);

# Compile C text, or the file of that name in test/plugins, into DIRECTORY/NAME.so.
sub compile
{
	my ($directory, $name, $text) = @_;
	my $source = "$ENV{PGDF_TEST_DIR}/plugins/$name.c";

	if (defined $text)
	{
		$source = "$directory/$name.c";
		open(my $fh, '>', $source) or croak "could not write \"$source\": $!";
		print $fh $text;
		close($fh);
	}
	my ($ok, $output) = run_compiler($directory, 'cc', '-Wall', '-shared', '-fPIC', '-o', "$directory/$name.so", $source);

	$ok or croak "could not compile $name.c:\n$output";
	chmod(0755, "$directory/$name.so");
	return "$directory/$name.so";
}

# A command that finds the installed header; returns (success, output).
sub run_compiler
{
	my ($directory, @command) = @_;
	my $output = '';

	local $ENV{CPATH} = dirname(dirname($ENV{PGDF})) . '/include';
	my $ok = IPC::Run::run(\@command, '<', \'', '>&', \$output, init => sub { chdir($directory); });
	return ($ok, $output);
}

1;

# The program is built with what makes exploits harder, the extension exports no symbol but those that the server looks
# up, and the systemd units keep the score that docs/operations.md names.

use strict;
use warnings;

use File::Basename;
use Pgdf::Test;

my $program = $ENV{PGDF};
my $headers = output('readelf', '-hlW', $program);
my $dynamic = output('readelf', '-dW', $program);

like($headers, qr/Type:\s+DYN/, 'it is position-independent');
like($headers, qr/GNU_STACK\s+\S+\s+\S+\s+\S+\s+\S+\s+\S+\s+RW\s/, 'its stack is not executable');
like($headers, qr/GNU_RELRO/, 'relocations become read-only');
like($dynamic, qr/BIND_NOW/, 'all of them, at its start');
unlike($dynamic, qr/RPATH|RUNPATH/, 'it looks for libraries nowhere else');
like(output('readelf', '-sW', '--dyn-syms', $program), qr/__stack_chk_fail/, 'stacks are protected');

SKIP:
{
	skip('not this build', 1) if ($ENV{PGDF_PROGRAM} // '') =~ /asan/;
	like(output('readelf', '-sW', '--dyn-syms', $program), qr/__(?:mem|str|sn?|vsn?)\w+_chk\b/, 'lengths are checked');
}

my @exported = map { (split(' '))[7] } grep { /\b(?:GLOBAL|WEAK)\b/ && !/\bUND\b/ }
  split(/\n/, output('readelf', '-sW', '--dyn-syms', library()));

cmp_ok(scalar(@exported), '>', 50, 'the library exports its functions');
is(join(' ', grep { !/^(?:df_|pg_finfo_df_|Pg_magic_func$|_PG_init$)/ } @exported), '', 'and nothing else');

foreach my $name (qw(worker gateway))
{
	SKIP:
	{
		my $unit = dirname($program) . "/../lib/systemd/system/pgdf-$name.service";
		my $copy = temp_dir() . "/pgdf-$name.service";
		my ($promised) = slurp("$ENV{PGDF_TEST_DIR}/../docs/operations.md") =~ /`systemd-analyze security` gives the unit (\d+\.\d+)/;
		my ($score);

		skip('systemd-analyze is not installed', 1) if !grep { -x "$_/systemd-analyze" } split(/:/, $ENV{PATH});
		# the program is elsewhere when the unit is used
		write_file($copy, slurp($unit) =~ s{^ExecStart=\S+}{ExecStart=/bin/true}mr);
		($score) = output('systemd-analyze', 'security', '--offline=true', '--no-pager', $copy) =~ /Overall exposure level .*: (\d+\.\d+)/;
		skip('this systemd-analyze cannot look at files', 1) if !defined $score;
		cmp_ok($score, '<=', $promised, "the unit of the $name has at most the score of the manual, $promised");
	}
}

sub library
{
	my ($found) = split(/\n/, output('find', "$ENV{BINDIR}/../..", '-name', 'pgdf.so'));

	return $found // output('sh', '-c', "find -L '$ENV{BINDIR}/..' -name pgdf.so | head -n 1") =~ s/\n\z//r;
}

sub output
{
	my (@command) = @_;

	open(my $fh, '-|', @command) or die "could not run $command[0]: $!\n";
	local $/;
	return <$fh> // '';
}

done_testing();

# --help of every subcommand works without a server, and docs/cli.md knows every subcommand, option and exit code.

use strict;
use warnings;

use Pgdf::Test;

my $docs = slurp("$ENV{PGDF_TEST_DIR}/../docs/cli.md");
my $help = run_help('--help');
my @commands = $help =~ /^  ([a-z][a-z-]*) {2,}\w/mg;
my %is_daemon = map { $_ => 1 } qw(worker gateway);

cmp_ok(scalar @commands, '>', 10, 'pgdf --help lists the subcommands');
foreach my $command (grep { !$is_daemon{$_} } @commands)
{
	my $text = run_help($command, '--help');
	my @options = $text =~ /^ +(?:-\S, )?(--[a-z-]+)/mg;
	my @missing = grep { $docs !~ /$_[=` ]/ } @options;

	like($text, qr/^Usage:\n  pgdf $command /m, "pgdf $command --help");
	like($docs, qr/^\| `$command[ `]/m, "docs/cli.md has subcommand $command");
	cmp_ok(scalar @options, '>=', 2, "pgdf $command has options");
	is("@missing", '', "docs/cli.md has the options of $command");
}

my @codes = $help =~ /^ +(\d+)  \S/mg;

cmp_ok(scalar @codes, '>', 5, 'pgdf --help lists exit codes');
is(join(' ', $docs =~ /^\| (\d+) \| /mg), "@codes", 'docs/cli.md has the same');
done_testing();

sub run_help
{
	my @args = @_;
	my ($out, $err);

	local $ENV{PGHOST} = '/nowhere';
	IPC::Run::run([ $ENV{PGDF}, @args ], \'', \$out, \$err);
	is($?, 0, "pgdf @args: exit code 0");
	is($err, '', "pgdf @args: nothing on stderr");
	return $out;
}

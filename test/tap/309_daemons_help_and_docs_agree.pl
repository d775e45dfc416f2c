# --help of the daemons works without a server, and docs/operations.md has each of their flags.

use strict;
use warnings;

use Pgdf::Test;

my $docs = slurp("$ENV{PGDF_TEST_DIR}/../docs/operations.md");
my %flags;

foreach my $daemon (qw(worker gateway))
{
	my ($out, $err);

	local $ENV{PGHOST} = '/nowhere';
	IPC::Run::run([ $ENV{PGDF}, $daemon, '--help' ], \'', \$out, \$err);
	is($?, 0, "pgdf $daemon --help");
	is($err, '', 'nothing on stderr');
	like($out, qr/^Usage:\n  pgdf $daemon /m, 'says how it is called');
	$flags{$daemon} = { map { $_ => 1 } grep { $_ ne '--help' } $out =~ /^ +(?:-\S, )?(--[a-z0-9-]+)/mg };
	cmp_ok(scalar keys %{ $flags{$daemon} }, '>', 10, 'has flags');
	is(join(' ', grep { $docs !~ /`\Q$_\E`/ } sort keys %{ $flags{$daemon} }), '', "docs/operations.md has those of $daemon");
}
is(join(' ', grep { !$flags{worker}{$_} } keys %{ $flags{gateway} }), '', 'a worker has all that a gateway has');
ok(!$flags{gateway}{'--queues'}, 'but not the other way round');

my ($table) = map { [ /^\| (?:`-\w`, )?`(--[a-z0-9-]+)`/mg ] } $docs;
is(join(' ', grep { !$flags{worker}{$_} } @{$table}), '', 'the tables have no other flags');

done_testing();

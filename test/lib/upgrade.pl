# test/lib/upgrade.pl: every released version, updated, has the members of a fresh install.
#
# test/upgrade/pgdf--VERSION.sql are the scripts as they were released.  Today's version is installed a second time
# as version "next", so that even a release that is as new as the tree has something to be updated to.

use strict;
use warnings;

use File::Basename;

use Test::More;

my $psql = "$ENV{BINDIR}/psql";
my $facts = "$ENV{PGDF_TEST_DIR}/lib/members.sql";
my @released = map { basename($_) =~ /^pgdf--(.*)\.sql$/ } sort glob("$ENV{PGDF_TEST_DIR}/upgrade/pgdf--*.sql");
my @fresh = members('fresh', "CREATE EXTENSION pgdf VERSION 'next'");

cmp_ok(scalar(@fresh), '>', 100, 'a fresh install has members');
foreach my $version (@released)
{
	my $name = "updated_$version" =~ s/\W/_/gr;
	my @updated = members($name, "CREATE EXTENSION pgdf VERSION '$version'; ALTER EXTENSION pgdf UPDATE TO 'next'");

	my @difference = difference(\@updated, \@fresh);

	is(scalar(@difference), 0, "version $version, updated, is like a fresh install") or diag(join("\n", @difference));
}
done_testing();

sub members
{
	my ($database, $sql) = @_;

	run('-d', 'postgres', '-c', "CREATE DATABASE $database");
	run('-d', $database, '-c', 'SET client_min_messages = warning', '-c', $sql);
	return split(/\0/, run('-d', $database, '-A', '-t', '-q', '-0', '-f', $facts));
}

sub run
{
	open(my $fh, '-|', $psql, qw(-X -v ON_ERROR_STOP=1), @_) or die "could not run psql: $!\n";
	local $/;
	my $output = <$fh>;
	close($fh) or die "psql ended with status $?: @_\n";
	return $output;
}

sub difference
{
	my ($updated, $fresh) = @_;
	my %updated = map { $_ => 1 } @{$updated};
	my %fresh = map { $_ => 1 } @{$fresh};

	return ((map { "only after an update: $_" } grep { !$fresh{$_} } @{$updated}),
		(map { "only in a fresh install: $_" } grep { !$updated{$_} } @{$fresh}));
}

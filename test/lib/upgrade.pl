# test/lib/upgrade.pl: every released version, updated, has the members of a fresh install, and roles have the rights
# that they would have been given there, less what was taken from them.
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
	compare_rights($version);
}
done_testing();

# Rights that roles had before the update.
sub compare_rights
{
	my ($version) = @_;
	my $name = "rights_$version" =~ s/\W/_/gr;
	my $grant = q{
		SELECT df_grant_user('upgrade_user'), df_grant_registrar('upgrade_registrar'), df_grant_worker('upgrade_worker');
		REVOKE EXECUTE ON FUNCTION df_purge(text) FROM upgrade_user};
	my $rights = q{
		SELECT r.rolname, p.oid::regprocedure::text FROM pg_roles r, pg_proc p
		WHERE r.rolname ~ '^upgrade_' AND p.pronamespace IN ('df'::regnamespace, 'public'::regnamespace)
			AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
		UNION ALL
		SELECT r.rolname, c.oid::regclass::text FROM pg_roles r, pg_class c
		WHERE r.rolname ~ '^upgrade_' AND c.relnamespace = 'df'::regnamespace AND c.relkind IN ('r', 'v')
			AND has_table_privilege(r.oid, c.oid, 'SELECT')
		ORDER BY 1, 2};
	my $roles = q{
		SET client_min_messages = error;
		DROP ROLE IF EXISTS upgrade_user, upgrade_registrar, upgrade_worker;
		CREATE ROLE upgrade_user; CREATE ROLE upgrade_registrar; CREATE ROLE upgrade_worker};
	my ($fresh, $updated);

	run('-d', 'postgres', '-c', $roles, '-c', "CREATE DATABASE ${name}_fresh", '-c', "CREATE DATABASE $name");
	run('-d', "${name}_fresh", '-c', "CREATE EXTENSION pgdf VERSION 'next'", '-c', $grant);
	$fresh = run('-d', "${name}_fresh", '-A', '-t', '-q', '-c', $rights);
	run('-d', $name, '-c', "CREATE EXTENSION pgdf VERSION '$version'", '-c', $grant,
		'-c', "ALTER EXTENSION pgdf UPDATE TO 'next'");
	$updated = run('-d', $name, '-A', '-t', '-q', '-c', $rights);
	cmp_ok(scalar(split(/\n/, $fresh)), '>', 50, 'roles have rights');
	is($updated, $fresh, "version $version, updated: roles have got what is new, and nothing else");
	return;
}

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

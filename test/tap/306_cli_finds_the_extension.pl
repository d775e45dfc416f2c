# The extension may be in any schema, and the database is found by every way that libpq knows.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $service = write_file(temp_dir() . '/service.conf',
	"[other]\nhost=" . $node->host . "\nport=" . $node->port . "\ndbname=other\nuser=regress_user\n");

$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', <<'SQL');
CREATE SCHEMA "Odd schema";
CREATE EXTENSION pgdf SCHEMA "Odd schema";
GRANT USAGE ON SCHEMA "Odd schema" TO regress_user;
SELECT "Odd schema".df_grant_user('regress_user');
SQL

is((cli($node, [ 'start', 'E2_BackupSiteContent', '1', '--id', 'x', '-d', 'other' ]))[1], "x\n", 'a database name');
is((cli($node, [ 'history', 'x', '--json', '--dbname=dbname=other' ]))[0], 0, 'a connection string');
like((cli($node, [ 'list', '-d', 'postgresql:///other' ]))[1], qr/^x +E2_BackupSiteContent +Pending/m, 'a URI');
like(
	(cli($node, [ 'status', 'x' ], env => { PGSERVICEFILE => $service, PGSERVICE => 'other', PGDATABASE => '' }))[1],
	qr/^Instance id +x$/m,
	'a service');
is((cli($node, [ 'terminate', 'x' ], db => 'other'))[0], 0, 'the environment');
is((cli($node, [ 'wait', 'x', '--timeout', '0' ], db => 'other'))[0], 6, 'and waiting finds the functions too');

done_testing();

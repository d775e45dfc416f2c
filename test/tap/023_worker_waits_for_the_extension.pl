# A worker that is started before the extension, or before its grants, waits, says why, and then works.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', 'CREATE DATABASE empty');

my $worker = start_worker($node, name => 'early', db => 'empty', wait => 0);

$worker->wait_log(qr/extension "pgdf" is not installed in database "empty"/);
like($worker->log, qr/HINT:  Run CREATE EXTENSION pgdf in this database/, 'the log says what to do');
$node->safe_psql('empty', "CREATE EXTENSION pgdf; SELECT df_grant_worker('regress_worker')");
$worker->wait_log(qr/connected to database "empty" as worker \d+/);
is($worker->term, 0, 'the worker stops');

$worker = start_worker($node, name => 'nobody', user => 'regress_nobody', wait => 0);
$worker->wait_log(qr/role "regress_nobody" does not have the rights of a worker/);
like($worker->log, qr/HINT:  .*df_grant_worker/, 'the log says what to do');
$node->safe_psql('postgres', "SELECT df_grant_worker('regress_nobody')");
$worker->wait_log(qr/connected to database "postgres" as worker \d+/);
is($worker->term, 0, 'the worker stops');

done_testing();

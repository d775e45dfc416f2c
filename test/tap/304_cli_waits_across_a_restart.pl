# A wait survives the server: it connects again until the instance is final, or until its time is over.

use strict;
use warnings;

use Pgdf::Process;
use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);
my $log = $PostgreSQL::Test::Utils::log_path;

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE TABLE gate (is_open boolean);
CREATE FUNCTION pass_gate() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT EXISTS (SELECT FROM gate) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
    RETURN 'through';
END $$;
CREATE FUNCTION traveller() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('PassGate'); END $$;
SELECT df_register_activity('PassGate', 'pass_gate'), df_register_orchestrator('Traveller', 'traveller');
SQL

# the server is restarted while run waits
my $run = client('run', 'run', 'Traveller', '--id', 'a');

wait_for_event($node, 'a', 'TaskScheduled');
$node->stop('immediate');
$run->wait_log(qr/lost the connection to the server, trying to connect again/);
$node->start;
$run->wait_log(qr/connected again/);
ok($run->is_running, 'it waits on');
$node->safe_psql('postgres', 'INSERT INTO gate VALUES (true)');
is($run->wait_exit, 0, 'the instance completes');
like($run->log, qr/^"through"$/m, 'the output is printed');

# the time is over while the server is down
$node->safe_psql('postgres', 'DELETE FROM gate');

my $wait = client('wait', 'run', 'Traveller', '--id', 'b', '--timeout', '3');

wait_for_event($node, 'b', 'TaskScheduled');
$node->stop('fast');
is($wait->wait_exit, 6, '--timeout ends the wait for a server that does not come back');
like($wait->log, qr/^pgdf: error: timed out waiting for instance "b"$/m, 'and says so');
$node->start;

# an error that lasts ends the wait
my $other = client('lasting', 'run', 'Traveller', '--id', 'c');

wait_for_event($node, 'c', 'TaskScheduled');
$worker->kill9;
$node->safe_psql('postgres', 'DROP EXTENSION pgdf CASCADE');
is($other->wait_exit, 1, 'an error that lasts ends the wait');
like($other->log, qr/SQLSTATE \w{5}/, 'and is reported');
done_testing();

# A client that runs beside the test.
sub client
{
	my ($name, @args) = @_;

	return Pgdf::Process->start(
		argv => [ $ENV{PGDF}, @args ],
		log => "$log/$name.log",
		env => { PGUSER => 'regress_user' });
}

# A thousand clients wait for instances on one worker: with few database connections, and all hear it soon.

use strict;
use warnings;

use IO::Select;
use Pgdf::Gateway;
use Pgdf::Test;

my $clients = ($ENV{PGDF_PROGRAM} // '') =~ /asan/ ? 300 : 1000;
my $node = new_node('main', conf => "max_connections = 60\n");
my $worker = start_http_worker($node, args => ['--http-db-connections=3']);
my $gateway = start_gateway($node, user => 'postgres', args => ['--http-db-connections=3']);
my $base = '/runtime/webhooks/durabletask';
my $sessions = q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name LIKE 'pgdf%');

$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION gate() RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RETURN df_wait_event('go'); END$$;
SELECT df_register_orchestrator('gate', 'gate');
SQL

sub metric
{
	my ($process, $name) = @_;

	return http($process, GET => '/metrics')->{body} =~ /^$name (\S+)$/m ? $1 : undef;
}

foreach my $case ([ $worker, 'worker' ], [ $gateway, 'gateway' ])
{
	my ($server, $name) = @{$case};

	is(http($server, POST => "$base/orchestrators/gate/$name$_")->{code}, 202, "start $_") foreach 1 .. 10;
	wait_for_status($node, "$name$_", 'Running') foreach 1 .. 10;

	my @sockets = map { http_open($server) } 1 .. $clients;

	http_send($sockets[$_], GET => "$base/instances/$name" . ($_ % 10 + 1) . '?wait=60') foreach 0 .. $#sockets;
	wait_for(sub { return metric($server, 'pgdf_http_waiting') == $clients; }, "$name: all wait");
	cmp_ok($node->safe_psql('postgres', $sessions), '<=', 3 + 3 + 3, "$name: few database connections");
	is(http($server, GET => '/readyz')->{code}, 200, "$name: others are served meanwhile");

	# nothing of this is ready to be read before an event comes
	my @answered = IO::Select->new(@sockets)->can_read(0);
	is(scalar(@answered), 0, "$name: nobody was answered");
	my $began = time();
	http($server, POST => "$base/instances/$name$_/raiseEvent/go", headers => { 'Content-Type' => 'application/json' }, body => '{"b":1, "a":2}')->{code} == 202
	  or fail('event') foreach 1 .. 10;
	my @answers = map { http_read($_) } @sockets;
	my $took = time() - $began;

	is(scalar(grep { $_->{code} == 200 && $_->{body} =~ /"output":\{"a": 2, "b": 1\}/ } @answers), $clients, "$name: all hear of the end");
	cmp_ok($took, '<', 20, "$name: soon");
	note(sprintf('%s: %d clients in %.3f s', $name, $clients, $took));
	is(metric($server, 'pgdf_http_waiting'), 0, "$name: nobody waits any more");
}

# one client: at once
http($worker, POST => "$base/orchestrators/gate/one");
wait_for_status($node, 'one', 'Running');
my $socket = http_open($worker);

http_send($socket, GET => "$base/instances/one?wait=60");
wait_for(sub { return metric($worker, 'pgdf_http_waiting') == 1; }, 'one waits');
my $began = time();

$node->safe_psql('postgres', q(SELECT df_raise_event('one', 'go')));
is(http_read($socket)->{code}, 200, 'one client');
note(sprintf('one client: %.3f s', time() - $began));

# what changes but does not end is an answer too; so is the end of the time
http($worker, POST => "$base/orchestrators/gate/more");
wait_for_status($node, 'more', 'Running');
is(http($worker, GET => "$base/instances/more?wait=0.3")->{json}{runtimeStatus}, 'Running', 'the time is over');
$socket = http_open($worker);
http_send($socket, GET => "$base/instances/more?wait=60");
wait_for(sub { return metric($worker, 'pgdf_http_waiting') == 1; }, 'one waits');
http($worker, POST => "$base/instances/more/suspend");
my $answer = http_read($socket);

is($answer->{code}, 202, 'a change that is no end');
is($answer->{json}{runtimeStatus}, 'Suspended', 'is told');

# a client that goes away is forgotten
$socket = http_open($worker);
http_send($socket, GET => "$base/instances/more?wait=60");
wait_for(sub { return metric($worker, 'pgdf_http_waiting') == 1; }, 'one waits');
close($socket);
wait_for(sub { return metric($worker, 'pgdf_http_waiting') == 0; }, 'it is forgotten');

# waiting starts
$socket = http_open($worker);
http_send($socket, POST => "$base/orchestrators/gate/started?timeout=60&pollingInterval=1");
wait_for(sub { return metric($worker, 'pgdf_http_waiting') == 1; }, 'one waits');
wait_for_status($node, 'started', 'Running');
$node->safe_psql('postgres', q(SELECT df_raise_event('started', 'go', '[1, 2]')));
$answer = http_read($socket);
is($answer->{code}, 200, 'a start that is waited for');
is($answer->{body}, '[1, 2]', 'is answered with the bare output');
$answer = http($worker, POST => '/orchestrators/gate/wait?timeout=0.2&retryInterval=1');
is($answer->{code}, 202, 'still running after that time');
ok($answer->{json}{statusQueryGetUri}, 'is answered as if nobody had waited');

# what the worker has counted meanwhile
cmp_ok(metric($worker, 'pgdf_worker_turns_total'), '>=', 40, 'turns');
my ($times, $calls) = http($worker, GET => '/metrics')->{body} =~ /^pgdf_worker_calls_total (\d+)$.*^pgdf_worker_call_seconds_count (\d+)$/ms;
is($times, $calls, 'calls have their times');
is(metric($gateway, 'pgdf_worker_turns_total'), undef, 'a gateway makes no turns');
is($worker->term, 0, 'ends');
is($gateway->term, 0, 'ends');

done_testing();

# SIGTERM: no new connections, what was asked is answered, then the process ends.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $base = '/runtime/webhooks/durabletask';
my $user = $node->connstr('postgres') . ' user=regress_user';

$node->safe_psql('postgres', <<'SQL', connstr => $user);
CREATE FUNCTION gate() RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN RETURN df_wait_event('go'); END$$;
SELECT df_register_orchestrator('gate', 'gate');
SQL

# each of them, while clients wait, are idle, and are in the middle of a request
sub drains
{
	my ($name, $process) = @_;
	my @waiting = map { http_open($process) } 1 .. 20;
	my $idle = http_open($process);
	my $half = http_open($process);

	http($process, POST => "$base/orchestrators/gate/$name")->{code} == 202 or fail('start');
	http_send($idle, GET => '/healthz');
	is(http_read($idle)->{code}, 200, "$name: one is idle");
	http_send($half, POST => "$base/orchestrators/gate/$name-half", headers => { 'Content-Length' => 4 }, body => 'nu');
	http_send($_, GET => "$base/instances/$name?wait=60") foreach @waiting;
	wait_for(sub { return http($process, GET => '/metrics')->{body} =~ /^pgdf_http_waiting 20$/m; }, 'clients wait');

	$process->signal('TERM');
	my @answers = map { http_read($_) } @waiting;

	is(scalar(grep { $_->{code} == 202 && $_->{headers}{connection} eq 'close' } @answers), 20, "$name: who waits is answered");
	is(http_read($idle), undef, "$name: the idle one is closed");
	ok(!IO::Socket::INET->new(PeerAddr => http_address($process)), "$name: no new connection");
	ok($process->is_running, "$name: a request is still on its way");
	print $half 'll';
	$half->flush;
	is(http_read($half)->{code}, 202, "$name: it is carried out");
	is($process->wait_exit, 0, "$name: then the process ends");
	return;
}

drains('gateway', start_gateway($node));
$node->safe_psql('postgres', 'GRANT regress_user TO regress_worker');
drains('worker', start_http_worker($node, user => 'regress_worker'));

# one that never ends its request is not waited for longer than --drain
my $gateway = start_gateway($node, args => [ '--drain=300ms', '--http-min-rate=0' ]);
my $half = http_open($gateway);

http_send($half, POST => "$base/orchestrators/gate", headers => { 'Content-Length' => 4 }, body => 'nu');
wait_for(sub { return http($gateway, GET => '/metrics')->{body} =~ /^pgdf_http_requests_open 2$/m; }, 'the request has begun');
is($gateway->term, 0, 'ends');
like($gateway->log, qr/WARNING:  1 HTTP requests were not answered in time/, 'and says what it left');

# a second signal does not wait at all
$gateway = start_gateway($node, args => ['--drain=1h']);
$half = http_open($gateway);
http_send($half, POST => "$base/orchestrators/gate", headers => { 'Content-Length' => 4 }, body => 'nu');
wait_for(sub { return http($gateway, GET => '/metrics')->{body} =~ /^pgdf_http_requests_open 2$/m; }, 'the request has begun');
$gateway->signal('TERM');
$gateway->wait_log(qr/shutting down/);
is($gateway->term, 0, 'ends');

done_testing();

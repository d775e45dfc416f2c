# systemd's protocol: READY=1 when the worker is attached, RELOADING=1, STOPPING=1.

use strict;
use warnings;

use IO::Socket::UNIX;
use Pgdf::Test;
use Socket;

my $node = new_node('main', start => 0);
my $dir = temp_dir();
my $path = "$dir/notify";
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $path) or die "could not make \"$path\": $!";

$socket->blocking(0);

sub received
{
	my $state;

	wait_for(sub { return defined $socket->recv($state, 4096) && length($state // '') }, 'a notification');
	return $state;
}

my $worker = start_worker($node, name => 'notifying', env => { NOTIFY_SOCKET => $path }, wait => 0);

$worker->wait_log(qr/could not connect to database/);
ok(!defined $socket->recv(my $early, 4096), 'a worker without a database is not ready');

$node->start;
is(received(), 'READY=1', 'it is when it is attached');
$node->restart;
$worker->wait_log(qr/connected to database "postgres" again/);
$worker->hup;
like(received(), qr/^RELOADING=1\nMONOTONIC_USEC=\d+$/, 'SIGHUP: reloading');
is(received(), 'READY=1', 'and ready again');
$worker->signal('TERM');
is(received(), 'STOPPING=1', 'SIGTERM: stopping');
is($worker->wait_exit, 0, 'the worker stops');

done_testing();

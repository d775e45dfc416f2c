# A thousand idle connections, more than there may be, and a flood of bad requests: good ones are served all the same.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $gateway = start_gateway($node, args => [ '--http-idle-timeout=1h', '--http-header-timeout=1h' ]);
my $path = '/runtime/webhooks/durabletask/instances/';

sub is_served
{
	my ($process, $name) = @_;
	my $worst = 0;

	for (1 .. 50)
	{
		my $began = time();

		is(http($process, GET => $path)->{code}, 200, $name) if $_ == 1;
		http($process, GET => $path)->{code} == 200 or fail("$name: request $_");
		$worst = time() - $began if time() - $began > $worst;
	}
	cmp_ok($worst, '<', 10, "$name: soon");
	return;
}

# a thousand that have said nothing, and a thousand that wait for their next request
my @silent = map { http_open($gateway) } 1 .. 500;
my @idle = map { http_open($gateway) } 1 .. 500;

foreach my $socket (@idle)
{
	http_send($socket, GET => '/healthz');
	http_read($socket)->{code} == 200 or fail('an idle one was served before');
}
is_served($gateway, 'beside 1,000 idle connections');
like(http($gateway, GET => '/metrics')->{body}, qr/^pgdf_http_connections 100\d$/m, 'which are all there');
my ($memory) = slurp('/proc/' . $gateway->pid . '/status') =~ /^VmRSS:\s+(\d+) kB/m;
cmp_ok($memory, '<', memory_limit_kb(), 'and cost little memory');
http_send($_, GET => '/healthz') foreach @idle;
is(scalar(grep { http_read($_)->{code} == 200 } @idle), 500, 'and are served when they come back');

# a flood of what is no good
my @flooders;

for my $n (1 .. 4)
{
	my $pid = fork() // die "could not fork: $!";

	push @flooders, $pid;
	next if $pid;
	$SIG{PIPE} = 'IGNORE';
	while (1)
	{
		my $socket = http_open($gateway);

		if ($n == 1) { print $socket "\0" x 10000; }
		elsif ($n == 2) { http_send($socket, GET => '/healthz', headers => { Host => 'evil.example' }) for 1 .. 100; }
		elsif ($n == 3) { http_send($socket, POST => '/orchestrators/x', body => '{' x 1000); }
		else { http_send($socket, BREW => '/coffee', headers => { 'Content-Length' => 100000000 }, body => 'x' x 100000); }
	}
}
is_served($gateway, 'in a flood of bad requests');
kill('KILL', @flooders);
waitpid($_, 0) foreach @flooders;
is($gateway->term, 0, 'ends');

# more than there may be
my $small = start_gateway($node, name => 'small', args => [ '--http-connections=64', '--http-idle-timeout=1h', '--http-header-timeout=1h' ]);
my @crowd;

for (1 .. 300)
{
	push @crowd, http_open($small);
}
is_served($small, 'beside more silent connections than there may be');
like(http($small, GET => '/metrics')->{body}, qr/^pgdf_http_cut_off_total [23]\d\d$/m, 'the oldest of them had to go');
is($small->term, 0, 'ends');

# more bodies than there is memory for
my $bodies = start_gateway($node, name => 'bodies', args => [ '--http-max-body=1000000' ]);
my @senders = map { http_open($bodies) } 1 .. 40;
my $body = '"' . 'x' x 999000 . '"';

http_send($_, POST => '/orchestrators/none', headers => { 'Content-Length' => length $body }, body => substr($body, 0, -1)) foreach @senders;
is_served($bodies, 'beside 40 MB of bodies on their way');
print {$_} '"' and $_->flush foreach @senders;
my %codes;
$codes{ http_read($_)->{code} }++ foreach @senders;
is_deeply([ sort keys %codes ], [ 400, 503 ], 'some were taken, and some are to try again');
cmp_ok($codes{503}, '>=', 20, 'as many as there is no room for');
is(http($bodies, POST => '/orchestrators/none', body => $body)->{code}, 400, 'then there is room again');
($memory) = slurp('/proc/' . $bodies->pid . '/status') =~ /^VmHWM:\s+(\d+) kB/m;
cmp_ok($memory, '<', memory_limit_kb() + 32 * 1024, 'and never too much was needed');
is($bodies->term, 0, 'ends');

done_testing();

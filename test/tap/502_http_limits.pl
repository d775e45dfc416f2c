# What is too large, too many or too slow is refused or cut off, and the server stays.

use strict;
use warnings;

use IO::Select;
use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $gateway = start_gateway(
	$node,
	args => [
		'--http-max-body=10000', '--http-max-header=4096', '--http-max-url=1000', '--http-max-requests=5',
		'--http-header-timeout=2s', '--http-idle-timeout=2s', '--http-request-timeout=4s'
	]);
my $start = '/orchestrators/none';

# sizes
is(http($gateway, GET => '/healthz?' . 'x' x 990)->{code}, 200, 'a URL as long as allowed');
is(http($gateway, GET => '/healthz?' . 'x' x 1000)->{code}, 414, 'a longer one');
is(http($gateway, GET => '/healthz', headers => { 'X-A' => 'x' x 3900 })->{code}, 200, 'a header as long as allowed');
is(http($gateway, GET => '/healthz', headers => { 'X-A' => 'x' x 5000 })->{code}, 431, 'a longer one');
is(http($gateway, GET => '/healthz', headers => { map { ("X-$_" => 1) } 1 .. 101 })->{code}, 431, 'one of too many fields');
like(http($gateway, GET => '/healthz', headers => { 'X-A' => 'x' x 1000000 }, timeout => 20)->{code}, qr/^4/, 'a megabyte of it');
is(http($gateway, POST => $start, body => '"' . 'x' x 9998 . '"')->{code}, 400, 'a body as long as allowed');
is(http($gateway, POST => $start, body => '"' . 'x' x 9999 . '"')->{code}, 413, 'a longer one');

my $socket = http_open($gateway);

http_send($socket, POST => $start, headers => { 'Content-Length' => '1000000000000000' });
is(http_read($socket)->{code}, 413, 'before it is read');
$socket = http_open($gateway);
http_send($socket, POST => $start, headers => { 'Content-Length' => 20000000 });
is(send_all($socket, 20000000), 20000000, 'a client that sends on is not reset');
is(http_read($socket)->{code}, 413, 'and hears it');
$socket = http_open($gateway);
http_send($socket, POST => $start, headers => { 'Transfer-Encoding' => 'chunked' });
print $socket '400', "\r\n", 'x' x 1024, "\r\n" for 1 .. 20;
print $socket "0\r\n\r\n";
is(http_read($socket)->{code}, 413, 'in pieces');

# depth
is(http($gateway, POST => $start, body => '[' x 128 . ']' x 128)->{json}{Message}, 'orchestrator "none" does not exist', 'JSON 128 deep');
like(http($gateway, POST => $start, body => '[' x 129 . ']' x 129)->{json}{Message}, qr/not valid JSON/, 'deeper');

# what proxies read in different ways
$socket = http_open($gateway);
http_send($socket, POST => $start, headers => { 'Content-Length' => 5, 'Transfer-Encoding' => 'chunked' }, body => "0\r\n\r\n");
is(http_read($socket)->{code}, 400, 'two kinds of length');
is(http($gateway, POST => $start, headers => { 'Transfer-Encoding' => $_ })->{code}, 400, "Transfer-Encoding: $_")
  foreach 'gzip, chunked', 'xchunked', 'chunked, identity';
$socket = http_open($gateway);
print $socket "POST $start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12";
is(http_read($socket)->{code}, 400, 'two lengths');
$socket = http_open($gateway);
print $socket "POST $start HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n";
like((http_read($socket) // { code => 'closed' })->{code}, qr/^4|closed/, 'no length');
$socket = http_open($gateway);
print $socket "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n";
like((http_read($socket) // { code => 'closed' })->{code}, qr/^4|closed/, 'no HTTP');

# requests on one connection
$socket = http_open($gateway);
for my $n (1 .. 5)
{
	http_send($socket, GET => '/healthz');
	my $answer = http_read($socket);

	is($answer->{code}, 200, "request $n");
	is($answer->{headers}{connection} // '', $n == 5 ? 'close' : '', $n == 5 ? 'is the last' : 'and another');
}
is(http_read($socket), undef, 'then the connection ends');

# How much of so many bytes could be sent.
sub send_all
{
	my ($connection, $bytes) = @_;
	my $sent = 0;

	local $SIG{PIPE} = 'IGNORE';
	while ($sent < $bytes)
	{
		$sent += syswrite($connection, 'x' x 100000) // return $sent;
	}
	return $sent;
}

# time
sub is_cut_off
{
	my ($name, $drip, @texts) = @_;
	my $connection = http_open($gateway);
	my $began = time();
	my $end = $began + 30;
	my $got = '';

	local $SIG{PIPE} = 'IGNORE';
	print $connection @texts;
	$connection->flush;
	while (time() < $end)
	{
		if (IO::Select->new($connection)->can_read(0.1))
		{
			last if !sysread($connection, $got, 1000, length $got);
		}
		elsif ($drip)
		{
			syswrite($connection, $drip) // last;
		}
	}
	cmp_ok(time(), '<', $end, "$name: cut off");
	return $got;
}

is(is_cut_off('silence', ''), '', 'without an answer');
is(is_cut_off('half a header', '', "GET / HTTP/1.1\r\nHost: loc"), '', 'without an answer');
is(is_cut_off('a header, letter by letter', 'x', "GET / HTTP/1.1\r\nX-A: "), '', 'without an answer');
is(is_cut_off('a body, letter by letter', 'x', "POST $start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n"), '', 'without an answer');
like(is_cut_off('idle after a request', '', "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"), qr/"up"/, 'which was answered');
my $metrics = http($gateway, GET => '/metrics')->{body};
like($metrics, qr/^pgdf_http_cut_off_total [5-9]$/m, 'all of that is counted');
is(http($gateway, GET => '/readyz')->{code}, 200, 'and others are served');
is($gateway->term, 0, 'ends');

done_testing();

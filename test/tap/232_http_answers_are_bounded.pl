# Whatever a server sends, a request ends and the worker stays small: endless bodies and headers, bombs, drips, and
# requests that are cancelled or late.

use strict;
use warnings;

use Compress::Zlib;
use JSON::PP;
use Pgdf::HttpServer;
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $node = new_node('main');
my $dir = temp_dir();
my $bomb = Compress::Zlib::memGzip("\0" x (64 * 1024 * 1024));
# ends when the other side closes the connection, and says so
my $until_closed = sub {
	my ($name, $socket, $pause, $what) = @_;
	my $sent = 0;

	while (syswrite($socket, $what) && $sent++ < 100_000) { select(undef, undef, undef, $pause) if $pause; }
	write_file("$dir/$name", $sent);
	return undef;
};
my $server = Pgdf::HttpServer->new(dir => $dir, routes => {
	'/endless' => sub {
		my ($request, $n, $socket) = @_;
		print $socket "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n";
		$socket->flush;
		return $until_closed->('endless', $socket, 0, sprintf("%x\r\n%s\r\n", 65536, 'x' x 65536));
	},
	'/headers' => sub {
		my ($request, $n, $socket) = @_;
		print $socket "HTTP/1.1 200 x\r\n";
		$socket->flush;
		return $until_closed->('headers', $socket, 0, 'X-More: ' . ('x' x 1000) . "\r\n");
	},
	'/interim' => sub {
		my ($request, $n, $socket) = @_;
		return $until_closed->('interim', $socket, 0, "HTTP/1.1 103 x\r\nX-More: " . ('x' x 1000) . "\r\n\r\n");
	},
	'/length' => sub { return { status => 200, headers => { 'Content-Length' => 1e12 }, body => 'x' }; },
	'/bomb' => sub { return { status => 200, headers => { 'Content-Encoding' => 'gzip' }, body => $bomb }; },
	'/gzip' => sub { return { status => 200, headers => { 'Content-Encoding' => 'gzip', 'Content-Type' => 'text/plain' },
		body => Compress::Zlib::memGzip('x' x 100_000) }; },
	'/edge' => sub { return { status => 200, body => 'x' x 200_000 }; },
	'/beyond' => sub { return { status => 200, body => 'x' x 200_001 }; },
	'/failing' => sub { return { status => 500, body => 'x' x 200_001 }; },
	'/drip' => sub {
		my ($request, $n, $socket) = @_;
		print $socket "HTTP/1.1 200 x\r\nContent-Length: 100000\r\n\r\n";
		$socket->flush;
		return $until_closed->('drip', $socket, 0.2, 'x');
	},
	'/silent' => sub { my ($request, $n, $socket) = @_; sysread($socket, my $rest, 1); write_file("$dir/silent$n", 'closed'); return undef; },
	'/garbage' => sub { my ($request, $n, $socket) = @_; print $socket "SSH-2.0-x\r\n"; return undef; },
	'/quick' => sub { return { status => 200 }; },
});
my $worker = start_worker($node, args => [ '--http-call-allow', '127.0.0.1', '--http-call-max-response', '200000',
	'--http-call-stall', '2 s', '--http-call-timeout', '30 s' ]);

$node->safe_psql('postgres', q{
	CREATE FUNCTION ask(url text, timeout interval DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_http(url, timeout => timeout);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('ask');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub begin
{
	my ($path, %input) = @_;
	return df_start($node, 'ask', $json->encode({ url => $server->url($path), %input }), user => 'regress_user');
}

sub result_of
{
	my ($id) = @_;

	wait_for_status($node, $id, 'Completed');
	return $json->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

my %expected = (
	'/endless' => 'ResponseTooLarge', '/headers' => 'ResponseTooLarge', '/interim' => 'ResponseTooLarge',
	'/length' => 'ResponseTooLarge', '/bomb' => 'ResponseTooLarge', '/beyond' => 'ResponseTooLarge',
	'/failing' => 'ResponseTooLarge', '/drip' => 'TransferStalled', '/garbage' => 'InvalidResponse');
my %ids = map { $_ => begin($_) } sort keys %expected;
foreach my $path (sort keys %expected)
{
	is(result_of($ids{$path})->{errorType}, $expected{$path}, "$path: $expected{$path}");
}
wait_for(sub { return -e "$dir/$_" }, "the end of $_") foreach qw(endless headers interim drip);
cmp_ok(slurp("$dir/drip"), '<', 60, 'the drip was cut off');
is(result_of(begin('/gzip'))->{body}, 'x' x 100_000, 'what is compressed is decoded');
is(length(result_of(begin('/edge'))->{body}), 200_000, 'what is just small enough is taken');

# an activity that is cancelled, and one that is late, close their connections
my $id = begin('/silent');
wait_for(sub { return $server->requests('/silent') == 1 }, 'the request');
$node->safe_psql('postgres', "SELECT df_terminate('$id')");
wait_for(sub { return -e "$dir/silent1" }, 'the end of the connection');
pass('a cancelled request is closed');
is(result_of(begin('/silent', timeout => '300 ms'))->{errorType}, 'Timeout', 'a late one has timed out');
wait_for(sub { return -e "$dir/silent2" }, 'the end of the connection');
pass('and is closed');

# many at once
my @ids = map { begin($_ % 2 ? '/endless' : '/bomb') } 1 .. 40;
my $start = time();
is(result_of(begin('/quick'))->{status}, 200, 'others go on meanwhile');
is(result_of($_)->{errorType}, 'ResponseTooLarge', 'it ends') foreach @ids;
my ($peak) = slurp('/proc/' . $worker->pid . '/status') =~ /^VmHWM:\s+(\d+) kB/m;
cmp_ok($peak, '<=', memory_limit_kb(), 'the worker has stayed small');
is($worker->term, 0, 'and ended well');
done_testing();

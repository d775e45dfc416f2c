# HTTP over TLS, with a certificate and its key.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($out, $err);

# What an HTTP/1.0-like request over TLS gets: all of it, as text.
sub ask
{
	my ($request, @options) = @_;
	my ($answer, $errors) = ('', '');

	IPC::Run::run([ 'openssl', 's_client', '-quiet', '-connect', "127.0.0.1:$port", '-CAfile', "$dir/cert.pem",
		'-verify_return_error', @options ], '<', \$request, '>', \$answer, '2>', \$errors, IPC::Run::timeout(60));
	return $answer;
}

IPC::Run::run([ 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-keyout', "$dir/key.pem", '-out', "$dir/cert.pem" ], \undef, \$out, \$err) or BAIL_OUT("no certificate: $err");

my $gateway = start_gateway($node, address => "127.0.0.1:$port",
	args => [ '--http-certificate', "$dir/cert.pem", '--http-private-key', "$dir/key.pem" ]);

like($gateway->log, qr!serving HTTP on https://127\.0\.0\.1:$port!, 'serves https');
like(ask("GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), qr!^HTTP/1\.1 200 .*"ready"!s, 'answers');

my $body = '"' . 'x' x 200000 . '"';
my $text = ask("POST /orchestrators/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: "
	  . length($body) . "\r\n\r\n$body");

like($text, qr!^HTTP/1\.1 400 .*orchestrator \\"none\\" does not exist!s, 'takes a body');
$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION quiet() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM df_wait_event('never'); END$$;
SELECT df_register_orchestrator('quiet', 'quiet');
SQL
like(ask("POST /orchestrators/quiet HTTP/1.1\r\nHost: localhost:$port\r\nConnection: close\r\n\r\n"),
	qr!^HTTP/1\.1 202 .*"statusQueryGetUri":"https://localhost:$port/!s, 'links are https');
unlike(ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", '-tls1_1'), qr/"up"/, 'old TLS is refused');

my $plain = http_open("127.0.0.1:$port");

http_send($plain, GET => '/healthz');
is(http_read($plain), undef, 'plain HTTP gets no answer');
is($gateway->term, 0, 'ends');

my $broken = start_gateway($node, name => 'broken', args => [ '--http-certificate', "$dir/key.pem", '--http-private-key', "$dir/key.pem" ], wait => 0);

is($broken->wait_exit, 1, 'a wrong certificate');
like($broken->log, qr/ERROR:  could not start the HTTP server.*\n.*certificate/, 'says so');

done_testing();

# A request must name a host of the list, as Host and as Origin: no DNS rebinding, no cross-site requests.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $gateway = start_gateway($node, args => [ '--http-hosts', 'df.example.com,10.1.2.3', '--public-url', 'https://public.example.com/' ]);
my ($port) = http_address($gateway) =~ /:(\d+)$/;

sub code
{
	my ($host, $origin, $verb) = @_;

	return http($gateway, $verb // 'GET', '/healthz', headers => { Host => $host, Origin => $origin })->{code};
}

is(code($_), 200, "Host: $_") foreach 'localhost', "localhost:$port", 'LocalHost:1', '127.0.0.1', '[::1]:7071', "127.0.0.1:$port",
  'df.example.com', 'DF.example.com:443', 'df.example.com.', '10.1.2.3', 'public.example.com';
is(code($_), 403, "Host: $_") foreach 'evil.example', 'localhost.evil.example', 'evil.example:7071', 'localhost@evil.example',
  'df.example.com.evil.example', '127.0.0.1.evil.example', 'localhost:x', 'sub.df.example.com', '[::1', '10.1.2.4', '127.1', '0x7f.1';
is(code('localhost', $_), 200, "Origin: $_") foreach 'http://localhost:3000', 'https://df.example.com', 'http://[::1]', 'http://127.0.0.1:80';
is(code('localhost', $_), 403, "Origin: $_") foreach 'null', 'http://evil.example', 'https://localhost.evil.example', 'file://',
  'http://localhost@evil.example', 'http://localhost/', 'chrome-extension://localhost', 'localhost';
is(code('localhost', 'http://evil.example', 'POST'), 403, 'before anything else is said');

my $socket = http_open($gateway);

http_send($socket, GET => '/healthz', headers => { Host => undef });
is(http_read($socket)->{code}, 400, 'HTTP/1.1 without Host');

$socket = http_open($gateway);
print $socket "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n";
is(http_read($socket)->{code}, 400, 'two of them');

# which are in the links
my $path = '/runtime/webhooks/durabletask/instances/none';

is(http($gateway, GET => $path, headers => { 'X-Forwarded-Host' => 'evil.example' })->{code}, 404, 'X-Forwarded-Host is not looked at');
is($gateway->term, 0, 'ends');

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION quiet() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM df_wait_event('never'); END$$;
SELECT df_register_orchestrator('quiet', 'quiet');
SQL

sub links
{
	my ($process, %headers) = @_;
	my $answer = http($process, POST => '/orchestrators/quiet/?taskHub=a%26b&CONNECTION=c', headers => \%headers);

	is($answer->{code}, 202, 'started') || diag($answer->{body});
	is($answer->{headers}{location}, $answer->{json}{statusQueryGetUri}, 'Location');
	my ($id) = ($answer->{json}{id});
	(my $uri = $answer->{json}{statusQueryGetUri}) =~ s/\Q$id\E/ID/;
	return $uri;
}

my $rest = '/runtime/webhooks/durabletask/instances/ID?taskHub=a%26b&connection=c';
my $plain = start_gateway($node);

is(links($plain, Host => 'localhost:99'), "http://localhost:99$rest", 'links as the request has it');
is(links($plain, 'X-Forwarded-Proto' => 'https'), "http://localhost$rest", 'a proxy is not believed');
$plain->term;

my $public = start_gateway($node, args => [ '--public-url=https://public.example.com/df/', '--trust-forwarded' ]);

is(links($public), "https://public.example.com/df$rest", '--public-url');
$public->term;

my $behind = start_gateway($node, args => [ '--trust-forwarded', '--http-hosts=df.example.com' ]);

is(links($behind, 'X-Forwarded-Proto' => 'https', 'X-Forwarded-Host' => 'df.example.com'), "https://df.example.com$rest", '--trust-forwarded');
is(links($behind, 'X-Forwarded-Proto' => 'https, http', 'X-Forwarded-Host' => 'df.example.com:8443, inner'),
	"https://df.example.com:8443$rest", 'the first of several proxies');
is(links($behind, 'X-Forwarded-Proto' => 'gopher'), "http://localhost$rest", 'only http and https');
is(http($behind, GET => '/healthz', headers => { 'X-Forwarded-Host' => 'evil.example' })->{code}, 403, 'a forwarded host must be in the list');

# an id as a path: encoded once
my $answer = http($behind, POST => '/runtime/webhooks/durabletask/orchestrators/quiet/a%20%C3%BC%25x+y');

is($answer->{code}, 202, 'an id with anything in it');
is($answer->{json}{id}, "a \x{fc}%x+y", 'is decoded once');
like($answer->{headers}{location}, qr!/instances/a%20%C3%BC%25x%2By$!, 'and encoded in links');
(my $target = $answer->{headers}{location}) =~ s!^http://localhost!!;
is(http($behind, GET => $target)->{json}{instanceId}, "a \x{fc}%x+y", 'which lead back to it');
is(http($behind, GET => $path . '%2f..%2fx')->{code}, 404, 'an encoded slash ends no segment');
is(http($behind, GET => '/runtime/webhooks/durabletask/instances/%00')->{code}, 400, 'no zero bytes');
is(http($behind, GET => '/runtime/webhooks/durabletask/instances/%ff')->{code}, 400, 'no bytes that are no UTF-8');

done_testing();

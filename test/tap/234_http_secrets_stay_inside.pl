# A secret of the worker gets to the hosts that it is for, and nowhere else: not into inputs, history, failures, logs,
# dumps, status or command lines, also when the server sends it back, redirects, fails or accepts.

use strict;
use warnings;

use JSON::PP;
use Pgdf::HttpServer;
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $canary = 'canary"7e1f\\0c2d/9b8a';
my $node = new_node('main');
my $dir = temp_dir();
my $file = write_file("$dir/api", "$canary\n");
my $loose = write_file("$dir/loose", "another-secret\n");
my $short = write_file("$dir/short", "short\n");
mkdir("$dir/credentials");
write_file("$dir/credentials/service", $canary);
chmod(0600, $file, $short);
chmod(0640, $loose);
my $got = sub { return $_[0]{headers}{authorization} // ''; };
my $server = Pgdf::HttpServer->new(dir => "$dir/", host => '::', routes => {
	'/check' => sub { { status => $got->($_[0]) eq "Bearer $canary" ? 200 : 401 } },
	'/whole' => sub { { status => $got->($_[0]) eq $canary ? 200 : 401 } },
	'/json' => sub { { status => 200, headers => { 'Content-Type' => 'application/json', 'X-Echo' => $got->($_[0]) },
		body => $json->encode($_[0]) } },
	'/text' => sub { { status => 200, headers => { 'Content-Type' => 'text/plain' }, body => 'got ' . $got->($_[0]) . ' twice ' . $got->($_[0]) } },
	'/fail' => sub { { status => 500, headers => { 'Content-Type' => 'text/plain' }, body => 'no ' . $got->($_[0]) } },
	'/accept' => sub { { status => 202, headers => { Location => '/check?' . $canary =~ s/[^\w]/-/gr, 'Retry-After' => 0 } } },
	'/elsewhere' => sub { my ($p) = $_[0]{headers}{host} =~ /:(\d+)/; { status => 307, headers => { Location => "http://localhost:$p/there" } } },
	'/there' => sub { { status => 200, body => exists $_[0]{headers}{authorization} ? 'leaked' : 'clean' } },
});
my $worker = start_worker($node, args => [ '--http-call-allow', '127.0.0.1,localhost', '--http-call-max-redirects', '1', '--log-level', 'debug' ],
	env => { CREDENTIALS_DIRECTORY => "$dir/credentials" },
	config => { secrets => {
		api => { file => $file, hosts => ['127.0.0.1'] },
		credential => { credential => 'service', hosts => [ 'example.com', '127.0.0.1' ] },
		loose => { file => $loose, hosts => ['127.0.0.1'] },
		short => { file => $short, hosts => ['127.0.0.1'] },
		missing => { file => "$dir/missing", hosts => ['127.0.0.1'] },
		folder => { file => $dir, hosts => ['127.0.0.1'] },
		public => { file => $file, hosts => ['example.com'] },
	} });

$node->safe_psql('postgres', q{
	CREATE FUNCTION ask(url text, headers jsonb, retry jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_set_custom_status(headers);
		RETURN df_call_http(url, 'POST', '{"order": 1}', headers, retry);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('ask');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub ask
{
	my ($path, $secret, %more) = @_;
	my $value = { '$secret' => $secret, exists $more{prefix} ? (prefix => $more{prefix}) : () };
	my $url = $path =~ /^http/ ? $path : $server->url($path);
	my $id = df_start($node, 'ask', $json->encode({ url => $url, headers => { Authorization => $value }, $more{retry} ? (retry => $more{retry}) : () }), user => 'regress_user');

	wait_for_status($node, $id, 'Completed');
	return $json->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

is(ask('/check', 'api', prefix => 'Bearer ')->{status}, 200, 'a secret is sent behind its prefix');
is(ask('/whole', 'api')->{status}, 200, 'or as it is');
is(ask('/whole', 'credential')->{status}, 200, 'and so is a credential of the service');
my $answer = ask('/json', 'api', prefix => 'Bearer ');
is($answer->{body}{headers}{authorization}, 'Bearer ***', 'what comes back is taken out of the body');
is($answer->{headers}{'x-echo'}, 'Bearer ***', 'and of headers');
is(ask('/text', 'api')->{body}, 'got *** twice ***', 'everywhere');
is(ask('/fail', 'api', retry => { max_attempts => 2, first_delay => 0.01 })->{properties}{body}, 'no ***', 'and of failures');
is(ask('/accept', 'api', prefix => 'Bearer ')->{status}, 200, 'questions to the same host have it too');
is(ask('/elsewhere', 'api')->{body}, 'clean', 'another host does not get it');

is(ask('/check', 'public')->{errorType}, 'SecretRefused', 'a secret for other hosts');
is(ask('/check', 'nothing')->{errorType}, 'SecretRefused', 'and none at all: both look the same');
is(ask('http://localhost:' . $server->port . '/check', 'api')->{errorType}, 'SecretRefused', 'a host is named as it is written');
is(ask('http://example.com/', 'credential')->{errorType}, 'SecretRefused', 'it does not leave without TLS');
is(ask('/check', $_)->{errorType}, 'SecretUnavailable', "$_: a file that cannot be used") foreach qw(loose short missing folder);
like($worker->log, qr/could not use secret "loose": its file can be read or written by others/, 'the log says why');

# a new value counts at once
my $second = 'canary-second-2f4d';
write_file($file, $second);
is(ask('/text', 'api')->{body}, 'got *** twice ***', 'a new value is used without a reload');

# nowhere
my $dump = '';
IPC::Run::run([ "$ENV{BINDIR}/pg_dump", '-d', $node->connstr('postgres') . ' user=postgres' ], '>', \$dump) or die 'pg_dump failed';
my $status = $node->safe_psql('postgres', 'SELECT i.*, h.* FROM df.instances i, df_history(i.instance_id) h');
foreach my $secret ($canary, $second)
{
	my @forms = ($secret, substr($json->encode($secret), 1, -1), join('', map { sprintf('%02x', ord) } split(//, $secret)));

	foreach my $form (@forms)
	{
		is(index($dump, $form), -1, 'not in a dump');
		is(index($status, $form), -1, 'not in status and history');
		is(index($worker->log, $form), -1, "not in the worker's log");
		is(index(slurp($node->logfile), $form), -1, "not in the server's log");
		is(index(slurp('/proc/' . $worker->pid . '/cmdline'), $form), -1, 'not in its command line');
	}
}
like($dump, qr/"\$secret": "api"/, 'the dump has what was asked for');
is($worker->term, 0, 'the worker ended well');
done_testing();

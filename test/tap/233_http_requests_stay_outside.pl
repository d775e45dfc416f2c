# A request from the database reaches the public Internet only: no address of this machine, however it is written, by
# whatever redirect or Location, and through no proxy of the environment.  Shown by a listener that nobody talks to.

use strict;
use warnings;

use JSON::PP;
use Pgdf::HttpServer;
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE FUNCTION ask(url text, method text DEFAULT 'GET', headers jsonb DEFAULT NULL, body jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_http(url, method, body, headers);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('ask');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub begin
{
	my ($url, %input) = @_;
	return df_start($node, 'ask', $json->encode({ url => $url, %input }), user => 'regress_user');
}

sub result_of
{
	my ($id) = @_;

	wait_for_status($node, $id, 'Completed');
	return $json->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

sub ask { return result_of(begin(@_)); }

# It can be reached at every address of this machine.
sub secret_service
{
	return Pgdf::HttpServer->new(dir => temp_dir(), host => '::', routes => { map { $_ => sub { { status => 200, body => 'secret' } } } '/', '/a' });
}

subtest 'no spelling of loopback' => sub {
	my $service = secret_service();
	my $proxy = secret_service();
	my $port = $service->port;
	my $worker = start_worker($node, args => [ '--http-call-plain' ],
		env => { map { $_ => 'http://127.0.0.1:' . $proxy->port } qw(http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy) });
	my @hosts = qw(127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1 017700000001 0 0.0.0.0 localhost
	  LOCALHOST localhost. [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [0:0:0:0:0:ffff:7f00:1] %6c%6fcalhost);
	my %ids;

	foreach my $scheme (qw(http https))
	{
		$ids{"$scheme://$_:$port/"} = begin("$scheme://$_:$port/") foreach @hosts;
	}
	foreach my $url (sort keys %ids)
	{
		my $failure = result_of($ids{$url});

		like($failure->{errorType}, qr/^(AddressRefused|InvalidRequest|ConnectionFailed)$/, "$url is refused");
		ok($failure->{isNonRetriable}, '... for good') if $failure->{errorType} ne 'ConnectionFailed';
	}
	is(ask("http://127.0.0.1:$port/")->{errorType}, 'AddressRefused', 'with a type of its own');
	is(ask('http://169.254.169.254/latest/meta-data/')->{errorType}, 'AddressRefused', 'and so is the metadata service');
	is(scalar($service->requests), 0, 'nobody has asked the service');
	is(scalar($proxy->requests), 0, 'nor a proxy of the environment');
	is($worker->term, 0, 'the worker ended well');
};

subtest 'redirects' => sub {
	my $service = secret_service();
	my $front;
	$front = Pgdf::HttpServer->new(dir => temp_dir(), routes => {
		'/out' => sub { { status => 302, headers => { Location => 'http://127.0.0.2:' . $service->port . '/' } } },
		'/file' => sub { { status => 302, headers => { Location => 'file:///etc/passwd' } } },
		'/gopher' => sub { { status => 302, headers => { Location => 'gopher://127.0.0.1:1/x' } } },
		'/job' => sub { { status => 202, headers => { Location => 'http://127.0.0.2:' . $service->port . '/', 'Retry-After' => 0 } } },
		'/one' => sub { { status => 302, headers => { Location => '/end' } } },
		'/keep' => sub { { status => 307, headers => { Location => '/end' } } },
		'/three' => sub { { status => 302, headers => { Location => '/two' } } },
		'/two' => sub { { status => 302, headers => { Location => '/one' } } },
		'/loop' => sub { { status => 302, headers => { Location => '/loop' } } },
		'/host' => sub { my ($r) = @_; my ($p) = $r->{headers}{host} =~ /:(\d+)/; { status => 302, headers => { Location => "http://localhost:$p/end" } } },
		'/hostjob' => sub { my ($r) = @_; my ($p) = $r->{headers}{host} =~ /:(\d+)/; { status => 202, headers => { Location => "http://localhost:$p/end" } } },
		'/end' => sub { { status => 200, headers => { 'Content-Type' => 'application/json' }, body => $json->encode($_[0]) } },
	});
	my $worker = start_worker($node, name => 'redirects', args => [ '--http-call-allow', '127.0.0.1,localhost',
		'--http-call-max-redirects', '3', '--http-call-poll-min', '10 ms' ]);
	my %headers = (headers => { Authorization => 'Bearer t', Cookie => 'c', 'X-Api-Key' => 'k', 'Accept-Language' => 'de' });

	is(ask($front->url('/out'))->{errorType}, 'AddressRefused', 'a redirect does not lead inside');
	is(ask($front->url('/job'))->{errorType}, 'AddressRefused', 'nor does the Location of a 202');
	is(ask($front->url($_))->{errorType}, 'LocationRefused', "nor to another protocol: $_") foreach qw(/file /gopher);
	is(scalar($service->requests), 0, 'nobody has asked the service');

	my $answer = ask($front->url('/one'), %headers, method => 'POST', body => { a => 1 });
	is($answer->{body}{method}, 'GET', 'a POST that is redirected is a GET');
	is($answer->{body}{body}, '', 'without its body');
	is($answer->{body}{headers}{authorization}, 'Bearer t', 'the same host gets all headers');
	$answer = ask($front->url('/keep'), %headers, method => 'POST', body => { a => 1 });
	is("$answer->{body}{method} $answer->{body}{body}", 'POST {"a": 1}', '307 keeps both');
	is(ask($front->url('/three'))->{status}, 200, 'three redirects are followed');
	is(ask($front->url('/loop'))->{properties}{http_status}, 302, 'a fourth is not');
	is(scalar($front->requests('/loop')), 4, 'a loop ends');
	foreach my $path (qw(/host /hostjob))
	{
		my $got = ask($front->url($path), %headers)->{body}{headers};
		is(join(' ', grep { /^(authorization|cookie|x-api-key|idempotency-key)$/ } sort keys %{$got}), '', "$path: another host gets no credentials");
		is($got->{'accept-language'}, 'de', '... only what tells nothing');
	}
	is($worker->term, 0, 'the worker ended well');
};

subtest 'only what is allowed' => sub {
	my $service = secret_service();
	my $worker = start_worker($node, name => 'allowed', args => [ '--http-call-allow', 'localhost' ]);
	my $port = $service->port;

	is(ask("http://localhost:$port/")->{status}, 200, 'a name that is allowed');
	is(ask("http://127.0.0.1:$port/")->{errorType}, 'AddressRefused', 'does not allow its address');
	is(scalar($service->requests), 1, 'one request came');
	is($worker->term, 0, 'the worker ended well');

	# a control: where the guard lets them, all of these get there
	$worker = start_worker($node, name => 'range', args => [ '--http-call-allow', '127.0.0.0/8' ]);
	is(ask("http://127.0.0.1:$port/")->{status}, 200, 'a range that is allowed');
	is(ask("http://0x7f.1:$port/")->{status}, 200, 'in any spelling');
	is(ask("http://[::ffff:127.0.0.1]:$port/")->{status}, 200, 'also inside of IPv6');
	is(ask("http://[::1]:$port/")->{errorType}, 'AddressRefused', 'and nothing else');
	is($worker->term, 0, 'the worker ended well');
};

subtest 'as it is configured now' => sub {
	my $service = secret_service();
	my $url = $service->url('/');
	my $file = write_file(temp_dir() . '/config', '{"http-call-allow": ["10.0.0.0/8"]}');
	my $worker = start_worker($node, name => 'reloads', args => [ '--config', $file ]);

	is(ask($url)->{errorType}, 'AddressRefused', 'what is not allowed');
	write_file($file, '{"http-call-allow": ["127.0.0.1"]}');
	$worker->hup;
	$worker->wait_log(qr/setting "http-call-allow" changed/);
	is(ask($url)->{status}, 200, 'is after a reload');
	write_file($file, '{"http-call-allow": ["127.0.0.1/8"]}');
	$worker->hup;
	$worker->wait_log(qr/invalid value in setting "http-call-allow"/);
	is(ask($url)->{status}, 200, 'a mistake changes nothing');
	write_file($file, '{"http-call-max-redirects": 1}');
	$worker->hup;
	$worker->wait_log(qr/changed.*changed/s);
	is(ask($url)->{errorType}, 'AddressRefused', 'and what was allowed is not any more');
	is($worker->term, 0, 'the worker ended well');
};

subtest 'nothing of the environment' => sub {
	my $proxy = secret_service();
	my $home = temp_dir();
	my $seen = sub { { status => 200, headers => { 'Content-Type' => 'application/json' }, body => $json->encode($_[0]{headers}) } };
	my $service = Pgdf::HttpServer->new(dir => temp_dir(), routes => { '/seen' => $seen,
		'/set' => sub { { status => 302, headers => { Location => '/seen', 'Set-Cookie' => 'session=1' } } } });
	my $worker;

	write_file("$home/$_", "machine 127.0.0.1 login user password secret\ndefault login user password secret\n") foreach qw(.netrc _netrc);
	write_file("$home/.curlrc", "proxy = http://127.0.0.1:" . $proxy->port . "\n");
	$worker = start_worker($node, name => 'environment', args => [ '--http-call-allow', '127.0.0.1', '--http-call-max-redirects', '1' ],
		env => { HOME => $home, NETRC => "$home/.netrc", CURL_HOME => $home, NO_PROXY => '', no_proxy => '',
			map { $_ => 'http://127.0.0.1:' . $proxy->port } qw(http_proxy HTTP_PROXY https_proxy HTTPS_PROXY ALL_PROXY all_proxy) });
	foreach my $path (qw(/seen /set /seen))
	{
		my $answer = ask($service->url($path));

		is($answer->{status}, 200, "$path is asked directly");
		is($answer->{body}{authorization}, undef, '... without a password of .netrc');
		is($answer->{body}{cookie}, undef, '... or a cookie');
	}
	is(scalar($proxy->requests), 0, 'nobody has asked the proxy');
	is($worker->term, 0, 'the worker ended well');
};

subtest 'nothing of the blob store' => sub {
	# the worker has a connection of its own to the same host and port, where requests may not go
	my $service = Pgdf::HttpServer->new(dir => temp_dir(), keep_alive => 1, routes => { '*' => sub { { status => 201 } } });
	my $worker = start_worker($node, name => 'store', env => { AZURE_STORAGE_CONNECTION_STRING =>
		'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:' . $service->port . '/a;' });
	my $file = write_file(temp_dir() . '/file', 'x');

	$node->safe_psql('postgres', q{
		CREATE FUNCTION copy(file text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('E2_CopyFileToBlob', to_jsonb(file)); END $$;
		SELECT df_register_orchestrator('copy');
	}, connstr => $node->connstr('postgres') . ' user=regress_user');
	my $id = df_start($node, 'copy', $json->encode($file), user => 'regress_user');
	wait_for_status($node, $id, 'Completed');
	my $requests = $service->requests;
	cmp_ok($requests, '>', 0, 'the store is in use');
	is(ask('http://127.0.0.1:' . $service->port . '/a')->{errorType}, 'AddressRefused', 'a request to its address is refused');
	is(scalar($service->requests), $requests, 'and not made through its connection');
	is($worker->term, 0, 'the worker ended well');
};
done_testing();

# df_call_http: verbs, headers, bodies, what becomes of an answer, and what of a failure.

use strict;
use warnings;

use JSON::PP;
use Pgdf::HttpServer;
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $node = new_node('main');
my $echo = sub {
	my ($request) = @_;
	return { status => 200, headers => { 'Content-Type' => 'application/json' }, body => $json->encode($request) };
};
my $server = Pgdf::HttpServer->new(dir => temp_dir(), routes => {
	'/echo' => $echo,
	'/text' => sub { { status => 201, headers => { 'Content-Type' => 'text/plain', 'X-A' => [ 1, 2 ], 'Set-Cookie' => 'a=b' },
		body => "caf\xc3\xa9\n" } },
	'/bytes' => sub { { status => 200, headers => { 'Content-Type' => 'application/octet-stream' }, body => "\xff\x00a" } },
	'/problem' => sub { { status => 200, headers => { 'Content-Type' => 'application/problem+json; charset=utf-8' },
		body => '{"n": 12345678901234567890123, "x": 1.50}' } },
	'/lies' => sub { { status => 200, headers => { 'Content-Type' => 'application/json' }, body => '{"half": ' } },
	'/nul' => sub { { status => 200, headers => { 'Content-Type' => 'application/json' }, body => '"a\u0000b"' } },
	'/empty' => sub { { status => 204 } },
	'/card' => sub { { status => 402, headers => { 'Content-Type' => 'application/json' }, body => '{"reason": "declined"}' } },
	'/busy' => sub { { status => $_[1] < 3 ? 503 : 200, headers => { 'Retry-After' => 0 } } },
	'/limit' => sub { { status => $_[1] < 2 ? 429 : 200, headers => { 'Retry-After' => 2 } } },
	'/down' => sub { { status => 500, body => 'x' x 10000 } },
	'/moved' => sub { { status => 302, headers => { Location => '/text' } } },
	'/hang' => sub { sleep(600); },
	'/slam' => sub { undef },
	'/registered' => $echo,
});
my $worker = start_worker($node, args => [ '--http-call-allow', '127.0.0.1' ]);

$node->safe_psql('postgres', q{
	CREATE FUNCTION ask(url text, method text DEFAULT 'GET', body jsonb DEFAULT NULL, headers jsonb DEFAULT NULL,
		retry jsonb DEFAULT NULL, timeout interval DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_http(url, method, body, headers, retry, timeout);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('ask');
	CREATE FUNCTION call(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(input ->> 'name', input -> 'input');
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('call');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub run_one
{
	my ($name, $input) = @_;
	my $id = df_start($node, $name, $json->encode($input), user => 'regress_user');

	wait_for_status($node, $id, 'Completed');
	return ($json->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')")), $id);
}

sub ask
{
	my ($path, %more) = @_;
	return run_one('ask', { url => $path =~ /^http/ ? $path : $server->url($path), %more });
}

subtest 'what is sent' => sub {
	foreach my $method (qw(GET HEAD POST PUT PATCH DELETE OPTIONS))
	{
		my ($answer) = ask('/echo', method => lc $method);
		is($answer->{status}, 200, "$method is answered");
		is(($server->requests('/echo'))[-1]{method}, $method, "$method is what the server got");
	}
	my ($answer, $id) = ask('/echo?a=b%20c#here', method => 'POST', body => { n => 1.5, list => [ JSON::PP::true ] },
		headers => { 'X-Mine' => 'b', Empty => '', Authorization => 'Bearer t' });
	my $got = $answer->{body};
	is($got->{query}, 'a=b%20c', 'the query is sent, the fragment is not');
	is_deeply($json->decode($got->{body}), { n => 1.5, list => [ JSON::PP::true ] }, 'the body is sent as JSON');
	is($got->{headers}{'content-type'}, 'application/json', 'and called so');
	is($got->{headers}{'x-mine'}, 'b', 'headers are sent');
	is($got->{headers}{empty}, '', 'an empty one too');
	is($got->{headers}{authorization}, 'Bearer t', 'and Authorization');
	like($got->{headers}{'user-agent'}, qr{^pgdf/\d}, 'who it is');
	like($got->{headers}{'idempotency-key'}, qr/^[0-9a-f-]{36}-\d+-1$/, 'the idempotency key is sent');
	is($got->{headers}{expect}, undef, 'and no Expect');

	($answer) = ask('/echo', method => 'POST', body => 'a=1&b=2',
		headers => { 'content-type' => 'application/x-www-form-urlencoded', 'idempotency-key' => 'mine' });
	is($answer->{body}{body}, 'a=1&b=2', 'a string with another Content-Type is sent as its text');
	is($answer->{body}{headers}{'idempotency-key'}, 'mine', "the caller's idempotency key wins");
	($answer) = ask('/echo', method => 'POST');
	is($answer->{body}{headers}{'content-type'}, undef, 'no body has no Content-Type');
	is($answer->{body}{headers}{'content-length'}, 0, 'and a length of zero');
};

subtest 'what comes back' => sub {
	my ($text) = ask('/text');
	is($text->{status}, 201, 'the status');
	is($text->{body}, "caf\x{e9}\n", 'a text');
	is($text->{headers}{'x-a'}, '1, 2', 'a repeated header');
	is($text->{headers}{'set-cookie'}, undef, 'cookies are left out');
	is((ask('/bytes'))[0]{body}{'$base64'}, '/wBh', 'bytes');
	my (undef, $id) = ask('/problem');
	like($node->safe_psql('postgres', "SELECT df_result('$id')"), qr/"n": 12345678901234567890123, *|"x": 1.50/, 'numbers as they are');
	is((ask('/lies'))[0]{body}, '{"half": ', 'JSON that is none is a text');
	is((ask('/nul'))[0]{body}, '"a\u0000b"', 'and so is JSON that cannot be stored');
	my ($empty) = ask('/empty');
	is($empty->{body}, undef, 'nothing is null');
	ok(exists $empty->{body}, 'and there');
};

subtest 'failures' => sub {
	my ($failure) = ask('/card');
	is($failure->{errorType}, 'HttpStatus', 'a status is a failure');
	ok($failure->{isNonRetriable}, 'that is not tried again');
	is($failure->{properties}{http_status}, 402, 'and says which');
	is($failure->{properties}{body}{reason}, 'declined', 'and why');
	($failure) = ask('/down', retry => { max_attempts => 1 });
	ok(!$failure->{isNonRetriable}, 'a server error may be tried again');
	is(length($failure->{properties}{body}), 4096, 'with the start of its body');
	is((ask('/none'))[0]{properties}{http_status}, 404, 'not found');
	is((ask('/moved'))[0]{properties}{http_status}, 302, 'redirects are not followed');
	is((ask('/slam'))[0]{errorType}, 'TransferFailed', 'an answer that does not come');
	is((ask('http://127.0.0.1:1/'))[0]{errorType}, 'ConnectionFailed', 'nobody listens');
	is((ask('http://host.invalid/'))[0]{errorType}, 'ConnectionFailed', 'a name that is none');
	is((ask('/hang', timeout => '200 ms'))[0]{errorType}, 'Timeout', 'an answer that is late');
	is(scalar(grep { $_->{path} =~ /card|none|slam/ } $server->requests), 3, 'nothing is tried again unasked');
};

subtest 'retries' => sub {
	my ($answer) = ask('/busy', retry => { max_attempts => 5, first_delay => 0.01 });
	my @requests = $server->requests('/busy');
	is($answer->{status}, 200, 'a busy server is asked again');
	is(scalar(@requests), 3, 'until it has time');
	is(scalar(keys %{ { map { $_->{headers}{'idempotency-key'} => 1 } @requests } }), 1, 'with the same key');
	my $start = time();
	is((ask('/limit', retry => { max_attempts => 2, first_delay => 0.01 }))[0]{status}, 200, 'a limit passes');
	cmp_ok(time() - $start, '>=', 1.9, 'after the time that the server named');
	is((ask('/limit', retry => { max_attempts => 2 }))[0]{status}, 200, 'once');
};

subtest 'registered' => sub {
	my $settings = $json->encode({ url => $server->url('/registered'), headers => { 'X-Mine' => 'r' } });
	$node->safe_psql('postgres', qq{SELECT df_register_activity('Notify', kind => 'http', settings => '$settings')},
		connstr => $node->connstr('postgres') . ' user=regress_user');
	my ($answer) = run_one('call', { name => 'NOTIFY', input => { to => 'a' } });
	is($answer->{status}, 200, 'an activity of kind http is a request');
	is($answer->{body}{method}, 'POST', 'with POST');
	is($answer->{body}{body}, '{"to": "a"}', 'its input is the body');
	is($answer->{body}{headers}{'x-mine'}, 'r', 'with the headers of its settings');
	is($node->safe_psql('postgres', q{SELECT live_workers FROM df.activities WHERE name = 'Notify'}), 1, 'and served');
	is((run_one('call', { name => 'df_http', input => { url => 'file:///etc/passwd' } }))[0]{errorType}, 'InvalidRequest',
		'the worker checks what df_activity passes on');
};

is($worker->term, 0, 'the worker ended well');
done_testing();

# A 202 with a Location is asked about until it is done: nothing waits in a worker, no attempt is counted, and
# neither kill -9 nor max_attempts = 1 send the request again.

use strict;
use warnings;

use JSON::PP;
use Pgdf::HttpServer;
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $node = new_node('main');
my $dir = temp_dir();
my $done = { status => 200, headers => { 'Content-Type' => 'application/json' }, body => '"done"' };
my $accepts = sub {
	my ($location, %headers) = @_;
	return sub { return { status => 202, headers => { Location => $location, %headers } }; };
};
# the job is done when the test says so
my $job = sub {
	my ($request, $n) = @_;
	return $done if -e "$dir/done";
	return { status => 202, headers => { 'Retry-After' => 0 } };
};
my $server = Pgdf::HttpServer->new(dir => $dir, routes => {
	'/start' => $accepts->('jobs/1', 'Retry-After' => 0),
	'/jobs/1' => $job,
	'/twice' => $accepts->('/jobs/2'),
	'/jobs/2' => sub { return $_[1] < 3 ? { status => 202 } : $done; },
	'/later' => $accepts->('/jobs/3', 'Retry-After' => 3),
	'/jobs/3' => sub { return $done; },
	'/shaky' => $accepts->('/jobs/4'),
	'/jobs/4' => sub { return $_[1] < 3 ? { status => 503 } : $_[1] == 3 ? undef : $done; },
	'/broken' => $accepts->('/jobs/5'),
	'/jobs/5' => sub { return { status => 503 }; },
	'/failing' => $accepts->('/jobs/6'),
	'/jobs/6' => sub { return { status => 500, body => 'no' }; },
	'/file' => $accepts->('file:///etc/passwd'),
	'/nowhere' => sub { return { status => 202, body => 'thanks' }; },
	'/item' => sub {
		my ($request) = @_;
		my $body = JSON::PP->new->allow_nonref->decode($request->{body});
		return $body % 2 ? { status => 200, headers => { 'Content-Type' => 'application/json' }, body => $body } :
		  { status => 202, headers => { Location => "/items?$body", 'Retry-After' => 0 } };
	},
	'/items' => sub { return { status => 200, headers => { 'Content-Type' => 'application/json' }, body => $_[0]{query} }; },
});
my %args = (args => [ '--http-call-allow', '127.0.0.1', '--http-call-poll-min', '50 ms', '--http-call-poll-max', '200 ms' ]);
my $worker = start_worker($node, name => 'first', %args);

$node->safe_psql('postgres', q{
	CREATE FUNCTION ask(url text, retry jsonb DEFAULT NULL, headers jsonb DEFAULT NULL, poll boolean DEFAULT true)
	RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_http(url, 'POST', '{"order": 1}', headers, retry => retry, poll => poll);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('ask');
	CREATE FUNCTION ask_all(n int) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT jsonb_agg(answer -> 'body' ORDER BY ordinality)
			FROM jsonb_array_elements(df_call_map('Item', (SELECT jsonb_agg(i) FROM generate_series(1, n) i),
				retry => '{"max_attempts": 1}')) WITH ORDINALITY AS a (answer, ordinality));
	END $$;
	SELECT df_register_orchestrator('ask_all');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub begin
{
	my ($name, %input) = @_;
	return df_start($node, $name, $json->encode(\%input), user => 'regress_user');
}

sub result_of
{
	my ($id) = @_;

	wait_for_status($node, $id, 'Completed');
	return $json->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

sub ask { my ($path, %more) = @_; return result_of(begin('ask', url => $server->url($path), %more)); }

sub attempts
{
	my ($id) = @_;
	return $node->safe_psql('postgres', "SELECT t.attempts FROM df.tasks t JOIN df.instance_state s USING (instance_key) WHERE s.instance_id = '$id'");
}

subtest 'across crashes' => sub {
	my @ids = (begin('ask', url => $server->url('/start')),
		begin('ask', url => $server->url('/start'), retry => { max_attempts => 1 }));

	wait_for(sub { return $server->requests('/jobs/1') >= 10 }, 'polls');
	for my $round (1 .. 3)
	{
		my $polls = $server->requests('/jobs/1');

		$worker->kill9;
		$worker = start_worker($node, name => "after kill $round", %args);
		wait_for(sub { return $server->requests('/jobs/1') >= $polls + 10 }, 'polls of the next worker');
	}
	$node->stop('immediate');
	$node->start;
	my $polls = $server->requests('/jobs/1');
	wait_for(sub { return $server->requests('/jobs/1') >= $polls + 10 }, 'polls after the restart of the server');
	is(attempts($_), 0, 'no attempt is counted while it is asked about') foreach @ids;
	write_file("$dir/done", '');
	is(result_of($_)->{body}, 'done', 'it ends') foreach @ids;
	is(scalar($server->requests('/start')), 2, 'each request was sent once');
	is((grep { $_->{method} ne 'GET' } $server->requests('/jobs/1')), 0, 'questions are GETs');
	is((grep { $_->{body} ne '' || $_->{headers}{'idempotency-key'} } $server->requests('/jobs/1')), 0, 'without a body or a key');
};

subtest 'when to ask' => sub {
	is(ask('/twice')->{body}, 'done', 'no Retry-After');
	my $start = time();
	is(ask('/later')->{body}, 'done', 'a Retry-After');
	cmp_ok(time() - $start, '>=', 2.9, 'is honoured');
	is(ask('/nowhere')->{status}, 202, 'a 202 without a Location is the answer');
	is(ask('/twice', poll => JSON::PP::false)->{status}, 202, 'and so is one that nobody wants to wait for');
};

subtest 'what goes wrong' => sub {
	is(ask('/shaky')->{body}, 'done', 'questions without an answer are asked again');
	my $failure = ask('/broken');
	is($failure->{properties}{http_status}, 503, 'not for ever');
	is(scalar($server->requests('/jobs/5')), 6, 'but six times');
	is(scalar($server->requests('/broken')), 1, 'and the request is not sent again unasked');
	$failure = ask('/failing', retry => { max_attempts => 2, first_delay => 0.01 });
	is($failure->{properties}{http_status}, 500, 'the outcome may be a failure');
	is(scalar($server->requests('/failing')), 2, 'of an attempt, which the policy repeats');
	is((ask('/file'))->{errorType}, 'LocationRefused', 'it asks over HTTP only');
};

subtest 'of a map' => sub {
	my $settings = $json->encode({ url => $server->url('/item') });
	$node->safe_psql('postgres', qq{SELECT df_register_activity('Item', kind => 'http', settings => '$settings')},
		connstr => $node->connstr('postgres') . ' user=regress_user');
	is_deeply(result_of(df_start($node, 'ask_all', '100', user => 'regress_user')), [ 1 .. 100 ], 'items are asked about too');
	is(scalar($server->requests('/item')), 100, 'each was sent once');
};

is($worker->term, 0, 'the worker ended well');
done_testing();

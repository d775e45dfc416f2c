# TLS is always checked: who signed the certificate, and for whom; and what is not allowed to go without it does not.

use strict;
use warnings;

use IPC::Run;
use JSON::PP;
use Pgdf::HttpServer;
use Pgdf::Process;
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $dir = temp_dir();
my ($out, $err);

IPC::Run::run([qw(openssl version)], '>', \$out, '2>', \$err) or plan(skip_all => 'there is no openssl');

# an authority, and a certificate of it for localhost
sub openssl
{
	my (@args) = @_;
	IPC::Run::run([ 'openssl', @args ], '<', \undef, '>', \$out, '2>', \$err) or die "openssl @args: $err";
	return;
}
openssl(qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test),
	'-keyout', "$dir/ca.key", '-out', "$dir/ca.pem");
openssl(qw(req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost),
	'-keyout', "$dir/server.key", '-out', "$dir/server.csr");
write_file("$dir/names", "subjectAltName=DNS:localhost\n");
openssl(qw(x509 -req -days 2 -CAcreateserial), '-in', "$dir/server.csr", '-CA', "$dir/ca.pem", '-CAkey', "$dir/ca.key",
	'-extfile', "$dir/names", '-out', "$dir/server.pem");
write_file("$dir/page", 'a page');

sub start_server
{
	my ($name, @args) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $server = Pgdf::Process->start(log => "$dir/$name.log", argv => [ '/bin/sh', '-c', 'cd "$0" && exec openssl s_server "$@"', $dir,
		'-accept', "127.0.0.1:$port", '-cert', "$dir/server.pem", '-key', "$dir/server.key", '-WWW', @args ]);

	wait_for(sub { return $server->log =~ /ACCEPT/ }, "server $name");
	return ($server, $port);
}

my $node = new_node('main');
my ($good, $port) = start_server('good');
my ($old, $old_port) = start_server('old', '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0');
my $plain = Pgdf::HttpServer->new(dir => temp_dir(), routes => { '/page' => sub { { status => 200 } } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION ask(url text) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_http(url);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('ask');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub ask
{
	my ($url) = @_;
	my $id = df_start($node, 'ask', $json->encode($url), user => 'regress_user');

	wait_for_status($node, $id, 'Completed');
	return $json->decode($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"));
}

my $worker = start_worker($node, name => 'stranger', args => [ '--http-call-allow', 'localhost,127.0.0.1' ],
	env => { CURL_CA_BUNDLE => "$dir/ca.pem" });
my $failure = ask("https://localhost:$port/page");
is($failure->{errorType}, 'TlsFailed', 'a certificate of a stranger is refused');
ok($failure->{isNonRetriable}, 'for good');
is(ask('https://localhost:' . $plain->port . '/page')->{errorType}, 'ConnectionFailed', 'no answer to TLS is no connection');
is(ask("http://localhost:$port/page")->{errorType}, 'TransferFailed', 'and TLS no plain HTTP');
is(ask('http://1.1.1.1/')->{errorType}, 'AddressRefused', 'plain HTTP goes where it is allowed only');
is($worker->term, 0, 'the worker ended well');

$worker = start_worker($node, name => 'friend', args => [ '--http-call-allow', 'localhost,127.0.0.1', '--http-call-ca-file', "$dir/ca.pem" ]);
is(ask("https://localhost:$port/page")->{body}, 'a page', 'one of a known authority is not');
$failure = ask("https://127.0.0.1:$port/page");
is($failure->{errorType}, 'TlsFailed', 'but for its own host only');
ok($failure->{isNonRetriable}, 'for good');
is(ask("https://localhost:$old_port/page")->{errorType}, 'TlsFailed', 'and not by TLS 1.1');
is($worker->term, 0, 'the worker ended well');

$_->kill9 foreach $good, $old;
done_testing();

# What is secret in a worker and its HTTP server is found nowhere outside, whatever fails and however much is logged: not in
# a dump, in logs as text or JSON, in history, in answers, in df.workers, in command lines, in the environment of children.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP;
use MIME::Base64;
use Pgdf::Gateway;
use Pgdf::HttpServer;
use Pgdf::Plugin;
use Pgdf::Process qw(slurp);
use Pgdf::Test;

my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $base = '/runtime/webhooks/durabletask';
my $node = new_node('main', conf => "log_statement = all\nlog_min_messages = debug1\nlog_min_duration_statement = 0\nlog_connections = on\nlog_parameter_max_length_on_error = -1\n");
my $dir = temp_dir();
my ($out, $err);
my %canary = (
	password => 'canary-password-19c7',
	passfile => 'canary-passfile-5d02',
	blob => encode_base64('canary-blob-account-key-77ab', ''),
	http_secret => 'canary-http-secret-e310',
	http_key => 'canary-http-key-40f9-0123456789abcdef',
	spare_key => 'canary-spare-key-8e2b-0123456789abcdef',
	plugin => 'canary-plugin-c64d',
	exec => 'canary-exec-2b18',
	environment => 'canary-environment-0aa6');

IPC::Run::run([ 'openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-keyout', "$dir/key.pem", '-out', "$dir/cert.pem" ], \undef, \$out, \$err) or BAIL_OUT("no certificate: $err");
$canary{tls_key} = (split(/\n/, slurp("$dir/key.pem")))[3];
write_file("$dir/secret", "$canary{http_secret}\n");
write_file("$dir/keys", "$canary{http_key} regress_user\n$canary{spare_key} regress_nobody\n");
write_file("$dir/passfile", "*:*:*:*:$canary{passfile}\n");
chmod(0600, "$dir/secret", "$dir/keys", "$dir/passfile", "$dir/key.pem");
mkdir("$dir/plugins", 0755);
chmod(0755, "$dir/plugins");
compile("$dir/plugins", 'bad', q{
	#include <stdlib.h>
	#include <string.h>
	#include <unistd.h>
	#include <pgdf_activity.h>
	static void fails(PgdfContext *context) { pgdf_fail(context, "Bad", "the plugin has failed"); }
	static void crashes(PgdfContext *context) { if (getenv("PLUGIN_SECRET") != NULL) abort(); }
	static void waits(PgdfContext *context) { sleep(600); }
	static const PgdfActivity activities[] = {{"PluginFails", fails}, {"PluginCrashes", crashes}, {"PluginWaits", waits}};
	PGDF_PLUGIN(activities);
});

my $closed = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
my $closed_port = $closed->sockport;
close($closed);
my $server = Pgdf::HttpServer->new(dir => "$dir/", routes => {
	'/fail' => sub { { status => 500, headers => { 'X-Got' => $_[0]{headers}{authorization} }, body => "no $_[0]{headers}{authorization}" } },
	'/cut' => sub { my ($r, $n, $socket) = @_; print $socket "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n$r->{headers}{authorization}"; undef },
	'/bad' => sub { my ($r, $n, $socket) = @_; print $socket "$r->{headers}{authorization}\r\n\r\n"; undef },
});

my %common = (
	env => { PGPASSWORD => $canary{password}, PGPASSFILE => "$dir/passfile", UNRELATED => $canary{environment},
		AZURE_STORAGE_CONNECTION_STRING => "AccountName=acct;AccountKey=$canary{blob};BlobEndpoint=http://127.0.0.1:$closed_port/acct" },
	config => {
		secrets => { api => { file => "$dir/secret", hosts => ['127.0.0.1'] } },
		exec => { ExecFails => { argv => [ '/bin/sh', '-c', 'echo broken >&2; exit 3' ], env => [ "TOKEN=$canary{exec}" ] },
			ExecWaits => { argv => [ '/bin/sleep', '600' ] }, ExecMissing => { argv => ['/nonexistent'], env => [ "TOKEN=$canary{exec}" ] } },
		'plugin-dir' => "$dir/plugins", plugins => { bad => { env => [ "PLUGIN_SECRET=$canary{plugin}" ] } },
	});
my @flags = ('--blob-store', 'azure:', '--http-call-allow', '127.0.0.1', '--log-level', 'debug');
my %worker = (
	text => start_worker($node, name => 'text', %common, args => [ @flags, '--log-format', 'text' ]),
	json => start_worker($node, name => 'json', %common, args => [ @flags, '--log-format', 'json', '--queues', 'json' ]));
my $port = PostgreSQL::Test::Cluster::get_free_port();
$node->safe_psql('postgres', 'GRANT regress_user TO regress_worker');
my $gateway = start_gateway($node, user => 'regress_worker', env => $common{env}, args => [ '--http-key-file', "$dir/keys", '--log-level', 'debug' ]);
my $tls = start_gateway($node, user => 'regress_worker', name => 'tls', address => "127.0.0.1:$port", env => $common{env},
	args => [ '--http-key-file', "$dir/keys", '--http-certificate', "$dir/cert.pem", '--http-private-key', "$dir/key.pem", '--log-level', 'debug', '--log-format', 'json' ]);

$node->safe_psql('postgres', q{
	CREATE FUNCTION tries(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_set_custom_status(input);
		RETURN df_call_activity(input ->> 'name', input -> 'input', queue => input ->> 'queue', timeout => '5 s',
			retry => df_retry(2, '10 ms'));
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	CREATE FUNCTION asks(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_http(input ->> 'url', headers => '{"Authorization": {"$secret": "api", "prefix": "Bearer "}}', timeout => '5 s');
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	CREATE FUNCTION breaks() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'broken %', current_setting('server_version'); END $$;
	SELECT df_register_orchestrator(f) FROM unnest('{tries,asks}'::text[]) AS f;
	SELECT df_register_activity('breaks');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

# everything fails, by either worker
my (@ids, @told);
foreach my $queue (qw(default json))
{
	foreach my $case ([ 'E2_GetFileList', '/no/such/directory' ], [ 'E2_GetFileList', 7 ], [ 'E2_CopyFileToBlob', "$dir/cert.pem" ],
		[ 'E2_CopyFileToBlob', '/no/such/file' ], [ 'ExecFails', 1 ], [ 'ExecMissing', 1 ], [ 'PluginFails', 1 ], [ 'PluginCrashes', 1 ], [ 'breaks', undef ])
	{
		push(@ids, df_start($node, 'tries', $json->encode({ name => $case->[0], input => $case->[1], queue => $queue }), user => 'regress_user'));
	}
}
foreach my $url ($server->url('/fail'), $server->url('/cut'), $server->url('/bad'), "http://127.0.0.1:$closed_port/", 'http://localhost/',
	'https://127.0.0.1:' . $server->port . '/', 'http://127.0.0.1:' . $port . '/', 'https://127.0.0.1:' . $port . '/')
{
	push(@ids, df_start($node, 'asks', $json->encode({ url => $url }), user => 'regress_user'));
}
wait_for_status($node, $_, 'Completed') foreach @ids;
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE output ->> 'errorType' IS NULL AND name = 'tries'}), 0, 'every activity has failed');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE output ->> 'errorType' IS NOT NULL AND name = 'asks'}), '>=', 6, 'and the requests');

# the HTTP server: keys that are right, wrong, in the wrong place, in a file that is wrong
foreach my $way ({}, { 'x-functions-key' => $canary{http_key} }, { 'x-functions-key' => $canary{spare_key} }, { Authorization => "Bearer $canary{http_key}" },
	{ Authorization => "Basic $canary{http_key}" }, { 'x-functions-key' => "$canary{http_key}x" }, { Host => $canary{http_key} }, { Origin => "http://$canary{http_key}" })
{
	foreach my $request ([ GET => "$base/instances/" ], [ GET => "$base/instances/$ids[0]?showHistory=true" ], [ POST => '/orchestrators/tries', '{"name": "E2_GetFileList"}' ],
		[ POST => '/orchestrators/none', '{' ], [ POST => "$base/instances/none/terminate" ], [ GET => '/metrics' ], [ GET => '/readyz' ], [ PUT => '/none' ])
	{
		my ($verb, $path, $body) = @{$request};
		my $answer = http($gateway, $verb, $path, headers => $way, body => $body);

		push(@told, $json->encode([ $answer->{code}, $answer->{headers}, $answer->{body} ]));
	}
}
write_file("$dir/keys", "$canary{http_key} regress_user\n$canary{spare_key} $canary{spare_key} $canary{spare_key}\n");
$gateway->hup;
$gateway->wait_log(qr/invalid line 2 in key file/);
my $wrong = start_gateway($node, name => 'wrong', wait => 0, args => [ '--http-certificate', "$dir/key.pem", '--http-private-key', "$dir/key.pem" ]);
isnt($wrong->wait_exit, 0, 'a key is no certificate');

# the database goes away, and comes back
$node->restart;
wait_for(sub { return $node->safe_psql('postgres', 'SELECT count(*) FROM df.workers WHERE absent_since IS NULL') == 2; }, 'both workers');

# while children run
push(@ids, map { my $name = $_; map { df_start($node, 'tries', $json->encode({ name => $name, queue => $_ }), user => 'regress_user') } qw(default json) } qw(ExecWaits PluginWaits));
my @all = map { $_->pid } values %worker, $gateway, $tls;
wait_for(sub { return scalar(grep { slurp("/proc/$_/cmdline") =~ /^\/bin\/sleep\0/ } descendants(@all)) >= 2; }, 'commands run');
my @children = descendants(@all);
cmp_ok(scalar(@children), '>=', 4, 'commands and plugin hosts');
my $command_lines = join("\n", map { slurp("/proc/$_/cmdline") } @all, @children);
# the guard that ends the commands of a dead worker is the worker itself, forked, and runs nobody's code
my @foreign = grep { slurp("/proc/$_/cmdline") !~ /^\S*pgdf\0worker\0/ } @children;
cmp_ok(scalar(@foreign), '>=', 4, 'of which these run code of others');
my $environments = join("\n", map { slurp("/proc/$_/environ") } @foreign);

sub descendants
{
	my (@parents) = @_;
	my %parent;
	my @found;

	foreach my $stat (glob('/proc/[0-9]*/stat'))
	{
		$parent{$1} = $2 if slurp($stat) =~ /^(\d+) \(.*\) \S (\d+) /s;
	}
	while (defined(my $one = shift(@parents)))
	{
		my @new = grep { $parent{$_} == $one } keys %parent;

		push(@found, @new);
		push(@parents, @new);
	}
	return @found;
}

my $dump = '';
IPC::Run::run([ "$ENV{BINDIR}/pg_dump", '-d', $node->connstr('postgres') . ' user=postgres' ], '>', \$dump) or die 'pg_dump failed';
my %places = (
	'a dump' => $dump,
	'status and history' => $node->safe_psql('postgres', 'SELECT i.*, h.* FROM df.instances i, df_history(i.instance_id) h'),
	'df.workers' => $node->safe_psql('postgres', 'SELECT * FROM df.workers'),
	'pg_stat_activity' => $node->safe_psql('postgres', q{SELECT * FROM pg_stat_activity}),
	"the server's log" => slurp($node->logfile),
	'command lines' => $command_lines,
	'answers' => join("\n", @told),
	(map { ("the log of $_" => $worker{$_}->log) } keys %worker),
	'the log of the gateway' => $gateway->log,
	'the log of the gateway with TLS' => $tls->log,
	'the log of the gateway that did not start' => $wrong->log);

foreach my $place (sort keys %places)
{
	isnt($places{$place}, '', "there is something in $place");
	foreach my $name (sort keys %canary)
	{
		my $secret = $canary{$name};
		my @forms = ($secret, encode_base64($secret, ''), unpack('H*', $secret), substr($json->encode($secret), 1, -1));

		is(scalar(grep { index($places{$place}, $_) >= 0 } @forms), 0, "$name is not in $place");
	}
}
foreach my $name (grep { !/plugin|exec/ } sort keys %canary)
{
	is(index($environments, $canary{$name}), -1, "$name is not in the environment of a child");
}
like($places{'the log of json'}, qr/^\{"timestamp"/m, 'one log is JSON');

$_->term foreach $gateway, $tls;
$_->kill9 foreach values %worker;
done_testing();

# Without its database the server answers at once with 503 and when to come back, and goes on when the database does.

use strict;
use warnings;

use IO::Select;
use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $gateway = start_gateway($node, args => [ '--http-query-timeout=3s', '--http-db-connections=2' ]);
my $path = '/runtime/webhooks/durabletask/instances/';

sub code { return http($gateway, GET => $_[0] // $path)->{code}; }

is(code(), 200, 'the database is there');

# it is stopped
$node->stop('fast');
wait_for(sub { return code() == 503; }, 'answers 503');
my $began = time();
my $answer = http($gateway, GET => $path);

is($answer->{code}, 503, 'no database');
like($answer->{headers}{'retry-after'}, qr/^\d+$/, 'Retry-After');
ok(defined $answer->{json}{Message}, 'and a message');
is(http($gateway, POST => '/orchestrators/x', body => '1')->{code}, 503, 'nor can it start anything') for 1 .. 20;
is(code('/readyz'), 503, '/readyz says so');
is(code('/healthz'), 200, '/healthz does not mind');
my $metrics = http($gateway, GET => '/metrics');
is($metrics->{code}, 200, '/metrics too');
like($metrics->{body}, qr/^pgdf_database_up 0$/m, 'without the figures of the database');
cmp_ok(time() - $began, '<', 20, 'none of that takes long');

$node->start;
wait_for(sub { return code() == 200; }, 'the database is back');
is(code('/readyz'), 200, '/readyz again');

# it is silent: every process of it is stopped
my $data_dir = $node->data_dir;
my $patient = start_gateway($node, name => 'patient', args => [ '--http-query-timeout=1h', '--http-queue=10', '--http-db-connections=1' ]);

is(http($patient, GET => $path)->{code}, 200, 'one that waits long, but not for many');
my @pids = grep { (readlink("/proc/$_/cwd") // '') eq $data_dir } map { m!/proc/(\d+)$! } glob('/proc/[0-9]*');

kill('STOP', @pids);
my @queued = map { http_open($patient) } 1 .. 50;
http_send($_, GET => $path) foreach @queued;
my @refused;
wait_for(sub { @refused = IO::Select->new(@queued)->can_read(0); return @refused >= 39; }, 'those that the queue has no room for');
is(scalar(@refused), 39, 'one is carried out, ten wait');
is(scalar(grep { http_read($_)->{code} == 503 } @refused), 39, 'others are told 503 at once');
my %is_refused = map { $_ => 1 } @refused;
my @asked = map { http_open($gateway) } 1 .. 50;
http_send($_, GET => $path) foreach @asked;
$began = time();
is(code('/healthz'), 200, 'a silent database blocks nobody') for 1 .. 20;
cmp_ok(time() - $began, '<', bar(2.9), 'not even until the others hear') if ($ENV{PGDF_PROGRAM} // '') !~ /asan/;
is(scalar(grep { http_read($_)->{code} == 503 } @asked), 50, 'who asked is told 503');
kill('CONT', @pids);
wait_for(sub { return code() == 200; }, 'the database is awake');
is(scalar(grep { http_read($_)->{code} == 200 } grep { !$is_refused{$_} } @queued), 11, 'who waited is served');
is($patient->term, 0, 'ends');

# it is slow: a start waits for the key of another one that does not end
$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION quiet() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM df_wait_event('never'); END$$;
SELECT df_register_orchestrator('quiet', 'quiet');
SQL
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'regress_user' ]);

$session->query_safe("BEGIN; SELECT df_start('quiet', NULL, 'taken')");
$answer = http($gateway, POST => '/runtime/webhooks/durabletask/orchestrators/quiet/taken');
is($answer->{code}, 503, 'a start that has to wait too long');
$session->query_safe('COMMIT');
$session->quit;
is(http($gateway, POST => '/runtime/webhooks/durabletask/orchestrators/quiet/taken')->{code}, 409, 'then it is known');

# no extension
$node->safe_psql('postgres', 'CREATE DATABASE bare');
my $bare = start_gateway($node, name => 'bare', db => 'bare');

$answer = http($bare, GET => '/readyz');
is($answer->{code}, 503, 'a database without the extension is not ready');
like($answer->{json}{Message}, qr/extension "pgdf" is not installed/, 'for that reason');
is(http($bare, GET => $path)->{code}, 503, 'nor can it be asked');
is($bare->term, 0, 'ends');
is($gateway->term, 0, 'ends');

done_testing();

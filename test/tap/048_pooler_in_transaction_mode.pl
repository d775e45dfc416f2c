# Behind pgbouncer in transaction mode a worker notices, keeps no state in sessions, polls, and loses nothing.

use strict;
use warnings;

use HTTP::Tiny;
use Pgdf::Process;
use Pgdf::Test;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';

plan(skip_all => 'pgbouncer is not installed') if !$pgbouncer;

my $node = new_node('main', conf => "pgdf.lease = '3s'\npgdf.reconnect_grace = '100ms'\n");
my $dir = temp_dir();
my $port = PostgreSQL::Test::Cluster::get_free_port();

write_file("$dir/users.txt", qq{"postgres" ""\n"regress_worker" ""\n"regress_user" ""\n});
write_file("$dir/pgbouncer.ini", <<"INI");
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]}
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users.txt
pool_mode = transaction
default_pool_size = 4
INI
my $pooler = Pgdf::Process->start(argv => [ $pgbouncer, "$dir/pgbouncer.ini" ], log => "$dir/pgbouncer.log");
my $pooled = "host=$dir port=$port dbname=postgres";

wait_for(sub { return -S "$dir/.s.PGSQL.$port" }, 'the pooler');
$node->safe_psql('postgres', q{
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 3 LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$;
	CREATE FUNCTION slow() RETURNS jsonb LANGUAGE sql AS $$ SELECT df_call_activity('Slow') $$;
	SELECT df_register_orchestrator('steps'), df_register_orchestrator('slow');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $http = '127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port();
my %options = (
	args => [ '--http', $http ],
	conninfo => "$pooled user=regress_worker",
	config => { exec => { Slow => { argv => [ '/bin/sh', '-c', "echo once >> $dir/slow; sleep 1.5; echo 1" ] } } });
my $worker = start_worker($node, name => 'pooled', %options);

like($worker->log, qr/a connection pooler is between this worker and the server/, 'the worker notices');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid > 2}), '0',
	'it holds no lock between transactions');
is($node->safe_psql('postgres', q{SELECT details ->> 'pooled' FROM df.workers}), 'true', 'others know');

like(HTTP::Tiny->new->get("http://$http/readyz")->{content},
	qr/"status":"degraded".*a connection pooler is between the worker and the database/, 'its monitoring can see it');

# it works, by polling
my @waits;

foreach my $n (1 .. 10)
{
	my $started = time();

	$node->safe_psql('postgres', qq{SET ROLE regress_user; SELECT df_start('steps', '$n', 'one$n')});
	wait_for_status($node, "one$n", 'Completed');
	push @waits, time() - $started;
}
@waits = sort { $a <=> $b } @waits;
note(sprintf('start to result: median %.0f ms, worst %.0f ms', $waits[5] * 1000, $waits[9] * 1000));
cmp_ok($waits[5], '<', bar(1), 'an instance waits for a poll, not for seconds');

# nothing of the worker's session is left to other clients of the pooler
foreach (1 .. 8)
{
	my $settings = qx{$ENV{BINDIR}/psql -XAt -d "$pooled user=regress_worker" -c "SELECT current_setting('lock_timeout'), current_setting('search_path')"};

	is($settings, qq{0|"\$user", public\n}, 'the settings of a pooled connection are untouched');
}

# others do not take its work away while its lease lasts, although it holds no presence lock
my $direct = start_worker($node, name => 'direct');
df_start($node, 'slow', undef, id => 'slow', user => 'regress_user');
wait_for_status($node, 'slow', 'Completed');
is(slurp("$dir/slow"), "once\n", 'a worker behind a pooler keeps what it runs for longer than the grace');
is($direct->term, 0, 'the other worker ends');

# killed in the middle: after its lease, another one behind the pooler takes over
$node->safe_psql('postgres', q{SET ROLE regress_user; SELECT df_start('steps', to_jsonb(n), 'i' || n) FROM generate_series(1, 400) AS n});
wait_for(sub { return completed() > 20 }, 'some work to be done');
$worker->kill9;
my $second = start_worker($node, name => 'second', %options);
wait_for(sub { return completed() == 400 }, 'all work to be done');
is($node->safe_psql('postgres', q{SELECT count(*), sum((output #>> '{}')::int) FROM df.instances WHERE instance_id LIKE 'i%'}), '400|80200',
	'every instance has its result');
is($node->safe_psql('postgres', q{SELECT count(*) - count(DISTINCT (instance_key, execution, task_id)) FROM df.history WHERE event_type = 5}),
	'0', 'no task has two outcomes');
is($second->term, 0, 'the worker ends well');
$pooler->term;

sub completed
{
	return $node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE instance_id LIKE 'i%' AND runtime_status = 'Completed'});
}

doctor_finds_nothing($node);
done_testing();

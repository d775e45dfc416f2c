# The primary is killed and its synchronous standby promoted: what was acknowledged is there, and the worker goes on.
# An old primary that comes back is left alone by who knows better; a copy without a failover runs nothing.

use strict;
use warnings;

use Pgdf::Test;

my $primary = new_node('primary', allows_streaming => 1, start => 0);
my $standby = PostgreSQL::Test::Cluster->new('standby');
my $copy = PostgreSQL::Test::Cluster->new('copy');

$primary->start;
$primary->safe_psql('postgres', q{
	CREATE FUNCTION three_steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 3 LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('three_steps');
}, connstr => $primary->connstr('postgres') . ' user=regress_user');
$primary->backup('base');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$copy->init_from_backup($primary, 'base', has_streaming => 1);
$copy->start;
$primary->append_conf('postgresql.conf', "synchronous_standby_names = 'standby'\n");
$primary->reload;
$primary->poll_query_until('postgres',
	q{SELECT sync_state = 'sync' FROM pg_stat_replication WHERE application_name = 'standby'})
  or die 'the standby does not follow';

my $hosts = join(',', map { $_->host } $primary, $standby);
my $ports = join(',', map { $_->port } $primary, $standby);
my $worker = start_worker($primary, name => 'follower',
	conninfo => "host=$hosts port=$ports dbname=postgres user=regress_worker");

# A client starts instances, one commit each.  What psql has printed was acknowledged.
my $script = write_file(temp_dir() . '/starts.sql', join('', map { "SELECT df_start('three_steps', '$_', 'c$_');\n" } 1 .. 20000));
my ($acknowledged, $errors) = ('', '');
my $client = IPC::Run::start(
	[ "$ENV{BINDIR}/psql", '-XAtq', '-f', $script, '-d', $primary->connstr('postgres') . ' user=regress_user' ],
	\'', \$acknowledged, \$errors);

wait_for(sub { $client->pump_nb; return $acknowledged =~ /^c500$/m }, '500 starts');
$copy->stop;    # an image of now, on timeline 1
kill9_server($primary);
$client->finish;

my @ids = $acknowledged =~ /^(c\d+)$/mg;
my $promoted_at = time();

note(scalar(@ids) . ' starts were acknowledged');
$standby->promote;
wait_for(sub { return $standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()') eq 'f' }, 'the promotion');
$promoted_at = time();
my $done = completed();
wait_for(sub { return completed() > $done || completed() >= @ids }, 'the worker to go on');
my $resumed = time() - $promoted_at;

note(sprintf('resumed %.2f s after the promotion', $resumed));
cmp_ok($resumed, '<=', bar(5), 'the worker goes on within 5 s of the promotion');
wait_for(sub { return $standby->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE runtime_status <> 'Completed'}) eq '0' },
	'the end of all instances');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM unnest(string_to_array(\'' . join(',', @ids) . q{', ',')) AS id
	WHERE NOT EXISTS (SELECT FROM df.instances i WHERE i.instance_id = id AND i.output = to_jsonb(substr(id, 2)::int))}),
	'0', 'every acknowledged start is there, with the right result');
is($standby->safe_psql('postgres', q{SELECT count(*) - count(DISTINCT (instance_key, execution, task_id)) FROM df.history WHERE event_type = 5}),
	'0', 'no task has two outcomes');
is($standby->safe_psql('postgres', 'SELECT timeline FROM df.home'), '2', 'the database knows its timeline');

# a worker that knows nothing of failovers may join: another has vouched for this timeline
my $newcomer = start_worker($standby, name => 'newcomer');

is($newcomer->term, 0, 'a new worker is accepted');

# the old primary comes back, and the new one is away: the worker has seen a higher timeline
$standby->stop('immediate');
$primary->start;
$worker->wait_log(qr/this server is on timeline 1, and its instances have been run on timeline 2/);
ok(1, 'the old primary is refused');
$primary->stop('immediate');
$standby->start;
df_start($standby, 'three_steps', '7', id => 'after all', user => 'regress_user');
wait_for_status($standby, 'after all', 'Completed');
is($worker->term, 0, 'the worker is at work for the right one again');

# somebody promotes another copy of the data, and nobody knows why
$copy->start;
$copy->promote;
wait_for(sub { return $copy->safe_psql('postgres', 'SELECT pg_is_in_recovery()') eq 'f' }, 'the promotion of the copy');
my $stranger = start_worker($copy, name => 'stranger', wait => 0);

$stranger->wait_log(qr/It is a promoted standby, or a copy whose original may still be running/);
is($copy->safe_psql('postgres', 'SELECT df_adopt()'), 't', 'it is adopted');
wait_for(sub { return $copy->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE runtime_status <> 'Completed'}) eq '0' },
	'the copy to run');
is($stranger->term, 0, 'and run by the worker that was refused');

sub completed
{
	return $standby->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE runtime_status = 'Completed'});
}

done_testing();

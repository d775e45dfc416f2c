# Workers are killed, their connections terminated and the server crashed at random: every task has one outcome.

use strict;
use warnings;

use Pgdf::Test;

my $tasks = 1500;
my $node = new_node('main', conf => "pgdf.reconnect_grace = '300ms'\npgdf.max_deliveries = 100\n");
my $dir = temp_dir();
my $seed = $ENV{PGDF_TEST_SEED} // time() ^ $$;

srand($seed);
note("PGDF_TEST_SEED=$seed");

$node->safe_psql('postgres', q{
	CREATE FUNCTION do_all(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity(CASE WHEN i % 3 = 0 THEN 'Work' ELSE 'noop' END, to_jsonb(i))
				  FROM generate_series(1, n) i))) x);
	END $$;
	CREATE FUNCTION count_up(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := '0';
	BEGIN
		FOR i IN 1 .. n LOOP
			total := df_call_activity('noop', to_jsonb(total::int + 1));
		END LOOP;
		RETURN total::int;
	END $$;
	SELECT df_register_orchestrator('do_all'), df_register_orchestrator('count_up');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub new_worker
{
	my ($wait) = @_;

	return start_worker($node, name => 'chaos', args => [ '--max-activities', 20 ], wait => $wait, config => { exec => {
		Work => { argv => [ '/bin/sh', '-c', "read n; echo \$n >> $dir/starts; sleep 0.0\$((n % 5)); echo \$n" ] } } });
}

my @workers = map { new_worker(1) } 1 .. 3;
my @ids = (df_start($node, 'do_all', $tasks, user => 'regress_user'),
	map { df_start($node, 'count_up', 150, user => 'regress_user') } 1 .. 3);
my ($killed, $terminated, $crashed) = (0, 0, 0);

# bad luck comes in rounds, until everything is done or there was enough of it
for (my $round = 1; $round <= 40 && !finished(); $round++)
{
	my $luck = int(rand(10));

	if ($round % 15 == 0)
	{
		kill9_server($node);
		$node->start;
		$crashed++;
	}
	elsif ($luck < 5)
	{
		my $victim = int(rand(@workers));

		$workers[$victim]->kill9;
		$workers[$victim] = new_worker(0);
		$killed++;
	}
	else
	{
		$terminated += $node->safe_psql('postgres', q{SELECT count(*) FROM (
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE usename = 'regress_worker' ORDER BY random() LIMIT 2) x});
	}
}
note("killed $killed workers, terminated $terminated connections, crashed the server $crashed times");

wait_for_status($node, $_, 'Completed', timeout => 90) foreach @ids;
is($node->safe_psql('postgres', "SELECT df_result('$ids[0]', '1 s')"), $tasks * ($tasks + 1) / 2, 'the fan-out has the right result');
is($node->safe_psql('postgres', "SELECT df_result('$_', '1 s')"), '150', 'a chain has the right result') foreach @ids[ 1 .. 3 ];
is($node->safe_psql('postgres', q{
	SELECT count(*), count(DISTINCT (instance_key, execution, task_id)) FROM df.history WHERE event_type = 5 OR event_type = 6}),
	($tasks + 450) . '|' . ($tasks + 450), 'every task has one outcome');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks'), '0', 'no task is left');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.inbox'), '0', 'no delivery is left');

my @starts = split(/\n/, slurp("$dir/starts"));

cmp_ok(scalar(@starts) - $tasks / 3, '<=', ($killed + $crashed * 3 + $terminated) * 20, 'not more was run twice than was running');
is($_->term, 0, 'a worker stops') foreach @workers;
is($node->safe_psql('postgres', 'SELECT sum(turns) < 1000 FROM df.instance_state'), 't', 'turns were not wasted');

sub finished
{
	return $node->safe_psql('postgres', q{SELECT count(*) FROM df.instances WHERE runtime_status <> 'Completed'}) == 0;
}

done_testing();

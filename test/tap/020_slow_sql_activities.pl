# SQL activities over the inline budget run on connections of their own, several at a time, exactly once.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');

$node->safe_psql('postgres', q{
	CREATE TABLE effects (n int);
	CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO effects VALUES (n);
		PERFORM pg_sleep(0.2);
		IF n = 3 THEN
			RAISE EXCEPTION 'three' USING ERRCODE = '22012', DETAIL = 'It is three.';
		END IF;
		RETURN n;
	END $$;
	SELECT df_register_activity('slow');
	CREATE FUNCTION run_slow(n int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		tasks df_task[] := ARRAY(SELECT df_activity('slow', to_jsonb(i)) FROM generate_series(1, n) i);
	BEGIN
		RETURN (SELECT string_agg(coalesce(s.result #>> '{}', s.failure ->> 'errorType'), ' ' ORDER BY s.n)
				  FROM df_when_all_settled(tasks) s);
	END $$;
	SELECT df_register_orchestrator('run_slow');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node, args => [ '--sql-connections', 4 ]);
my $id = df_start($node, 'run_slow', '8', user => 'regress_user');
my $most = 0;

wait_for(sub {
	my $now = $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%df.run_sql%' AND state = 'active' AND pid <> pg_backend_pid()});

	$most = $now if $now > $most;
	return df_status($node, $id) eq 'Completed';
}, 'the end');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s') #>> '{}'"), '1 2 22012 4 5 6 7 8', 'outcomes');
is($node->safe_psql('postgres', "SELECT string_agg(n::text, ' ' ORDER BY n) FROM effects"), '1 2 4 5 6 7 8',
	'effects of those that succeeded, once each');
cmp_ok($most, '>', 1, 'several ran at the same time');
cmp_ok($most, '<=', 4, 'but not more than there are connections');

# a backend is killed while such an activity runs: rolled back and done again
$id = df_start($node, 'run_slow', '1', user => 'regress_user');
wait_for(sub {
	return $node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE query LIKE '%df.run_sql%' AND state = 'active' AND pid <> pg_backend_pid()}) eq '1';
}, 'a backend to terminate');
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM effects WHERE n = 1'), '2', 'its effect is there once');

# the server stops with such activities under way, and the worker drains
$id = df_start($node, 'run_slow', '8', user => 'regress_user');
wait_for(sub {
	return $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%df.run_sql%' AND state = 'active' AND pid <> pg_backend_pid()}) > 0;
}, 'activities to run');
is($worker->term, 0, 'a worker with slow SQL activities drains');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 1'), '0', 'and leaves no claim');
$worker = start_worker($node);
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', 'SELECT count(*) FROM effects WHERE n <> 1'), '12', 'everything was done once');

done_testing();

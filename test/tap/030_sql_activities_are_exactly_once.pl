# SQL activities, quick and slow, while the server crashes and the worker is killed: each effect is there exactly once.

use strict;
use warnings;

use Pgdf::Test;

my $steps = 1200;
my $node = new_node('main', conf => "pgdf.reconnect_grace = '200ms'\npgdf.max_deliveries = 100\n");

$node->safe_psql('postgres', q{
	CREATE TABLE effects (n int);
	CREATE FUNCTION quick(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO effects VALUES (n);
		PERFORM pg_sleep(0.004);	-- ten or so in one call, a second for all of them
		RETURN n;
	END $$;
	CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO effects VALUES (n);
		PERFORM pg_sleep(0.1);
		RETURN n;
	END $$;
	SELECT df_register_activity('quick'), df_register_activity('slow');
	CREATE FUNCTION count_up(first int, last int) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		slow_ones df_task[] := ARRAY(SELECT df_activity('slow', to_jsonb(-i)) FROM generate_series(first, first + 20) AS i);
		r jsonb;
	BEGIN
		FOR i IN first .. last LOOP
			r := df_call_activity('quick', to_jsonb(i));
		END LOOP;
		RETURN cardinality(df_when_all(slow_ones));
	END $$;
	SELECT df_register_orchestrator('count_up');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my $worker = start_worker($node, args => [ '--connections', 4 ]);
my @ids = map { df_start($node, 'count_up', sprintf('{"first": %d, "last": %d}', $_ * 1000, $_ * 1000 + $steps / 4 - 1),
		user => 'regress_user') } 1 .. 4;
my $crashes = 0;

foreach my $part (1 .. 4)
{
	wait_for(sub { return quick_effects() >= $part * $steps / 6 }, "effects, part $part");
	if ($part == 2)
	{
		$worker->kill9;
		$worker = start_worker($node, args => [ '--connections', 4 ]);
		next;
	}
	$crashes++ if quick_effects() < $steps;
	kill9_server($node);
	$node->start;
}
cmp_ok($crashes, '>', 0, "the server crashed $crashes times while there was something to do");
wait_for_status($node, $_, 'Completed') foreach @ids;
is($node->safe_psql('postgres', "SELECT df_result('$_', '1 s')"), '21', 'an instance has its result') foreach @ids;
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT n) FROM effects WHERE n > 0'), "$steps|$steps",
	'each quick one has its effect once');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT n) FROM effects WHERE n < 0'), '84|84',
	'so has each slow one');
is($node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks'), '0', 'no task is left');
is($worker->term, 0, 'the worker stops');
doctor_finds_nothing($node);
done_testing();

# Asked of a server that may be about to crash.
sub quick_effects
{
	my $count = eval { $node->safe_psql('postgres', 'SELECT count(*) FROM effects WHERE n > 0') };

	return $count // 0;
}

# Three producers, one worker, a burst every 100 ms: of 1,200 starts none waits for the poll.
#
# Without a sound wake-up about 3 in 100 wait until something else wakes the worker.  The bar is 40 ms on a quiet
# machine (PGDF_TEST_STRICT=1); a loaded one takes its time, though not the seconds of the poll.

use strict;
use warnings;

use Pgdf::Test;
use POSIX ();

my ($producers, $bursts, $size) = (3, 40, 10);
my $node = new_node('main', conf => "max_connections = 50\n");
my $worker = start_worker($node);

$node->safe_psql('postgres', q{
	CREATE FUNCTION quick() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '1'; END $$;
	SELECT df_register_orchestrator('quick');
	CREATE PROCEDURE produce(bursts int, size int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR b IN 1 .. bursts LOOP
			FOR i IN 1 .. size LOOP
				PERFORM df_start('quick');
				COMMIT;
			END LOOP;
			PERFORM pg_sleep(0.1);
		END LOOP;
	END $$;
}, connstr => $node->connstr('postgres') . ' user=regress_user');

my @pids = map { produce($_) } 1 .. $producers;

foreach my $pid (@pids)
{
	waitpid($pid, 0);
	is($?, 0, 'a producer came to its end');
}
wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df.instance_state WHERE completed_at IS NULL') == 0 }, 'the end');

my ($n, $p50, $p99, $max, $late, $asleep) = split(/\|/, $node->safe_psql('postgres', q{
	WITH w AS (
		SELECT extract(epoch FROM min(h.event_time) - i.created_at) * 1000 AS ms
		FROM df.instance_state i JOIN df.history h USING (instance_key)
		WHERE h.event_type = 12 GROUP BY i.instance_key, i.created_at)
	SELECT count(*), round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms), 1),
		round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms), 1), round(max(ms), 1),
		count(*) FILTER (WHERE ms > 40), count(*) FILTER (WHERE ms > 1000) FROM w}));

note("from df_start to the turn: p50 $p50 ms, p99 $p99 ms, max $max ms; later than 40 ms: $late");
is($n, $producers * $bursts * $size, 'every start had its turn');
is($asleep, 0, 'none waited for the poll');
is($late, 0, 'none was later than 40 ms') if $ENV{PGDF_TEST_STRICT};
is($worker->term, 0, 'the worker stops');
done_testing();

sub produce
{
	my ($i) = @_;
	my $pid = fork() // die "could not fork: $!";

	return $pid if $pid != 0;
	my $is_done = eval {
		$node->safe_psql('postgres', "SELECT pg_sleep(0.03 * $i); CALL produce($bursts, $size)",
			connstr => $node->connstr('postgres') . ' user=regress_user');
		1;
	};
	POSIX::_exit($is_done ? 0 : 1);
}

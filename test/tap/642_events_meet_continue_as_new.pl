# Four clients raise events while an instance takes one of them in each of its lives: each is taken in one life, and nothing of the
# lives before is left.  PGDF_TEST_LIVES= for another number of lives.

use strict;
use warnings;

use Pgdf::Test;
use POSIX ();

my $lives = $ENV{PGDF_TEST_LIVES} // 10000;
my $clients = 4;
my $node = new_node('main');
my $worker = start_worker($node);

$node->safe_psql('postgres', q{
	CREATE FUNCTION takes(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		number bigint := df_wait_event('number')::bigint;
		taken jsonb := jsonb_build_array((input ->> 0)::int + 1, (input ->> 1)::bigint + number, input -> 2);
	BEGIN
		IF (taken ->> 0)::int < (taken ->> 2)::int THEN
			PERFORM df_continue_as_new(taken);
		END IF;
		RETURN taken;
	END $$;
	SELECT df_register_orchestrator('takes');
	CREATE PROCEDURE tell(first int, last int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR n IN first .. last LOOP
			PERFORM df_raise_event('ear', 'number', to_jsonb(n), 'event ' || n);
			COMMIT;
			IF n % 10 = 0 THEN
				PERFORM pg_sleep(0.01);
			END IF;
		END LOOP;
	END $$;
}, connstr => $node->connstr('postgres') . ' user=regress_user');
df_start($node, 'takes', "[0, 0, $lives]", id => 'ear', user => 'regress_user');

my $share = $lives / $clients;
my @pids = map { raise_events(1 + $share * ($_ - 1), $share * $_) } 1 .. $clients;

foreach my $pid (@pids)
{
	waitpid($pid, 0);
	is($?, 0, 'a client came to its end');
}
wait_for_status($node, 'ear', 'Completed', timeout => 600);
is($node->safe_psql('postgres', "SELECT output FROM df_status('ear')"), sprintf('[%d, %d, %d]', $lives, $lives * ($lives + 1) / 2, $lives),
	'each event was taken, in one life');
is($node->safe_psql('postgres', "SELECT execution FROM df.instances"), $lives - 1, 'one in each');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM df.history'), '<=', 10, 'the history is that of the last life');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM df.buffered_events) + (SELECT count(*) FROM df.inbox)'), '0', 'no event is left');
is($worker->term, 0, 'the worker stops');
doctor_finds_nothing($node);
done_testing();

sub raise_events
{
	my ($first, $last) = @_;
	my $pid = fork() // die "could not fork: $!";

	return $pid if $pid != 0;
	my $is_done = eval {
		$node->safe_psql('postgres', "CALL tell($first, $last)", connstr => $node->connstr('postgres') . ' user=regress_user');
		1;
	};
	POSIX::_exit($is_done ? 0 : 1);
}

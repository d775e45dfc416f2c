# needs: faults
# With a part switched off, what that part is for goes wrong, and the checks of the other tests say so.

use strict;
use warnings;

use Pgdf::Chaos;
use Pgdf::FaultBuild;
use Pgdf::Test;
use Time::HiRes qw(sleep);

my $node = new_node('main', conf => "pgdf.lease = '3s'\npgdf.reconnect_grace = '200ms'\n");

use_fault_build($node, 'postgres');
$node->safe_psql('postgres', slurp("$ENV{PGDF_TEST_DIR}/lib/helpers.sql") . q{
	CREATE FUNCTION two_lives(n int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		answer text := df_text(df_call_activity('hold'));
	BEGIN
		IF n = 1 THEN
			PERFORM df_continue_as_new('2');
		END IF;
		RETURN answer;
	END $$;
	CREATE FUNCTION quick() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '1'; END $$;
	CREATE FUNCTION sleepy() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('Sleep'); END $$;
	SELECT df_register_orchestrator('two_lives'), df_register_orchestrator('quick'), df_register_orchestrator('sleepy');
});

# ----------------------------------------------------------------- the fence
# A worker lost its task; what it says later is about another life of the instance.

sub late_result
{
	my ($id, $broken) = @_;

	return $node->safe_psql('postgres', qq{
		SET pgdf.fault_broken = '$broken';
		SELECT FROM df_start('two_lives', '1', '$id');
		CALL test.run(worker => 'lost');
		UPDATE test.claimed SET worker = 'late' WHERE worker = 'lost';
		INSERT INTO test.workers (name, worker_key, queues, activities)
			SELECT 'late', worker_key, queues, activities FROM test.workers WHERE name = 'lost' ON CONFLICT DO NOTHING;
		UPDATE df.tasks SET state = 0, fence = NULL, worker_key = NULL, claimed_at = NULL;
		CALL test.run(worker => 'other');
		UPDATE test.claimed SET outcome = 'c', payload = '"first life"' WHERE worker = 'other';
		CALL test.run(worker => 'other');
		UPDATE test.claimed SET outcome = 'c', payload = '"too late"' WHERE worker = 'late';
		CALL test.run(worker => 'late');
		UPDATE test.claimed SET outcome = 'c', payload = '"second life"' WHERE worker = 'other';
		CALL test.run(worker => 'other');
		SELECT output FROM df_status('$id');
		DELETE FROM test.claimed; DELETE FROM df.worker_sessions; DELETE FROM test.workers});
}

is(late_result('fenced', ''), '"second life"', 'with the fence, a late result is dropped');
is(late_result('unfenced', 'fence'), '"too late"', 'without it, it is taken for that of another task');

# ---------------------------------------------------------------- the wake-up
# Somebody looked for idle workers before there was one, and commits when there is.

sub waits_for_wake_up
{
	my ($broken) = @_;

	broken($broken);
	my $session = $node->background_psql('postgres');

	$session->query_safe("BEGIN; SELECT df_start('quick', NULL, 'quick$broken')");

	my $worker = start_worker($node, name => "idle$broken");

	# nothing is left to do but to sleep
	wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE objsubid = 7 AND classid = 223
		AND objid = 2 AND mode = 'ShareLock' AND granted}) }, 'the worker to be idle');
	sleep(0.3);

	my $begun = time();

	$session->query_safe('COMMIT');
	wait_for_status($node, "quick$broken", 'Completed', timeout => 30);

	my $waited = time() - $begun;

	$session->quit;
	$worker->kill9;
	return $waited;
}

cmp_ok(waits_for_wake_up(''), '<', 2, 'with both locks, a worker hears of what is committed');
cmp_ok(waits_for_wake_up('wake'), '>', 2, 'without a look at producers, it sleeps until it polls');

# ---------------------------------------------------------------- presence

sub waits_for_takeover
{
	my ($broken) = @_;
	# the first one is still asleep when its worker is killed
	my $mark = temp_dir() . '/begun';
	my $config = { exec => { Sleep => { argv => [ '/bin/sh', '-c', "[ -e $mark ] || { : > $mark; sleep 60; }; echo 1" ] } } };

	broken($broken);
	my $lost = start_worker($node, name => "lost$broken", config => $config);

	df_start($node, 'sleepy', undef, id => "sleepy$broken");
	wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df.tasks WHERE state = 1') }, 'the claim');

	my $other = start_worker($node, name => "other$broken", config => $config);

	$lost->kill9;
	my $begun = time();

	wait_for_status($node, "sleepy$broken", 'Completed', timeout => 30);
	my $waited = time() - $begun;

	$other->kill9;
	return $waited;
}

cmp_ok(waits_for_takeover(''), '<', 2, 'with presence, tasks of a lost worker are taken over at once');
cmp_ok(waits_for_takeover('presence'), '>', 2, 'without, when their lease has run out');

sub broken
{
	my ($what) = @_;

	$node->safe_psql('postgres', "ALTER DATABASE postgres SET pgdf.fault_broken = '$what'");
	return;
}

$node->stop('immediate');

# ------------------------------------------------------- what the driver notices

foreach my $case (
	[ 'delivery', qr/doctor: violation I[16]/, 'an outcome that was lost' ],
	[ 'repeat', qr/doctor: violation I2/, 'an outcome that was delivered twice' ])
{
	my ($what, $finding, $name) = @{$case};
	my $report = chaos(
		name => $what,
		tasks => 400,
		kills => 2,
		crashes => 0,
		calm => 8,
		prepare => sub { use_fault_build($_[0], 'postgres', fault_broken => $what); });

	like(join("\n", @{ $report->{wrong} }), $finding, "the chaos driver notices $name");
}

done_testing();

# df_limit over two workers, one of which is killed: never more tasks at once than max_running, never more a second than rate.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $limit = 3;

# An activity holds one of as many lock files as may run at once; the kernel drops the lock of one that is killed.
my $hold = q{
	use Fcntl ':flock';
	my ($dir, $slots) = @ARGV;
	my $mine;
	for my $n (1 .. $slots) {
		open(my $file, '>', "$dir/slot$n") or die;
		if (flock($file, LOCK_EX | LOCK_NB)) { $mine = $file; last; }
	}
	open(my $log, '>>', "$dir/log") or die;
	syswrite($log, $mine ? "held\n" : "exceeded\n");
	select(undef, undef, undef, 0.02);
	print 1;
};
my $config = { exec => {
	Hold => { argv => [ $^X, '-e', $hold, $dir, "$limit" ] },
	Count => { argv => [ '/bin/sh', '-c', "echo x >> $dir/count; echo 1" ] },
	Free => { argv => [ '/bin/sh', '-c', 'echo 1' ] },
} };

$node->safe_psql('postgres', q{
	CREATE FUNCTION all_of(input jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		RETURN (SELECT sum(x::bigint) FROM unnest(df_when_all(
			ARRAY(SELECT df_activity(input ->> 'name', to_jsonb(i)) FROM generate_series(1, (input ->> 'n')::int) i))) x);
	END $$;
	SELECT df_register_orchestrator('all_of');
	CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		slot int;
	BEGIN
		FOR slot IN 1 .. 2 LOOP
			IF pg_try_advisory_xact_lock(slot) THEN
				PERFORM pg_sleep(0.01);
				RETURN 1;
			END IF;
		END LOOP;
		RETURN 1000000;
	END $$;
	SELECT df_register_activity('slow', 'slow');
});
$node->safe_psql('postgres', qq{SELECT df_limit('Hold', max_running => $limit), df_limit('Count', rate => 20), df_limit('slow', 2)});

my @workers = map {
	start_worker($node, name => $_, config => $config, args => [ '--max-activities', 20 ])
} qw(left right);

sub run_all
{
	my ($name, $n) = @_;

	return df_start($node, 'all_of', qq({"name": "$name", "n": $n}));
}

# --- max_running
my $id = run_all('Hold', 60);
my $free = run_all('Free', 20);

wait_for_status($node, $free, 'Completed');
pass('activities without a limit go on');
wait_for(sub { (() = slurp("$dir/log") =~ /\n/g) > 15 }, 'some tasks have run');
$workers[0]->kill9;
$workers[0] = start_worker($node, name => 'third', config => $config, args => [ '--max-activities', 20 ]);
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '60', 'all of them ran in the end');
unlike(slurp("$dir/log"), qr/exceeded/, "never more than $limit at once, a killed worker included");

# --- rate: so many need at least so long, whatever the machine is doing; a bucket holds two tokens
my $begin = time();

$id = run_all('Count', 42);
wait_for_status($node, $id, 'Completed');
cmp_ok(time() - $begin, '>=', 1.95, '42 at 20 a second take 2 seconds');
is((() = slurp("$dir/count") =~ /x/g), 42, 'each began once');

# --- SQL activities
$id = run_all('slow', 30);
wait_for_status($node, $id, 'Completed');
is($node->safe_psql('postgres', "SELECT df_result('$id', '1 s')"), '30', 'never more than 2 SQL activities at once');

# --- a lane at its limit costs nothing: workers sleep
$node->safe_psql('postgres', q{SELECT df_limit('Free', 0)});
$id = run_all('Free', 5);
wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM df.tasks WHERE name = 'Free' AND state = 0}) == 5 }, 'the tasks are queued');

sub commits
{
	return $node->safe_psql('postgres', q{
		SELECT pg_stat_clear_snapshot(); SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = 'postgres'}) =~ s/\s//gr;
}
my $before = commits();

wait_for(sub {
	my $last = $before;

	select(undef, undef, undef, 2);
	$before = commits();
	note($before - $last . ' commits in 2 s');
	return $before - $last < 50;
}, 'workers sleep before a lane at its limit');
$node->safe_psql('postgres', q{SELECT df_limit('Free', 1)});
wait_for_status($node, $id, 'Completed');
pass('a limit that is raised lets them begin');
is($_->term, 0, 'a worker stops') foreach @workers;

done_testing();

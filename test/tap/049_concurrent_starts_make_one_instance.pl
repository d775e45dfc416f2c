# Fifty sessions start one id at the same moment: whatever if_exists says, and whether the id is free, final or live, exactly one instance is there.

use strict;
use warnings;

use IPC::Run;
use Pgdf::Test;

my $node = new_node('main', conf => "max_connections = 120\n");
my $sessions = 50;

$node->safe_psql('postgres', q{
	CREATE FUNCTION waits(n int) RETURNS int LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_wait_event('go');
		RETURN n;
	END $$;
	SELECT df_register_orchestrator('waits');
	CREATE FUNCTION ends(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN n; END $$;
	SELECT df_register_orchestrator('ends');
});

# All of them wait for one lock, and begin when it is released.  Returns how many succeeded, and the errors' codes.
sub start_all
{
	my ($id, $if_exists) = @_;
	my $gate = $node->background_psql('postgres');
	my (@runs, %failed);
	my $started = 0;

	$gate->query_safe('SELECT pg_advisory_lock(1)');
	foreach my $n (1 .. $sessions)
	{
		my %run = (out => '', err => '');

		$run{handle} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-d', $node->connstr('postgres'),
			'-c', 'SELECT pg_advisory_lock_shared(1)',
			'-c', "SELECT 'started ' || df_start('waits', '$n', '$id', if_exists => '$if_exists')" ],
			'<', \undef, '>', \$run{out}, '2>', \$run{err});
		push @runs, \%run;
	}
	wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) == $sessions }, 'all are at the gate');
	$gate->query_safe('SELECT pg_advisory_unlock(1)');
	foreach my $run (@runs)
	{
		$run->{handle}->finish;
		$started++ if $run->{out} =~ /^started \Q$id\E$/m;
		$failed{$1}++ if $run->{err} =~ /ERROR:\s+(\w{5})/;
	}
	$gate->quit;
	return ($started, \%failed);
}

sub instances
{
	my ($id) = @_;

	return $node->safe_psql('postgres', "SELECT string_agg(runtime_status, ',') FROM df.instances WHERE instance_id = '$id'");
}

my ($started, $failed);
my $worker;

foreach my $with_worker (0, 1)
{
	my $what = $with_worker ? 'with a worker' : 'without a worker';

	$worker = start_worker($node) if $with_worker;

	# the id is free
	($started, $failed) = start_all("error $with_worker", 'error');
	is($started, 1, "$what, error: one has started it");
	is_deeply($failed, { 42710 => $sessions - 1 }, 'the others are told that it exists');
	like(instances("error $with_worker"), qr/^(Pending|Running)$/, 'there is one');

	($started, $failed) = start_all("ignore $with_worker", 'ignore');
	is($started, $sessions, "$what, ignore: all have its id");
	is_deeply($failed, {}, 'without an error');
	like(instances("ignore $with_worker"), qr/^(Pending|Running)$/, 'there is one');

	($started, $failed) = start_all("replace $with_worker", 'replace');
	is($started, $sessions, "$what, replace: all have replaced it");
	is_deeply($failed, {}, 'without an error');
	like(instances("replace $with_worker"), qr/^(Pending|Running|Terminated)$/, 'there is one');
}

# the id is that of a final instance: one takes its place
foreach my $if_exists (qw(error ignore replace))
{
	my $id = "final $if_exists";

	$node->safe_psql('postgres', "SELECT df_start('ends', '0', '$id')");
	wait_for_status($node, $id, 'Completed');
	($started, $failed) = start_all($id, $if_exists);
	is($started, $if_exists eq 'error' ? 1 : $sessions, "final, $if_exists: so many have started it");
	is_deeply($failed, $if_exists eq 'error' ? { 42710 => $sessions - 1 } : {}, 'and the others are told');
	like(instances($id), $if_exists eq 'ignore' ? qr/^Completed$/ : qr/^(Pending|Running|Terminated)$/, 'there is one');
}

# each of them is one instance with one run: it ends once, with the input of one of them
foreach my $id ('error 0', 'error 1', 'ignore 0', 'ignore 1', 'replace 0', 'replace 1', 'final error', 'final replace')
{
	wait_for_status($node, $id, 'Running');
	wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM df.inbox}) == 0 }, 'nothing is on its way');
	$node->safe_psql('postgres', "SELECT df_raise_event('$id', 'go')");
	wait_for_status($node, $id, 'Completed');
	is($node->safe_psql('postgres', "SELECT output::int BETWEEN 1 AND $sessions AND output = input FROM df_status('$id')"), 't', "$id ends once");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM df.instances}), 9, 'there are no others');
is($node->safe_psql('postgres', q{SELECT string_agg(finding, ',') FROM df.doctor(true) WHERE severity = 'violation'}), '', 'and nothing is wrong');
is($worker->term, 0, 'the worker stops');

done_testing();

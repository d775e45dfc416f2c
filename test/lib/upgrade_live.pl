# test/lib/upgrade_live.pl: updates while there is work: nothing is lost, and the worker needs no help.
#
# Begun with 1.0, with the new library and no ALTER EXTENSION yet: the worker waits, says why, and goes on after it.
# Today's version is updated while a worker is in the middle of its work.

use strict;
use warnings;

use Pgdf::Process qw(poll slurp spawn_worker);
use Test::More;

my $psql = "$ENV{BINDIR}/psql";
my $chain = q{
	CREATE FUNCTION steps(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		total jsonb := to_jsonb(n);
	BEGIN
		FOR i IN 1 .. 5 LOOP
			total := df_call_activity('noop', total);
		END LOOP;
		RETURN total::int;
	END $$};
my $start = q{SELECT count(df_start('steps', to_jsonb(n), 'i' || n)) FROM generate_series(1, 300) AS n};
my $all_done = q{SELECT bool_and(runtime_status = 'Completed') AND count(*) = 300 FROM df.instances};

begun_with_an_older_version();
updated_while_it_works();
done_testing();

sub begun_with_an_older_version
{
	make_database('live_older', '1.0');
	run('live_older', '-c', $start);
	my $worker = worker('live_older');

	$worker->wait_log(qr/is older than its library/);
	is(value('live_older', q{SELECT count(*) FROM df.instances WHERE runtime_status <> 'Pending'}), '0',
		'the worker waits for ALTER EXTENSION');
	run('live_older', '-c', "ALTER EXTENSION pgdf UPDATE TO 'next'");
	ok(poll(sub { value('live_older', $all_done) eq 't' }), 'what was begun with 1.0 is completed after the update');
	is(value('live_older', q{SELECT sum((output #>> '{}')::int) FROM df.instances}), '45150', 'with the right results');
	is(value('live_older', 'SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
	is($worker->term, 0, 'the worker ends well');
	return;
}

sub updated_while_it_works
{
	my ($version) = value('postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'pgdf'});

	make_database('live_same', $version);
	my $worker = worker('live_same');

	run('live_same', '-c', $start);
	poll(sub { value('live_same', 'SELECT count(*) > 20 FROM df.history WHERE event_type = 5') eq 't' });
	# the update gives up after 2 s when a lock is not to be had: it is begun again, as an administrator would
	ok(poll(sub { update('live_same') }), "version $version is updated while a worker works");
	ok(poll(sub { value('live_same', $all_done) eq 't' }), 'and all of its work is completed');
	is(value('live_same', q{SELECT sum((output #>> '{}')::int) FROM df.instances}), '45150', 'with the right results');
	is(value('live_same', 'SELECT count(*) FROM df.doctor()'), '0', 'the doctor finds nothing');
	is($worker->term, 0, 'it was the same worker all the time');
	return;
}

sub update { return system("$psql -X -q -v ON_ERROR_STOP=1 -d '$_[0]' -c \"ALTER EXTENSION pgdf UPDATE TO 'next'\"") == 0; }

sub make_database
{
	my ($name, $version) = @_;

	run('postgres', '-c', 'SET client_min_messages = error',
		'-c', "DO 'BEGIN CREATE ROLE live_worker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'",
		'-c', "CREATE DATABASE $name");
	run($name, '-c', "CREATE EXTENSION pgdf VERSION '$version'", '-c', q{SELECT df_grant_worker('live_worker')},
		'-c', $chain, '-c', q{SELECT df_register_orchestrator('steps')},
		'-c', "ALTER DATABASE $name SET pgdf.superuser_instances = on");
	return;
}

sub worker
{
	my ($db) = @_;

	return spawn_worker(conninfo => "dbname=$db user=live_worker", dir => $ENV{TESTDIR}, name => $db, wait => 0);
}

sub value
{
	my ($db, $sql) = @_;

	return run($db, '-At', '-c', $sql) =~ s/\n\z//r;
}

sub run
{
	my ($db, @args) = @_;

	open(my $fh, '-|', $psql, qw(-X -q -v ON_ERROR_STOP=1 -d), $db, @args) or die "could not run psql: $!\n";
	local $/;
	my $output = <$fh> // '';
	close($fh) or die "psql ended with status $?: @args\n";
	return $output;
}

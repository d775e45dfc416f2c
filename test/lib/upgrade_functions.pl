# test/lib/upgrade_functions.pl: the library of today with the functions of a released version, before ALTER EXTENSION UPDATE.
#
# What clients call works as it did; what a worker calls says what is to be done.  No call harms the session,
# or what is there: after the update all of it goes on.

use strict;
use warnings;

use File::Basename;

use Pgdf::Process qw(poll spawn_worker);
use Test::More;

my $psql = "$ENV{BINDIR}/psql";
my $update_error = qr/ERROR:  55000: extension "pgdf" in this database is older than its library/;
my $orchestrators = q{
	CREATE FUNCTION asks(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_wait_event('answer');
	END $$;
	CREATE FUNCTION raises(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM df_fail('Broken', 'it broke');
	END $$;
	CREATE FUNCTION calls(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_sub_orchestrator('asks', input, tags => '{"a": 1}');
	END $$;
	SELECT df_register_orchestrator('asks'), df_register_orchestrator('raises'), df_register_orchestrator('calls')};

# What a client calls, and what it gets (a pattern); in order, in a session of its own each.
my @client = (
	[q{SELECT df_start('asks', '1', 'live')}, qr/^live$/],
	[q{SELECT df_start('asks', '1', 'live')}, qr/ERROR:  42710/],
	[q{SELECT df_start('asks', '1', 'live', if_exists => 'ignore')}, qr/^live$/],
	[q{SELECT df_start('asks', '1', 'live', if_exists => 'replace')}, qr/^live$/],
	[q{SELECT df_start('asks', '1', 'later', start_at => now() + '1 day')}, qr/^later$/],
	[q{SELECT df_start('calls', '1', 'parent')}, qr/^parent$/],
	[q{SELECT df_start('nothing')}, qr/ERROR:  42704/],
	[q{SELECT runtime_status FROM df_status('live')}, qr/^Pending$/],
	[q{SELECT count(*) FROM df_status('nothing')}, qr/^0$/],
	[q{SELECT runtime_status FROM df_wait('ended', '1 second')}, qr/^Completed$/],
	[q{SELECT runtime_status FROM df_wait('live', '10 ms')}, qr/^Pending$/],
	[q{SELECT df_result('ended', '1 second')}, qr/^1$/],
	[q{SELECT df_result('live', '10 ms')}, qr/ERROR:  DF003/],
	[q{SELECT count(*) FROM df_history('ended')}, qr/^0$/],
	[q{SELECT df_raise_event('live', 'answer', '2')}, qr/^t$/],
	[q{SELECT df_suspend('live')}, qr/^t$/],
	[q{SELECT df_resume('live')}, qr/^t$/],
	[q{SELECT df_terminate('later')}, qr/^t$/],
	[q{SELECT df_rewind('broken')}, qr/^t$/],
	[q{SELECT df_restart('again')}, qr/^[0-9a-f]{32}$/],
	[q{SELECT df_restart('again', 'again')}, qr/^again$/],
	[q{SELECT count(*) FROM df_waits()}, $update_error],
	[q{SELECT count(*) FROM df_tree('parent')}, qr/^1$/],
	[q{SELECT count(*) FROM df.instances}, qr/^\d+$/],
	[q{SELECT count(*) FROM df.activities}, qr/^\d+$/],
	[q{SELECT count(*) FROM df.workers}, qr/^\d+$/],
	[q{SELECT count(*) FROM df_deploy_check('asks(jsonb)')}, qr/^0$/],
	[q{SELECT count(*) FROM df_lint('asks(jsonb)')}, qr/^\d+$/],
	[q{SELECT df_register_activity('added', kind => 'worker')}, qr/^$/],
	[q{SELECT df_register_orchestrator('asks', 'asks(jsonb)')}, qr/^$/],
	[q{SELECT df_unregister('added')}, qr/^t$/],
	[q{SELECT df_retry(3) ->> 'max_attempts'}, qr/^3$/],
	[q{SELECT df_purge('purged')}, qr/^1$/],
	[q{SELECT df_purge('live')}, qr/ERROR:  55000/],
	[q{SELECT df_purge_before(now() - interval '1 day')}, qr/^0$/],
);

# What a worker calls.
my @worker = (
	[q{SELECT * FROM df.attach(gen_random_uuid(), 'w', '{default}', '{echo}', 10)}, $update_error],
	[q{SELECT * FROM df.work(1, '{default}', '{echo}', 1, 1, 'work', '{}', '{}', '{}', '', '{}')}, qr/ERROR:  55000: worker session 1 does not exist/],
	[q{SELECT * FROM df.sweep(1)}, $update_error],
	[q{SELECT df.idle(false)}, qr/^$/],
	[q{SELECT df.wake()}, qr/^f$/],
	[q{SELECT df.detach(1)}, $update_error],
	[q{SELECT df.run_sql(1, 1, 1, 1)}, qr/^f$/],
);

foreach my $script (sort glob("$ENV{PGDF_TEST_DIR}/upgrade/pgdf--*.sql"))
{
	my ($version) = basename($script) =~ /^pgdf--(.*)\.sql$/;
	my $db = "functions_$version" =~ s/\W/_/gr;

	prepare($db, $version);
	like(query($db, $_->[0]), $_->[1], "version $version: $_->[0]") foreach @client, @worker;
	update($db, $version);
}
done_testing();

# Instances in the statuses that the calls below ask for.
sub prepare
{
	my ($db, $version) = @_;

	query('postgres', $_)
	  foreach "CREATE DATABASE $db", q{DO 'BEGIN CREATE ROLE live_worker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END'};
	query($db, $_)
	  foreach "CREATE EXTENSION pgdf VERSION '$version'",
	  "ALTER DATABASE $db SET pgdf.superuser_instances = on", q{SELECT df_grant_worker('live_worker')}, $orchestrators;
	is(query($db, q{SELECT count(df_start('asks', '1', id)) FROM unnest('{ended,again,purged,broken}'::text[]) id}),
		'4', "version $version: instances are started");
	query($db, q{UPDATE df.instance_state SET status = CASE instance_id WHEN 'broken' THEN 3 ELSE 1 END, completed_at = now(), output = '1'});
	query($db, 'DELETE FROM df.inbox');
	return;
}

sub update
{
	my ($db, $version) = @_;
	my $worker;

	is(query($db, "ALTER EXTENSION pgdf UPDATE TO 'next'"), '', "version $version is updated");
	$worker = spawn_worker(conninfo => "dbname=$db user=live_worker", dir => $ENV{TESTDIR}, name => $db, wait => 0);
	ok(poll(sub { query($db, q{SELECT runtime_status, output FROM df_status('live')}) eq 'Completed|2' }),
		"version $version, updated: an instance that was replaced, and its event");
	ok(poll(sub { query($db, q{SELECT count(*) FROM df.instances WHERE instance_id IN ('parent', 'again') AND runtime_status = 'Running'}) eq '2' }),
		"version $version, updated: what was started goes on");
	query($db, q{SELECT df_raise_event(c.instance_id, 'answer', '3') FROM df_tree('parent') c WHERE depth = 1});
	ok(poll(sub { query($db, q{SELECT runtime_status, output FROM df_status('parent')}) eq 'Completed|3' }),
		"version $version, updated: a sub-orchestration");
	is(query($db, 'SELECT count(*) FROM df.doctor(true)'), '0', 'the doctor finds nothing');
	is($worker->term, 0, 'the worker ends well');
	return;
}

# What psql prints; an error with its SQLSTATE.
sub query
{
	my ($db, $sql) = @_;

	open(my $fh, '-|', 'sh', '-c', 'exec "$0" -X -q -At -v VERBOSITY=verbose -d "$1" -c "$2" 2>&1', $psql, $db, $sql)
	  or die "could not run psql: $!\n";
	local $/;
	my $output = <$fh> // '';
	close($fh);
	return $output =~ s/\n\z//r;
}
